"""tinygrad: what its layers mean, refuse and compute, and how they are read and written."""

from __future__ import annotations

import pytest
from hypothesis import given

from parity import Case, run, translate
from parity.frameworks.code.expression import ExpressionError
from parity.frameworks.spelling import Spelling, windows_agree
from parity.frameworks.table import find_framework
from parity.frameworks.tinygrad import device
from tests.support.strategies import cases, examples

pytest.importorskip("tinygrad")

TINYGRAD = find_framework("tinygrad")


def layers(case: Case) -> dict[str, Spelling]:
    """The spellings of a case by kind."""
    return {each.kind: each for each in TINYGRAD.spell(case) if isinstance(each, Spelling)}


@examples(20)
@given(cases())
def test_every_layer_computes_what_its_rules_say(case: Case) -> None:
    found = run(case, ["tinygrad"])
    assert [each for each in found.results if not each.explained or each.unseen] == []


@examples(200)
@given(cases())
def test_native_layers_mean_the_case_and_lookalikes_do_not(case: Case) -> None:
    for spelling in layers(case).values():
        assert windows_agree(spelling.meaning, case) == (spelling.kind != "lookalike")


def test_uneven_padding_goes_last_axis_first_and_is_mistaken_for_the_axes_order() -> None:
    case = Case("conv2d", (1, 1, 5, 5), 1, 2, padding=((2, 1), (0, 1)))
    found = layers(case)
    assert "padding=(0, 1, 2, 1)" in str(found["native"].layer)
    assert "padding=(2, 1, 0, 1)" in str(found["lookalike"].layer)
    results = run(case, ["tinygrad"]).results
    assert [each.relation for each in results] == ["identical", "window"]


def test_output_padding_may_be_more_than_torch_takes() -> None:
    case = Case("conv_transpose1d", (1, 1, 4), 1, 3, padding=((2, 0),), dilation=1)
    assert "padding=(2, 0)" in str(layers(case)["native"].layer)


@pytest.mark.parametrize(
    ("case", "error"),
    [
        (Case("conv1d", (1, 0, 5), 1, 2), "ZeroDivisionError"),
        (Case("conv_transpose1d", (1, 1, 5), 0, 2), "ZeroDivisionError"),
        (Case("conv_transpose1d", (1, 1, 0), 1, 2, stride=2), "ValueError"),
        (Case("conv_transpose1d", (1, 1, 2), 1, 3, padding=2), "AssertionError"),
    ],
)
def test_a_refusal_is_known_before(case: Case, error: str) -> None:
    first = run(case, ["tinygrad"]).results[0]
    assert (first.status, first.error_class, first.predicted) == ("rejected", error, "rejected")


def test_gradients_are_tinygrads_own() -> None:
    case = Case("conv_transpose1d", (1, 2, 4), 3, 3, stride=2, output_padding=1, bias=True)
    found = {each.output: each.relation for each in run(case, ["tinygrad"], grad=True).results}
    assert found == dict.fromkeys(("value", "input_grad", "weight_grad", "bias_grad"), "identical")


def test_python_computes_where_there_is_no_clang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEV", raising=False)
    monkeypatch.setenv("CC", "/nowhere/clang")
    assert device() == "PYTHON"
    monkeypatch.setenv("DEV", "CPU")
    assert device() == "CPU"


@pytest.mark.parametrize(
    "line",
    [
        "nn.ConvTranspose2d(3, 8, 3, stride=2, padding=1, output_padding=1)",
        "keras.layers.Conv1D(8, 3, strides=2, padding='same', activation='relu', input_shape=(9, 3))",
    ],
)
def test_layers_of_other_frameworks_are_translated(line: str) -> None:
    pytest.importorskip("torch" if line.startswith("nn.") else "keras")
    assert translate(line, "tinygrad").verified


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        ("tinygrad.nn.Conv1d(3, 8, 3, padding='same', dilation=2)", None),
        ("tinygrad.nn.Conv2d(2, 4, (3, 2), padding=(0, 1, 2, 0))", None),
        ("Tensor.conv_transpose2d(x, w, stride=2, groups=2)", (4, 3, 3)),
    ],
)
def test_its_own_lines_are_translated_to_torch(line: str, shape: tuple[int, ...] | None) -> None:
    pytest.importorskip("torch")
    assert translate(line, "torch", kernel_shape=shape).verified


def test_a_line_without_its_kernel_is_refused() -> None:
    with pytest.raises(ExpressionError, match="give --kernel-shape O,C/groups"):
        translate("Tensor.conv2d(x, w)", "numpy")
