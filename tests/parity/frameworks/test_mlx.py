"""MLX: what its layers and functions mean, refuse and compute, and how they are read and written."""

from __future__ import annotations

import pytest
from hypothesis import given

from parity import Case, run, translate
from parity.frameworks.code.expression import ExpressionError
from parity.frameworks.spelling import Spelling, windows_agree
from parity.frameworks.table import find_framework
from tests.support.strategies import cases, examples

pytest.importorskip("mlx.core")

MLX = find_framework("mlx")


def layers(case: Case) -> dict[str, Spelling]:
    """The spellings of a case by kind and variant."""
    return {
        f"{each.kind} {each.variant}".strip(): each for each in MLX.spell(case) if isinstance(each, Spelling)
    }


# What holds of every case


@examples(60)
@given(cases())
def test_every_layer_computes_what_its_rules_say_gradients_too(case: Case) -> None:
    found = run(case, ["mlx"], grad=True)
    assert [each for each in found.results if not each.explained or each.unseen] == []


@examples(200)
@given(cases())
def test_native_layers_mean_the_case_and_lookalikes_do_not(case: Case) -> None:
    for spelling in layers(case).values():
        assert windows_agree(spelling.meaning, case) == (spelling.kind != "lookalike")


# Literal facts


def test_padding_beyond_the_kernel_takes_elements_off_the_input() -> None:
    case = Case("conv_transpose1d", (1, 1, 5), 1, 2, stride=2, padding=2)
    lookalike = layers(case)["lookalike"]
    assert str(lookalike.layer) == "mlx.nn.ConvTranspose1d(1, 1, 2, stride=2, padding=2, bias=False)"
    assert (case.output_shape, lookalike.meaning.output_shape) == ((1, 1, 6), (1, 1, 4))


def test_the_padding_that_takes_off_as_much_as_the_case_drops_is_another_number() -> None:
    case = Case("conv_transpose1d", (1, 1, 5), 1, 1, stride=2, padding=2)
    assert "padding=1" in str(layers(case)["native"].layer)


def test_an_uneven_padding_is_conv_generals() -> None:
    native = layers(Case("conv1d", (1, 2, 5), 2, 3, padding=((2, 0),)))["native"]
    assert "mlx.core.conv_general, stride=(1,), padding=([2], [0])" in str(native.layer)


def test_groups_of_transposed_layers_are_the_functions_alone() -> None:
    native = layers(Case("conv_transpose2d", (1, 4, 5, 5), 2, 3, groups=2))["native"]
    assert str(native.layer).startswith("functools.partial(mlx.core.conv_transpose2d,")


@pytest.mark.parametrize(
    ("case", "error"),
    [
        (Case("conv3d", (1, 2, 3, 3, 3), 2, 2, groups=2), "ValueError"),
        (Case("conv1d", (1, 1, 5), 1, 2, dilation=2, dtype="float64"), "ValueError"),
        (Case("conv_transpose1d", (1, 1, 2), 1, 3, padding=2), "ValueError"),
        (Case("conv1d", (1, 0, 5), 1, 2), "ZeroDivisionError"),
    ],
)
def test_a_refusal_is_known_before(case: Case, error: str) -> None:
    refused = layers(case)["native"].refusal
    assert refused is not None
    assert (refused.certain, refused.errors) == (True, (error,))
    first = run(case, ["mlx"]).results[0]
    assert (first.status, first.error_class, first.explained) == ("rejected", error, True)


@pytest.mark.parametrize(
    ("case", "name"),
    [
        (Case("conv1d", (1, 3, 9), 2, 3, dtype="float64", values="normal"), "mlx-float64-in-float32"),
        (Case("conv2d", (1, 2, 3, 3), 0, 2), "mlx-no-filters"),
        (Case("conv_transpose2d", (1, 0, 3, 3), 2, 2, groups=2), "mlx-no-channels"),
    ],
)
def test_a_known_difference_is_named(case: Case, name: str) -> None:
    assert name in {each.divergence for each in run(case, ["mlx"]).results}


def test_the_gradient_by_the_input_is_wrong_where_the_output_goes_on() -> None:
    case = Case("conv_transpose1d", (1, 2, 4), 3, 3, stride=2, output_padding=1)
    found = {each.output: each for each in run(case, ["mlx"], grad=True).results if not each.variant}
    assert found["value"].relation == found["weight_grad"].relation == "identical"
    assert found["input_grad"].divergence == "mlx-transpose-input-grad"


# Code


@pytest.mark.parametrize(
    "line",
    [
        "nn.Conv1d(4, 8, 3, stride=2, padding=1, groups=2)",
        "nn.ConvTranspose2d(3, 8, 3, stride=2, padding=1, output_padding=1)",
        "nn.ConvTranspose3d(4, 2, (3, 2, 1), stride=2, groups=2, bias=False)",
        "keras.layers.Conv2D(8, 3, strides=2, padding='same', activation='relu', input_shape=(9, 9, 3))",
    ],
)
def test_layers_of_other_frameworks_are_translated(line: str) -> None:
    pytest.importorskip("torch" if line.startswith("nn.") else "keras")
    assert translate(line, "mlx").verified


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        ("mlx.nn.Conv2d(3, 8, (3, 2), stride=2, padding=1)", None),
        ("mlx.nn.ConvTranspose1d(3, 8, 3, 2, 3)", None),
        ("mx.conv_transpose2d(x, w, 2, 1, groups=2)", (8, 3, 3, 2)),
        ("mx.conv_general(x, w, padding=([0, 1], [2, 1]), kernel_dilation=2)", (8, 3, 3, 2)),
        ("mx.conv_general(x, w, padding=([0], [1]), input_dilation=2, flip=True)", (8, 3, 2)),
    ],
)
def test_its_own_lines_are_translated_to_torch(line: str, shape: tuple[int, ...] | None) -> None:
    pytest.importorskip("torch")
    assert translate(line, "torch", kernel_shape=shape).verified


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("mx.conv2d(x, w)", "give --kernel-shape"),
        ("mx.Conv2d(3, 8, 3)", "allowed is mlx.nn.Conv2d"),
        ("mlx.nn.ConvTranspose2d(3, 8, 3, groups=3)", "has no argument groups"),
    ],
)
def test_a_line_that_is_none_of_its_own_is_refused(line: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        translate(line, "numpy")
