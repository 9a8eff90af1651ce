"""LiteRT: what its functions mean, where they are refused, and how they are read and written."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from parity import Case, run, translate
from parity.frameworks.code.expression import ExpressionError
from parity.frameworks.spelling import Spelling, windows_agree
from parity.frameworks.table import find_framework
from tests.support.strategies import cases, examples

pytest.importorskip("ai_edge_litert")
pytest.importorskip("tensorflow")

LITERT = find_framework("litert")


def layers(case: Case) -> dict[str, Spelling]:
    """The spellings of a case by kind."""
    return {each.kind: each for each in LITERT.spell(case) if isinstance(each, Spelling)}


@examples(25)
@given(cases(dtypes=("float32",)))
def test_every_function_computes_what_its_rules_say(case: Case) -> None:
    found = run(case, ["litert"])
    assert [each for each in found.results if not each.explained or each.unseen] == []


@examples(200)
@given(cases())
def test_native_functions_mean_the_case_and_lookalikes_do_not(case: Case) -> None:
    for spelling in layers(case).values():
        assert windows_agree(spelling.meaning, case) == (spelling.kind != "lookalike")


def test_torchs_doubling_layer_is_a_crop_and_same_of_its_size_begins_a_pixel_before() -> None:
    case = Case("conv_transpose2d", (1, 3, 4, 4), 2, 3, stride=2, padding=1, output_padding=1)
    found = {each.spelling: each for each in run(case, ["litert"]).results}
    assert (found["native"].status, found["native"].error_class) == ("rejected", "ConverterError")
    assert found["exact"].relation == "identical"
    assert (found["lookalike"].relation, found["lookalike"].offset) == ("window", (-1, -1))


@pytest.mark.parametrize(
    ("case", "who"),
    [
        (Case("conv_transpose2d", (1, 1, 5, 5), 1, 2, dilation=2), "the converter refuses it"),
        (Case("conv1d", (1, 1, 5), 1, 2, dtype="float16"), "the converter refuses it"),
        (Case("conv3d", (1, 2, 3, 3, 3), 2, 2, groups=2), "or LiteRT when it is loaded or called refuses it"),
        (Case("conv1d", (0, 1, 5), 1, 2), "when it is called"),
    ],
)
def test_a_refusal_is_known_before_and_says_who_refuses(case: Case, who: str) -> None:
    first = run(case, ["litert"]).results[0]
    assert (first.status, first.predicted, first.explained) == ("rejected", "rejected", True)
    assert who in (first.reason or "")


@pytest.mark.parametrize("route", ["", "+no_xnnpack", "+reference"])
@pytest.mark.parametrize(
    "case",
    [
        Case("conv2d", (2, 4, 7, 6), 6, 3, stride=2, padding="same", groups=2, bias=True),
        Case("conv_transpose3d", (2, 2, 3, 3, 3), 2, 2, stride=2, padding="same", bias=True),
    ],
)
def test_each_route_computes(route: str, case: Case) -> None:
    first = run(case, [f"litert{route}"]).results[0]
    assert (first.spelling, first.relation) == ("native", "identical")


@pytest.mark.parametrize(
    "line",
    ["nn.ConvTranspose2d(3, 8, 3, stride=2, padding=1, output_padding=1)", "nn.Conv2d(3, 8, 3, 2, 1)"],
)
def test_torchs_layers_are_translated_for_every_size(line: str) -> None:
    pytest.importorskip("torch")
    assert translate(line, "litert").verified


@pytest.mark.parametrize(
    ("line", "shape", "size"),
    [
        ("tf.nn.conv2d(x, w, strides=2, padding='SAME')", (3, 3, 2, 4), (1, 2, 8, 8)),
        ("tf.nn.conv2d_transpose(x, w, output_shape=(1, 8, 8, 3), strides=2)", (3, 3, 3, 2), (1, 2, 4, 4)),
        ("tf.nn.conv3d(x, w, [1, 1, 1, 1, 1], 'VALID')", (2, 2, 2, 1, 3), (1, 1, 3, 3, 3)),
    ],
)
def test_its_own_lines_are_translated_to_torch(
    line: str, shape: tuple[int, ...], size: tuple[int, ...]
) -> None:
    pytest.importorskip("torch")
    assert translate(line, "torch", input=size, kernel_shape=shape).verified


@pytest.mark.parametrize(
    ("output", "size", "said"),
    [
        ("(1, 7, 8, 3)", (2, 2, 4, 4), "is that of an input of 1,2,4,4 alone: give --input 1,2,4,4"),
        ("(1, 7, 8, 5)", (1, 2, 4, 4), "allowed are the kernel's filters at the end, 3"),
    ],
)
def test_an_output_shape_that_is_another_inputs_is_refused(
    output: str, size: tuple[int, ...], said: str
) -> None:
    line = f"tf.nn.conv2d_transpose(x, w, output_shape={output}, strides=2)"
    with pytest.raises(ExpressionError, match=re.escape(said)):
        translate(line, "numpy", input=size, kernel_shape=(3, 3, 3, 2))


def test_a_line_without_its_kernel_is_refused() -> None:
    with pytest.raises(ExpressionError, match="give --kernel-shape"):
        translate("tf.nn.conv2d(x, w, 1, 'VALID')", "numpy")
