from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any

import hypothesis.strategies as st
import keras
import numpy as np
import pytest
import torch
from hypothesis import given

import convmm
from parity import Case
from parity.cases.arrays import Array
from parity.cli.main import run_cli
from parity.frameworks.function import implementation
from parity.frameworks.interface import Framework
from parity.frameworks.known.registry import layers_of, load_registry
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import FrameworkError, find_framework
from parity.records.result import CaseResult
from parity.strategies import cases, conv_cases, conv_transpose_cases
from parity.testing import assert_parity, assert_same_layer
from parity.testing.surroundings import Surroundings, current, surrounded
from tests.support import faults
from tests.support.machine import HAS_ONEDNN
from tests.support.strategies import examples

pytestmark = pytest.mark.usefixtures("shared_processes")

ANY_CASE = cases()
SHIFTED = f"{__name__}:shifted"
UPSAMPLING = Case("conv_transpose2d", (1, 2, 3, 3), 2, 3, stride=2, padding="same")
PLAIN = Case("conv2d", (1, 3, 5, 5), 2, 3, padding=1, bias=True)


def right(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401 - as convmm takes them
    """As the core has it."""
    function = convmm.conv_transpose if "output_padding" in arguments else convmm.conv
    return function(x, w, bias, **arguments)


def shifted(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401 - the same
    """Begins an element too late on the first axis."""
    return faults.moved(1)(right)(x, w, bias, **arguments)  # type: ignore[no-any-return] # a mistake's result


def failure(assertion: Callable[..., None], *arguments: object, **named: object) -> str:
    """What it fails with."""
    with pytest.raises(AssertionError) as raised:
        assertion(*arguments, **named)
    return str(raised.value)


# Parity


@examples(40)
@given(ANY_CASE)
def test_the_frameworks_and_a_right_function_pass_on_every_case(case: Case) -> None:
    assert_parity(case, impl=right)


@examples(40)
@given(cases(max_channels=2))
def test_a_function_that_computes_something_else_fails_on_every_case(case: Case) -> None:
    text = failure(assert_parity, case, ["numpy"], impl=lambda *arrays, **named: right(*arrays, **named) + 1)
    assert f"unexplained: {__name__}:<lambda> native" in text


def test_a_failure_has_the_diagnosis_both_numbers_the_layers_and_the_command() -> None:
    lines = failure(assert_parity, UPSAMPLING, ["torch", "keras"], shifted).splitlines()
    assert lines[0] == f"conv_transpose2d of an input 1x2x3x3: unexplained: {SHIFTED} native"
    assert lines[1] == f"{SHIFTED} native: window"
    assert lines[2].startswith(f"    functools.partial({__name__}.shifted, stride=(2, 2), padding=((0, 1), ")
    assert "begins (1, 1) elements after the reference" in lines[3]
    assert " against " in lines[3]
    assert any("    keras.layers.Conv2DTranspose(filters=2" in line for line in lines)
    assert lines[-1] == f"$ {UPSAMPLING.command} --frameworks torch,keras --impl {__name__}:shifted"


def test_the_command_of_a_failure_ends_in_the_same_diagnosis(capsys: pytest.CaptureFixture[str]) -> None:
    text = failure(assert_parity, UPSAMPLING, ["numpy"], shifted)
    [command] = [line.removeprefix("$ parity ") for line in text.splitlines() if line.startswith("$")]
    assert run_cli(command.split()) == 1
    assert f"{SHIFTED} native" in (shown := capsys.readouterr().out)
    assert text.splitlines()[3].strip() in shown


@pytest.mark.parametrize(
    ("impl", "named"),
    [
        (lambda *arrays, **named: right(*arrays, **named) + 1, "MODULE:FUNCTION"),
        (implementation(f"{__name__}:shifted"), f"{__name__}:shifted"),
    ],
)
def test_the_command_names_a_function_that_can_be_imported_only(impl: Any, named: str) -> None:  # noqa: ANN401 - a function, or what stands for one
    assert f" --impl {named}" in failure(assert_parity, UPSAMPLING, ["numpy"], impl).splitlines()[-1]


def test_the_command_has_the_mode_and_the_gradients() -> None:
    text = failure(assert_parity, PLAIN, ["torch"], shifted, mode="float32-sums", grad=True)
    assert text.splitlines()[-1].endswith(
        f"--bias --grad --frameworks torch --impl {__name__}:shifted --mode float32-sums"
    )


def test_nothing_compared_is_no_pass() -> None:
    assert failure(assert_parity, PLAIN, ["numpy"]).startswith(
        "conv2d of an input 1x3x5x5: nothing was compared"
    )


def test_a_known_difference_that_is_not_seen_is_no_pass(tmp_path: Any) -> None:  # noqa: ANN401 - a path
    file = tmp_path / "mine.toml"
    file.write_text(
        '[[divergence]]\nname = "gone"\nframework = "torch"\nversion = ">=0"\n'
        'case = { op = ["conv2d"] }\nseen = { status = "ok", relation = ["flipped"] }\n'
        'why = "It is not there."\nfound = "By making it up."\n'
        f'example = "{PLAIN.command}"\n'
    )
    text = failure(assert_parity, PLAIN, ["torch"], divergences=load_registry(file))
    assert text.startswith("conv2d of an input 1x3x5x5: not seen though it is due: gone")


def test_a_wrong_framework_or_mode_is_no_failed_assertion() -> None:
    with pytest.raises(FrameworkError, match="'torhc'"):
        assert_parity(PLAIN, ["torhc"])
    with pytest.raises(FrameworkError, match="mode='float32-sums'"):
        assert_parity(PLAIN, ["torch"], mode="float32-sums")


def test_the_traceback_that_pytest_shows_ends_in_the_users_line() -> None:
    try:
        assert_same_layer(shifted, UPSAMPLING)
    except AssertionError as error:
        frames = [frame.f_locals for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert len(frames) > 1
    assert all(names.get("__tracebackhide__") for names in frames[1:])


# Surroundings


def test_what_is_asserted_is_kept_by_the_surroundings_whether_or_not_it_holds() -> None:
    kept: list[tuple[CaseResult, list[str]]] = []

    def keep(result: CaseResult, adapters: Sequence[Framework]) -> None:
        kept.append((result, [adapter.name for adapter in adapters]))

    before = current()
    with surrounded(Surroundings(("torch",), keep)):
        assert_parity(PLAIN)
        assert_same_layer(torch.nn.Conv2d(3, 2, 3, padding=1), PLAIN)
        failure(assert_parity, UPSAMPLING, ["numpy"], shifted)
    assert current() is before
    assert [(each.case, each.verdict, names) for each, names in kept] == [
        (PLAIN, "agree", ["torch"]),
        (PLAIN, "agree", ["torch"]),
        (UPSAMPLING, "unexplained", ["numpy", SHIFTED]),
    ]


def test_without_a_test_runner_all_installed_frameworks_are_compared() -> None:
    with surrounded(Surroundings()):
        assert_parity(PLAIN, impl=right)
        assert f"unexplained: {SHIFTED} native" in failure(assert_parity, UPSAMPLING, impl=shifted)


# One's own layer


@examples(40)
@given(st.data())
def test_the_layer_that_a_framework_has_for_a_case_is_the_same_layer(data: st.DataObject) -> None:
    case = data.draw(ANY_CASE)
    for name in ("torch", "keras"):
        native = layers_of(find_framework(name), case)[0]
        if isinstance(native, Spelling) and native.refusal is None:
            assert_same_layer(native.layer.call(), case)


@examples(30)
@given(conv_cases(ranks=(2,)) | conv_transpose_cases(ranks=(2,)))
def test_a_right_function_is_the_same_layer_and_a_wrong_one_is_not(case: Case) -> None:
    assert_same_layer(right, case)
    assert f"unexplained: {__name__}:<lambda> native" in failure(
        assert_same_layer, lambda *a, **n: right(*a, **n) + 1, case
    )


@pytest.mark.parametrize(
    "mine",
    [
        torch.nn.Sequential(
            torch.nn.ConvTranspose2d(2, 2, 3, stride=2, bias=False), torch.nn.ZeroPad2d((0, -1, 0, -1))
        ),
        keras.layers.Conv2DTranspose(2, 3, strides=2, padding="same", use_bias=False),
        pytest.param(
            keras.layers.Conv2DTranspose(2, 3, 2, "same", use_bias=False, data_format="channels_first"),
            marks=pytest.mark.skipif(not HAS_ONEDNN, reason="TensorFlow's own kernels are channels last"),
        ),
        keras.Sequential(
            [
                keras.layers.Conv2DTranspose(2, 3, strides=2, use_bias=False),
                keras.layers.Cropping2D(((0, 1), (0, 1))),
            ]
        ),
    ],
    ids=["torch module", "keras layer", "channels first", "keras model"],
)
def test_a_layer_is_called_in_its_own_layout(mine: object) -> None:
    assert_same_layer(mine, UPSAMPLING)


@pytest.mark.parametrize(
    ("mine", "label", "code"),
    [
        (
            torch.nn.ConvTranspose2d(2, 2, 3, stride=2, padding=1, output_padding=1, bias=False),
            "torch native",
            "ConvTranspose2d(2, 2, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), output_padding=(1, 1)",
        ),
        (
            keras.Sequential(
                [
                    keras.layers.Conv2DTranspose(2, 3, strides=2, use_bias=False),
                    keras.layers.Cropping2D(((1, 0), (1, 0))),
                ]
            ),
            "keras native",
            "Sequential([Conv2DTranspose(filters=2, kernel_size=(3, 3), strides=(2, 2), padding='valid'",
        ),
    ],
    ids=["torch", "keras"],
)
def test_a_layer_with_another_window_is_said_to_be_one_and_shown_as_code(
    mine: object, label: str, code: str
) -> None:
    lines = failure(assert_same_layer, mine, UPSAMPLING).splitlines()
    assert lines[:2] == [f"conv_transpose2d of an input 1x2x3x3: unexplained: {label}", f"{label}: window"]
    assert code in lines[2]
    assert "begins (1, 1) elements after the reference" in lines[3]
    assert lines[-1] == f"$ {UPSAMPLING.command}"


def test_weights_that_a_module_would_broadcast_are_refused_with_both_shapes() -> None:
    text = failure(assert_same_layer, torch.nn.Conv2d(3, 4, 3, padding=1), PLAIN)
    assert (
        "the weights do not fit the layer: its arrays have the shapes (4, 3, 3, 3), (4,), and it was given "
        "(2, 3, 3, 3), (2,)" in text
    )
    assert "rejected" not in text


def test_a_layer_of_another_number_of_arrays_is_told_with_both_shapes() -> None:
    text = failure(assert_same_layer, keras.layers.Conv2D(2, 3, padding="same", use_bias=False), PLAIN)
    assert (
        "the weights do not fit the layer: its arrays have the shapes (3, 3, 3, 2), and it was given "
        "(3, 3, 3, 2), (2,)" in text
    )
    assert "rejected" not in text


@pytest.mark.parametrize(
    "mine",
    [
        torch.nn.LazyConv2d(2, 3, padding=1),
        torch.nn.Sequential(torch.nn.ZeroPad2d(1), torch.nn.LazyConv2d(2, 3)),
    ],
    ids=["module", "in a sequence"],
)
def test_a_lazy_layer_is_called_before_it_is_given_weights(mine: torch.nn.Module) -> None:
    assert_same_layer(mine, PLAIN)
    assert not any(map(torch.nn.parameter.is_lazy, mine.parameters()))


DEPTHWISE = Case("conv2d", (2, 3, 5, 5), 6, (2, 3), padding="same", groups=3, bias=True)


def test_a_depthwise_layer_is_given_each_filter_at_its_channel() -> None:
    assert_same_layer(keras.layers.DepthwiseConv2D((2, 3), padding="same", depth_multiplier=2), DEPTHWISE)
    model = keras.Sequential([keras.layers.DepthwiseConv2D((2, 3), padding="same", depth_multiplier=2)])
    assert_same_layer(model, DEPTHWISE)
    assert_same_layer(
        torch.nn.Conv2d(3, 6, (2, 3), padding="same", groups=3), DEPTHWISE.padded(((0, 1), (1, 1)), None)
    )


def test_a_depthwise_layer_of_another_multiplier_is_told_the_shapes() -> None:
    text = failure(assert_same_layer, keras.layers.DepthwiseConv2D((2, 3), padding="same"), DEPTHWISE)
    assert "its arrays have the shapes (2, 3, 3, 1), (3,), and it was given (2, 3, 3, 2), (6,)" in text


@pytest.mark.parametrize("mine", [3, None, torch.nn.Conv2d, keras.layers.Conv2D, np.zeros(3)], ids=repr)
def test_what_is_no_layer_is_refused_by_name(mine: object) -> None:
    with pytest.raises(
        FrameworkError, match=r"^mine=.*allowed are a torch.nn.Module, a keras.Layer, or a func"
    ):
        assert_same_layer(mine, PLAIN)


def test_a_mode_beside_a_frameworks_layer_is_refused() -> None:
    with pytest.raises(FrameworkError, match="mode='tf32': allowed beside a function"):
        assert_same_layer(torch.nn.Conv2d(3, 2, 3, padding=1), PLAIN, mode="tf32")


def test_a_drawn_case_whose_values_tell_nothing_is_drawn_again_and_a_given_one_fails() -> None:
    empty = Case("conv1d", (1, 1, 1), 1, 1, stride=3, padding=1)  # its only window is padding
    with pytest.raises(AssertionError, match="nothing was compared"):
        assert_parity(empty, ["numpy"], right)
    tried = []

    @examples(20)
    @given(st.sampled_from([empty, UPSAMPLING]))
    def drawn(case: Case) -> None:
        assert_parity(case, ["numpy"], right)
        tried.append(case)

    drawn()
    assert set(tried) == {UPSAMPLING}
