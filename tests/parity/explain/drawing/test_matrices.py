"""The coloured matrices: their cells are the unrolled kernel's, and the transposed one's its transpose."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree as ET

import numpy as np
from hypothesis import assume, given

from convmm import conv, conv_transpose, unroll_kernel
from convmm.drawing.cells import LARGEST, number
from convmm.drawing.svg import document, draw
from parity import Case
from parity.cases.arrays import Array
from parity.cases.own import own_arrays
from parity.explain.drawing.flow import flow_of
from parity.explain.drawing.part import Part, part_of
from parity.explain.drawing.pictures import make_page, pictures_of
from tests.parity.explain.drawing.reading import cells_of, taps_in
from tests.support.strategies import CONVS, TRANSPOSES, cases, exact_cases_with_an_output, examples


def numbered(case: Case) -> Array:
    """A kernel whose elements are the numbers of their taps."""
    return np.broadcast_to(np.arange(1.0, 1 + math.prod(case.kernel)).reshape(case.kernel), case.kernel_shape)


def by_basis(case: Case) -> Array:
    """The matrix of a layer, a row an element of the input: what it makes of each one alone."""
    size = math.prod(case.input[1:])
    units = np.eye(size).reshape(size, *case.input[1:])
    layer = conv_transpose if case.transposed else conv
    padding, added = case.padding, {"output_padding": case.output_padding} if case.transposed else {}
    given = {"stride": case.stride, "padding": padding, "dilation": case.dilation, "groups": case.groups}
    return layer(units, numbered(case), **given, **added).reshape(size, -1)  # type: ignore[arg-type] # of a case


def matrices(part: Part) -> list[Array]:
    """What the pictures of a part's matrices on its page say: the convolution's, and the transposed one's."""
    page = make_page(pictures_of(part.case))
    drawn = [re.search(rf'<svg [^>]*"matrix{number}-title.*?</svg>', page, re.DOTALL) for number in (1, 2)]
    return [taps_in(ET.fromstring(each[0])) for each in drawn if each]  # noqa: S314 - our own


def part_drawn(case: Case) -> Part:
    part = part_of(case, {})
    assume(part is not None)
    assert part
    return part


@given(exact_cases_with_an_output(CONVS))
@examples(20)
def test_the_cells_are_those_of_unroll_kernel(case: Case) -> None:
    part = part_drawn(case)
    drawn = part.case
    expected = unroll_kernel(
        numbered(drawn),
        drawn.input[2:],
        stride=drawn.stride,
        padding=drawn.padding,
        dilation=drawn.dilation,
        groups=drawn.groups,
    )
    direct, transposed = matrices(part)
    np.testing.assert_array_equal(direct, expected)
    np.testing.assert_array_equal(transposed, expected.T)


@given(exact_cases_with_an_output(TRANSPOSES))
@examples(20)
def test_the_transposed_picture_is_what_the_transposed_convolution_computes(case: Case) -> None:
    part = part_drawn(case)
    direct, transposed = matrices(part)
    np.testing.assert_array_equal(transposed, by_basis(part.case))
    np.testing.assert_array_equal(direct, transposed.T)


@given(exact_cases_with_an_output())
@examples(40)
def test_the_steps_that_are_drawn_end_in_what_the_layer_computes(case: Case) -> None:
    part = part_drawn(case)
    given = part.case.explicit
    layer = conv_transpose if case.transposed else conv
    expected = layer(*part.arrays, **given)
    last = flow_of(part)[-1]
    shown = [cell.text for plane in last.planes for row in plane.rows for cell in row]
    assert shown == [number(value) for value in expected.ravel()][: len(shown)]


@given(cases())
@examples(60)
def test_whatever_the_case_is_drawn_is_no_more_than_fits(case: Case) -> None:
    pictures = pictures_of(case)
    assert (pictures.kernel is None) == (not pictures.matrices)
    for grid in [*pictures.matrices, *pictures.flow]:
        for plane in grid.planes:
            assert len(plane.rows) <= LARGEST * 2
            assert max(map(len, plane.rows)) <= LARGEST * 2
    if not pictures.kernel and case.filters and 0 not in case.output_shape + case.input:
        assert "left out" in pictures.notes[0]


def test_the_values_in_the_cells_are_the_kernels() -> None:
    case = Case("conv1d", (1, 1, 4), 1, 2, dtype="float64")
    w = np.array([[[0.0, -2.5]]])
    pictures = pictures_of(case, own_arrays(case, w=w))
    root = ET.fromstring(document(draw(pictures.matrices[0]), title="", text=""))  # noqa: S314 - our own
    texts = {place: "".join(cell.itertext()) for place, cell in cells_of(root).items()}
    assert [texts[0, 0], texts[1, 0], texts[2, 0]] == ["0", "-2.5", "·"]


def test_a_zero_of_the_kernel_has_its_taps_colour_and_a_zero_of_none_is_faint() -> None:
    pictures = pictures_of(Case("conv1d", (1, 1, 4), 1, 2, values="arange"))
    plane = pictures.matrices[0].planes[0]
    assert plane.rows[0][0].tap == 0
    assert plane.rows[2][0].kind == "zero"
    assert plane.rows[2][0].tap is None
