"""Pictures of steps: standalone SVG whose cells are the array's elements."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import ml_dtypes
import numpy as np
import pytest

from convmm import Step, conv_steps, conv_transpose_steps
from convmm.drawing.cells import LARGEST, MOST_PLANES, colour_of, number
from convmm.drawing.svg import shown

SVG = "{http://www.w3.org/2000/svg}"


def picture(step: Step) -> ET.Element:
    return ET.fromstring(step._repr_svg_())  # noqa: S314 - our own


def cells(root: ET.Element) -> list[ET.Element]:
    return [each for each in root.iter(f"{SVG}g") if "data-at" in each.attrib]


def numbers(root: ET.Element) -> dict[str, str]:
    """The text of each cell by its place."""
    return {cell.attrib["data-at"]: "".join(cell.itertext()) for cell in cells(root)}


def fills(root: ET.Element) -> list[str]:
    return [rect.attrib["fill"] for cell in cells(root) for rect in cell.iter(f"{SVG}rect")]


@pytest.mark.parametrize("sparse", [False, True])
def test_the_cells_of_an_unrolled_kernel_are_its_entries(*, sparse: bool) -> None:
    w = np.arange(1.0, 10).reshape(1, 1, 3, 3)
    (_, _, matrix, *_) = conv_steps(np.ones((1, 1, 4, 4)), w, sparse=sparse)
    dense = matrix.array.toarray() if sparse else matrix.array  # type: ignore[union-attr] # as asked
    expected = {f"{i} {j}": number(value) for (i, j), value in np.ndenumerate(dense)}
    root = picture(matrix)
    assert numbers(root) == expected
    assert len(set(fills(root))) == 9 + 1


def test_every_step_of_every_rank_is_a_picture_with_a_title_and_a_description() -> None:
    for rank in (1, 2, 3):
        x, w = np.ones((2, 1, *(2,) * rank)), np.ones((1, 1, *(2,) * rank))
        for step in (*conv_steps(x, w, [1.0], padding=1), *conv_transpose_steps(x, w)):
            root = picture(step)
            assert (root.findtext(f"{SVG}title") or "").startswith(step.name)
            assert root.findtext(f"{SVG}desc")


def test_of_a_large_array_the_first_part_is_drawn_and_that_is_said() -> None:
    root = picture(Step("big", "it is", np.zeros((LARGEST + 1, 3))))
    assert len(numbers(root)) == LARGEST * 3
    assert f"the first {LARGEST} of each axis" in str(root.findtext(f"{SVG}desc"))
    root = picture(Step("many", "they are", np.zeros((1, MOST_PLANES + 2, 1, 1))))
    said = str(root.findtext(f"{SVG}desc"))
    assert f"Drawn are the first {MOST_PLANES} of {MOST_PLANES + 2} planes." in said


@pytest.mark.parametrize("array", [np.zeros((0, 1, 3)), np.zeros((0, 0)), np.zeros((1, 1, 0, 2))])
def test_an_array_without_elements_says_so(array: Any) -> None:  # noqa: ANN401 - of any shape
    assert "It has no element." in str(picture(Step("none", "nothing", array)).findtext(f"{SVG}desc"))


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", ml_dtypes.bfloat16, "longdouble"])
def test_numbers_of_every_dtype_are_written(dtype: Any) -> None:  # noqa: ANN401 - what NumPy takes for one
    root = picture(Step("one", "it is", np.ones((2, 2), dtype)))
    assert set(numbers(root).values()) == {"1"}


def test_texts_are_text() -> None:
    assert shown("<script>\"'&\x00\u202e\ud800") == "&lt;script&gt;&quot;&#x27;&amp;\\x00\\u202e\\ud800"
    root = picture(Step("<b>", "</svg>&", np.array([[np.nan, np.inf, -np.inf, 1e9, 0.12345678]])))
    assert list(numbers(root).values()) == ["nan", "∞", "−∞", "1e+09", "0.1235"]


def test_neighbouring_taps_have_other_colours() -> None:
    colours = [colour_of(tap) for tap in range(49)]
    assert len(set(colours)) == len(colours)
