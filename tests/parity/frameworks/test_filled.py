"""Padding with elements of the input in JAX, Flax and ONNX: each computes it, or says why it does not."""

from __future__ import annotations

import pytest
from hypothesis import given

from parity import Case, run, translate
from parity.frameworks.code.expression import ExpressionError, parse_call
from parity.frameworks.filled import behind_padding
from parity.frameworks.interface import Framework
from parity.frameworks.known.registry import layers_of
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.table import FrameworkError, find_framework
from parity.records.result import Result
from tests.support.filled import FILLED, filled_cases
from tests.support.findings import check_scripts
from tests.support.strategies import changed, examples

NAMES = ("jax", "jax+jit", "flax", "onnx", "onnxruntime", "onnx+opset10", "openvino", "tract", "opencv")

CASE = Case("conv2d", (2, 4, 5, 6), 6, (3, 2), (1, 2), ((1, 2), (3, 0)), groups=2, bias=True)
ROUND = Case("conv2d", (1, 2, 6, 7), 3, 3, 2, 1, padding_mode="circular")
WIDE = Case("conv1d", (1, 2, 3), 2, 3, padding=((7, 4),))

MISSING = {
    ("onnx+opset10", "circular"): "Pad wraps in opset 19 first",
    ("openvino", "circular"): "is asked for padding of zeros or reflect or replicate alone",
    ("tract", "circular"): "is asked for padding of zeros or reflect or replicate alone",
}

REFUSED = {
    "onnxruntime": "a Pad that reflects an axis of no more elements than it adds",
    "openvino": "reflects fewer elements of an axis than it has",
}
"""Of a reflection that goes on."""


def framework(name: str) -> Framework:
    """Return the framework; skip where it is not installed."""
    try:
        return find_framework(name)
    except FrameworkError as error:
        pytest.skip(f"{error}: `nox -s frameworks` installs it")


def results(case: Case, name: str, *, grad: bool = False) -> list[Result]:
    framework(name)
    found = run(case, [name], grad=grad)
    assert found.verdict != "unexplained"
    return list(found.results)


def layer_of(case: Case, name: str) -> str:
    """The text of the first layer that computes the case."""
    layers = layers_of(framework(name), case)
    return repr(next(each.layer for each in layers if isinstance(each, Spelling)))


@pytest.mark.parametrize("mode", FILLED)
@pytest.mark.parametrize("case", [CASE, WIDE], ids=["plane", "wide"])
@pytest.mark.parametrize("name", NAMES)
def test_an_exact_layer_computes_it(name: str, case: Case, mode: str) -> None:
    native, *exact = results(changed(case, padding_mode=mode), name)
    assert native.status == "unsupported"
    too_wide = mode == "reflect" and case is WIDE
    missing = "not run: tract ends" if name == "tract" and too_wide else MISSING.get((name, mode))
    if missing is not None:
        assert exact == []
        assert missing in str(native.reason)
        return
    (found,) = exact
    if too_wide and name in REFUSED:
        assert found.status == "rejected"
        assert REFUSED[name] in str(found.reason)
        return
    assert (found.spelling, found.relation) == ("exact", "identical")


@pytest.mark.parametrize("mode", FILLED)
@pytest.mark.parametrize("name", ["jax", "flax"])
def test_its_gradients_are_folded_back(name: str, mode: str) -> None:
    every = results(changed(CASE, padding_mode=mode), name, grad=True)
    found = [each for each in every if each.spelling == "exact"]
    assert [each.relation for each in found] == ["identical"] * 4
    assert {each.output for each in found} == {"value", "input_grad", "weight_grad", "bias_grad"}


@pytest.mark.parametrize(("mode", "padding"), [("circular", "CIRCULAR"), ("reflect", "REFLECT")])
def test_flax_has_a_name_for_padding_as_wide_as_the_kernel_asks(mode: str, padding: str) -> None:
    for case in (
        changed(ROUND, padding_mode=mode),
        Case("conv1d", (1, 2, 9), 2, 4, padding=((1, 2),), padding_mode=mode),
        Case("conv2d", (1, 2, 9, 9), 2, 3, padding="same", dilation=2, padding_mode=mode),
    ):
        linen, nnx = results(case, "flax")
        assert (linen.spelling, nnx.spelling) == ("native", "native")
        assert f"padding={padding!r}" in str(linen.layer)
        assert (nnx.variant, nnx.relation, linen.relation) == ("nnx", "identical", "identical")


def test_flax_has_no_name_where_the_odd_element_is_before() -> None:
    case = Case("conv1d", (1, 2, 9), 2, 4, padding=((2, 1),), padding_mode="circular")
    native, exact = results(case, "flax")
    assert (native.status, exact.spelling) == ("unsupported", "exact")


@pytest.mark.parametrize("line", ["nn.Conv(8, (3, 3), {})", "nnx.Conv(3, 8, (3, 3), {}, rngs=rngs)"])
@pytest.mark.parametrize(("mode", "padding"), [("circular", "CIRCULAR"), ("reflect", "REFLECT")])
def test_flaxs_names_are_read_and_translated(line: str, mode: str, padding: str) -> None:
    pytest.importorskip("flax")
    typed = line.format(f"padding={padding!r}, kernel_dilation=2")
    reading = framework("flax").read(parse_call(typed))
    assert reading.arguments["padding_mode"] == mode
    assert reading.arguments["padding"] == ((2, 2), (2, 2))
    found = translate(typed, "torch", channels=3)
    assert found.verified
    assert f'padding_mode="{mode}"' in found.code
    back = translate(f"torch.nn.Conv2d(3, 8, 3, padding=2, dilation=2, padding_mode={mode!r})", "flax")
    assert back.verified
    assert f'padding="{padding}"' in back.code


@pytest.mark.parametrize("to", ["jax", "flax", "onnx"])
def test_torchs_layer_is_translated_for_inputs_of_any_size(to: str) -> None:
    framework(to)
    found = translate("torch.nn.Conv2d(3, 4, (2, 3), padding='same', padding_mode='replicate')", to)
    assert found.verified
    assert found.spelling == "exact"


def test_flaxs_activation_stands_behind_the_padding_too() -> None:
    pytest.importorskip("flax")
    found = translate("nn.Conv2d(3, 4, 3, padding=2, padding_mode='circular')", "flax")
    assert found.verified
    assert "flax.linen.Sequential" in found.code


@pytest.mark.parametrize("padding", ["'CIRCULAR'", "'REFLECT'"])
def test_a_transposed_layer_of_flax_is_not_read_with_it(padding: str) -> None:
    with pytest.raises(ExpressionError, match="read is that of Conv"):
        framework("flax").read(parse_call(f"nn.ConvTranspose(8, (3, 3), padding={padding})"))


def test_the_texts_are_the_frameworks_own_words() -> None:
    case = changed(ROUND, padding_mode="replicate")
    assert "jax.numpy.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode='edge'), w, " in layer_of(case, "jax")
    constant, pad, convolution = layer_of(case, "onnx").splitlines()[-4:-1]
    assert "'Constant', [], ['pads'], value_ints=[0, 0, 1, 1, 0, 0, 1, 1])" in constant
    assert "'Pad', ['x', 'pads'], ['padded'], mode='edge')" in pad
    assert "'Conv', ['padded', 'w'], ['y'], kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0" in convolution
    assert "pads=[0, 0, 1, 1, 0, 0, 1, 1]" in layer_of(case, "onnx+opset10")


@pytest.mark.parametrize("name", ["onnx", "onnx+opset10", "onnxruntime", "flax", "jax"])
def test_the_script_of_a_finding_computes_as_here_and_notices_another_output(name: str) -> None:
    found, case = framework(name), changed(CASE, padding_mode="replicate")
    if found.why_unavailable():
        pytest.skip(f"{name} is not installed")
    check_scripts(case, found, run(case, [name]))


@examples(60)
@given(filled_cases(min_size=0))
def test_whoever_has_the_modes_has_a_layer_or_a_reason(case: Case) -> None:
    for name in NAMES:
        first, *others = layers_of(framework(name), case)
        computing = [each for each in (first, *others) if isinstance(each, Spelling)]
        if not computing:
            assert isinstance(first, Unsupported)
            wraps_not = (name, case.filled_with) in MISSING
            assert wraps_not or name in {"tract", "opencv"} or 0 in case.output_shape
        for each in computing:
            assert each.kind == "lookalike" or each.meaning.geometry == case.geometry


@given(filled_cases())
def test_behind_its_padding_it_is_a_convolution_of_zeros(case: Case) -> None:
    inside = behind_padding(case)
    assert inside.output_shape == case.output_shape
    assert inside.filled_with == "zeros"
    assert inside.geometry.axes == tuple(changed(inside, padding=0).geometry.axes)
