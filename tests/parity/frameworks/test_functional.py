"""Functions of arrays in place of layers: read, written, and run like them."""

from __future__ import annotations

import re
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from parity.cases.case import Case
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.code.expression import ExpressionError, parse_call
from parity.frameworks.code.script import join
from parity.frameworks.jax.read import read as read_jax
from parity.frameworks.mlx.read import read as read_mlx
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import find_framework
from parity.frameworks.task import here
from parity.frameworks.tinygrad.read import read as read_tinygrad
from parity.running import run_all
from parity.translation.translator import Draft, translate
from tests.support.strategies import cases, examples
from tests.support.translations import layer_draft

ROUTES = ["torch+functional", "keras+ops"]


def code_of(written: Draft) -> str:
    """The script without the line that it came from, which is a comment of a line or more."""
    return re.sub(r"\A(#.*\n)+", "", written.program.text)


@pytest.mark.parametrize("name", ROUTES)
@examples(60)
@given(case=cases(values=("integers",)))
def test_a_function_computes_and_refuses_what_its_layer_does(name: str, case: Case) -> None:
    (result,) = run_all(iter([case]), [find_framework(name)], here, ahead=1, grad=True)
    assert [each for each in result.record.results if not each.explained or each.unseen] == []
    plain = find_framework(name.partition("+")[0]).spell(case)
    other = [each for each in plain if isinstance(each, Spelling) and each.variant == "depthwise"]
    assert len(find_framework(name).spell(case)) == len(plain) - len(other)  # by another function


@pytest.mark.parametrize("name", ROUTES)
@examples(20)
@given(case=cases(dtypes=("float32",), values=("integers",)))
def test_the_code_of_a_call_computes_what_the_call_does(name: str, case: Case) -> None:
    found = find_framework(name)
    spellings = [each for each in found.spell(case) if isinstance(each, Spelling) and not each.refusal]
    arrays = draw_arrays(case)
    for each in spellings:
        converted = each.convert(arrays.weights)
        given = {"x": arrays.x.astype("float64"), "converted": converted, "layer": each.layer.call()}
        found.load()
        expected = found.call(each.layer.call(), converted, arrays.x)
        calling = found.calling("float32")
        names = _run(join((*calling.imports, "numpy as np"), calling.statements), given)
        np.testing.assert_array_equal(names["y"], expected)
        differentiating = found.differentiating("float32")
        if differentiating is None or each.no_backward:
            continue
        dy = np.ones_like(expected)
        by_input, by_weights = found.backward(each.layer.call(), converted, arrays.x, dy)
        text = join((*differentiating.imports, "numpy as np"), differentiating.statements)
        names = _run(text, {**given, "dy": dy})
        for one, other in zip(names["gradients"], [by_input, *by_weights], strict=True):
            np.testing.assert_array_equal(one, other)


def _run(text: str, names: dict[str, Any]) -> dict[str, Any]:
    exec(text, names)  # noqa: S102 - the script under test
    return names


@st.composite
def functions(draw: st.DrawFn) -> tuple[str, str]:
    """A call of torch's function, and the module that computes the same."""
    rank, transposed, groups = draw(st.integers(1, 3)), draw(st.booleans()), draw(st.integers(1, 2))
    channels, filters = (groups * draw(st.integers(1, 2)) for _ in range(2))
    kernel = draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank))
    bias = draw(st.sampled_from(["", "None", "b", "self.bias", "torch.zeros(3)"]))
    ints = st.integers(1, 2) | st.integers(1, 2).map(lambda one: (one,))
    options = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "stride": ints,
                "padding": st.integers(0, 1) if transposed else st.integers(0, 1) | st.just("valid"),
                "dilation": ints,
                **({"output_padding": st.just(0)} if transposed else {}),
            },
        )
    )
    shape = (channels, filters // groups) if transposed else (filters, channels // groups)
    sizes = ", ".join(map(str, (*shape, *kernel)))
    weight = draw(
        st.sampled_from(
            [
                *("torch.randn({})", "torch.empty(({}))", "nn.Parameter(torch.zeros([{}]))"),
                *("np.zeros(({}))", "torch.full(({}), 0.5)", "np.random.normal(0, 1, ({}))"),
                "torch.rand(size=({}))",
            ]
        )
    ).format(sizes)
    prefix = draw(st.sampled_from(["F.", "nn.functional.", "torch.nn.functional.", "torch.", ""]))
    op = f"conv{'_transpose' if transposed else ''}{rank}d"
    rest = "".join(f", {name}={value!r}" for name, value in options.items())
    given = "" if bias == "" else f", {bias}" if draw(st.booleans()) else f", bias={bias}"
    line = f"y = {prefix}{op}(x, {weight}{given}, groups={groups}{rest})"
    has_bias = bias not in {"", "None"}
    name = f"Conv{'Transpose' if transposed else ''}{rank}d"
    module = f"nn.{name}({channels}, {filters}, {tuple(kernel)}, groups={groups}, bias={has_bias}{rest})"
    return line, module


@examples(80)
@given(functions(), st.sampled_from(["numpy", "keras", "torch+functional"]))
def test_a_function_of_torch_is_read_as_its_module(pair: tuple[str, str], target: str) -> None:
    function, module = pair
    assert code_of(layer_draft(function, target)) == code_of(layer_draft(module, target))


@st.composite
def operations(draw: st.DrawFn) -> tuple[str, str]:
    """A call of Keras's function, and the layer that computes the same."""
    rank, transposed = draw(st.integers(1, 3)), draw(st.booleans())
    channels, filters = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    kernel = draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank))
    stride = draw(st.integers(1, 2))
    options: dict[str, Any] = {"strides": stride, "padding": draw(st.sampled_from(["valid", "same"]))}
    if stride == 1 and not transposed:
        options["dilation_rate"] = draw(st.integers(1, 2))
    sizes = (*kernel, filters, channels) if transposed else (*kernel, channels, filters)
    forms = ["np.zeros({})", "keras.random.normal(shape={})", "tf.Variable(tf.ones({}))"]
    form = draw(st.sampled_from(forms))
    prefix = draw(st.sampled_from(["keras.ops", "ops"]))
    rest = "".join(f", {name}={value!r}" for name, value in options.items())
    line = f"{prefix}.conv{'_transpose' if transposed else ''}(x, {form.format(list(sizes))}{rest})"
    name = f"Conv{rank}D{'Transpose' if transposed else ''}"
    shape = (*(9,) * rank, channels)
    layer = f"layers.{name}({filters}, {tuple(kernel)}, use_bias=False, input_shape={shape}{rest})"
    return line, layer


@examples(50)
@given(operations(), st.sampled_from(["numpy", "torch", "keras"]))
def test_a_function_of_keras_is_read_as_its_layer(pair: tuple[str, str], target: str) -> None:
    function, layer = pair
    assert code_of(layer_draft(function, target)) == code_of(layer_draft(layer, target))


@pytest.mark.usefixtures("shared_processes")
@examples(10)
@given(operations())
def test_a_function_of_keras_is_translated_and_proved(pair: tuple[str, str]) -> None:
    there = translate(pair[0], "keras.ops")
    assert (there.verified, there.target) == (True, "keras+ops")


@examples(60)
@given(functions())
def test_a_function_that_is_written_is_read_back_as_the_same_layer(pair: tuple[str, str]) -> None:
    there = layer_draft(pair[0], "torch.nn.functional")
    written = "layer = " + there.program.text.split("\nlayer = ")[1].split("\n\n\n")[0]
    again = layer_draft(written, "numpy", kernel_shape=there.cases[0].kernel_shape)
    assert [case.geometry for case in again.cases] == [case.geometry for case in there.cases]
    assert [case.input for case in again.cases] == [case.input for case in there.cases]


@pytest.mark.usefixtures("shared_processes")
@examples(12)
@given(functions())
def test_a_function_of_torch_is_translated_and_proved(pair: tuple[str, str]) -> None:
    there = translate(pair[0], "torch.nn.functional")
    assert there.verified
    assert there.target == "torch+functional"


@pytest.mark.usefixtures("shared_processes")
@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("layers.Conv2D(3, 3, strides=2, padding='same')", {}),
        ("layers.Conv2D(3, (4, 2), strides=(2, 3), padding='same', use_bias=False)", {}),
        ("layers.Conv2DTranspose(3, 3, strides=2, padding='same', activation='relu')", {}),
        ("layers.Conv1D(3, 3, padding='causal', dilation_rate=2, activation='tanh')", {}),
        ("layers.Conv3DTranspose(3, 2, strides=2, activation='swish')", {}),
        ("layers.Conv2D(3, 3, padding='same', dtype='float64')", {"input": (2, 5, 6)}),
    ],
)
@pytest.mark.parametrize("target", ROUTES)
def test_layers_are_translated_to_functions(line: str, options: dict[str, Any], target: str) -> None:
    translation = translate(line, target, **{"channels": 2, **options})
    assert translation.verified
    assert "layer = lambda x, w" in translation.code


@pytest.mark.parametrize(
    ("line", "shape", "said"),
    [
        ("F.conv2d(x, w)", None, "give --kernel-shape O,C/groups,*kernel, or a literal such as torch.empty("),
        ("F.conv2d(x, w)", (8, 3, 3), "kernel_shape=(8, 3, 3): allowed are 4 sizes"),
        ("F.conv2d(x, torch.zeros(8, 3, 3, 3))", (8, 3, 5, 5), "of shape (8, 3, 3, 3) differ"),
        ("F.conv2d(x, torch.zeros(8, 3, 0, 3))", None, "allowed are taps from 1 on"),
        ("F.conv2d(x, torch.zeros(8, -3, 3, 3))", None, "shape=[8, -3, 3, 3] on axis 1: allowed is an int"),
        ("F.conv2d(x, torch.zeros(n, 3, 3, 3))", None, "give --kernel-shape"),
        ("F.conv2d(x, make(8, 3, 3, 3))", None, "give --kernel-shape"),
        ("F.conv2d(x)", None, "needs the argument weight"),
        ("F.conv2d(x, w, b, s)", (8, 3, 3, 3), "every argument is a literal"),
        ("np.conv2d(x, w)", (8, 3, 3, 3), "allowed are F.conv2d, nn.functional.conv2d"),
        ("F.conv_transpose2d(x, w, padding='same')", (8, 3, 3, 3), "ints only"),
        ("F.conv2d(x, w, padding='same', stride=2)", (8, 3, 3, 3), "at stride 1 only"),
        ("F.conv2d(x, torch.zeros(8, 3, 3, 3, dtype=torch.int8))", None, "torch.int8: allowed are"),
        ("ops.conv(x, w, data_format='channels_first')", (3, 3, 3, 8), "read is 'channels_last'"),
        ("keras.ops.conv(x, w, padding='causal')", (3, 3, 8), "allowed are 'valid', 'same'"),
        ("keras.ops.conv(x, w)", (3, 8), "allowed are 3 to 5 sizes, *kernel,C/groups,O"),
        ("keras.ops.conv_transpose(x, w, groups=2)", (3, 3, 8), "has no argument groups"),
        ("keras.ops.conv(x)", (3, 3, 8), "needs the argument kernel"),
        ("np.conv(x, w)", (3, 3, 8), "allowed are keras.ops.conv and ops.conv"),
        ("nn.Conv2d(3, 8, 3)", (8, 3, 3, 3), "allowed beside an expression that does not carry it"),
    ],
)
def test_what_a_function_cannot_be_is_said(line: str, shape: tuple[int, ...] | None, said: str) -> None:
    with pytest.raises(ExpressionError, match=re.escape(said)):
        layer_draft(line, "numpy", kernel_shape=shape)


@pytest.mark.parametrize(
    ("line", "input", "filters", "kernel"),
    [
        ("jax.lax.conv_transpose(x, jnp.zeros((3, 2, 8, 4)), (2, 2), 'SAME')", 8, 4, (3, 2)),
        ("mx.conv2d(x, mx.random.normal((8, 3, 2, 4)))", 4, 8, (3, 2)),
        ("Tensor.conv2d(x, Tensor.empty(8, 4, 3, 2))", 4, 8, (3, 2)),
    ],
)
def test_a_literal_kernel_is_read_in_every_frameworks_functions(
    line: str, input: int, filters: int, kernel: tuple[int, ...]
) -> None:
    readers = {"jax.lax": read_jax, "mx": read_mlx, "Tensor": read_tinygrad}
    reading = readers[parse_call(line).prefix](parse_call(line))
    assert (reading.channels, reading.arguments["filters"]) == (input, filters)
    assert tuple(reading.arguments["kernel"]) == kernel


@pytest.mark.parametrize(
    ("name", "target"),
    [("F", "torch+functional"), ("nn.functional", "torch+functional"), ("keras.ops", "keras+ops")],
)
def test_a_module_of_functions_is_a_framework(name: str, target: str) -> None:
    assert find_framework(name).name == target
