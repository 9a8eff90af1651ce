"""What the cells of the steps are said to be: kept by the stride, of the padding, touched by a tap."""

from __future__ import annotations

import itertools

from hypothesis import given

from convmm.drawing.cells import Grid, Kind
from parity import Case
from parity.explain.drawing.flow import flow_of
from parity.explain.drawing.part import Part, part_of
from tests.support.strategies import CONVS, TRANSPOSES, exact_cases_with_an_output, examples


def texts(grid: Grid, *kinds: Kind) -> list[list[str]]:
    """The texts of the cells of these kinds, by plane."""
    return [[cell.text for row in plane.rows for cell in row if cell.kind in kinds] for plane in grid.planes]


def parts(case: Case) -> list[Part]:
    """The part that is drawn, where its planes are channels."""
    part = part_of(case, {})
    return [part] if part and part.case.rank < 3 else []


@given(exact_cases_with_an_output(CONVS[:2]))
@examples(40)
def test_of_a_convolution_the_input_lies_in_the_padding_and_the_result_in_the_product(case: Case) -> None:
    for part in parts(case):
        given_, padded, _, product, result, *_ = flow_of(part)
        assert texts(padded, "value") == texts(given_, "value")
        assert texts(product, "kept") == texts(result, "value")


@given(exact_cases_with_an_output(TRANSPOSES[:2]))
@examples(40)
def test_of_a_transposed_one_the_input_lies_in_the_zeros_and_the_result_in_the_full_response(
    case: Case,
) -> None:
    for part in parts(case):
        given_, unstrided, _, full, result, *_ = flow_of(part)
        assert texts(unstrided, "value") == texts(given_, "value")
        assert texts(full, "kept") == texts(result, "value")
        assert {text for plane in texts(result, "pad") for text in plane} <= {"0"}


@given(exact_cases_with_an_output((CONVS[1], TRANSPOSES[1])))
@examples(40)
def test_a_tap_touches_the_elements_that_it_is_multiplied_by_or_added_to(case: Case) -> None:
    """By the definition: at c * stride + t * dilation of the padded input, or of the full response."""
    for part in parts(case):
        drawn = part.case
        if drawn.rank != 2:
            continue
        touched: dict[tuple[int, ...], set[int]] = {}
        taps = itertools.product(*map(range, drawn.kernel))
        for number, tap in enumerate(taps):
            for output in itertools.product(*map(range, drawn.geometry.coarse)):
                steps = zip(output, drawn.stride, tap, drawn.dilation, strict=True)
                touched.setdefault(tuple(c * s + t * d for c, s, t, d in steps), set()).add(number)
        grid = flow_of(part)[3 if drawn.transposed else 1]
        seen = {
            (i, j): set(cell.taps)
            for i, row in enumerate(grid.planes[0].rows)
            for j, cell in enumerate(row)
            if cell.taps
        }
        assert seen == touched
