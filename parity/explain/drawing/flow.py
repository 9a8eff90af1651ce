"""The way from input to output, step by step: what each step's array looks like."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convmm.drawing.cells import (
    Cell,
    Grid,
    Kind,
    Plane,
    count_planes,
    left_out,
    number,
    planes_of,
    sentence,
)
from convmm.reference.steps import Step
from parity.cases.arrays import Array
from parity.cases.case import ZEROS
from parity.cases.notation import format_shape
from parity.explain.drawing.part import Part
from parity.explain.drawing.taps import (
    matrix_grid,
    of_the_full_response,
    over_the_padding,
    tap_kernel,
    touching,
)
from parity.explain.steps import steps_of

Where = Callable[[tuple[int, ...]], Kind]
"""What the cell at a place is."""


def flow_of(part: Part) -> list[Grid]:
    """Return a picture for each step of the arithmetic."""
    steps = steps_of(part.case, part.arrays)
    numbers = steps_of(part.case, part.arrays._replace(w=tap_kernel(part.case), bias=None))
    make = _transposed if part.case.transposed else _conv
    grids = make(part, steps, np.asarray(numbers[2].array))
    return [*grids, *(_array(step, 5 + place) for place, step in enumerate(steps[5:], 1))]


def _conv(part: Part, steps: tuple[Step, ...], numbers: Array) -> list[Grid]:
    geometry = part.case.geometry
    stride = geometry.stride
    padded = over_the_padding(geometry)
    inside = [(max(axis.before, 0), max(axis.before, 0) + axis.fine) for axis in geometry.axes]
    read = touching(part.case, geometry) if part.case.filled_with == ZEROS else None
    return [
        _array(steps[0], 1, taps=read),
        _array(
            steps[1],
            2,
            "Dashed is the padding.",
            where=lambda place: "value" if _within(place, inside) else "pad",
            taps=touching(part.case, padded),
        ),
        _matrix(steps[2], 3, numbers),
        _array(
            steps[3],
            4,
            "With a dark edge: what the stride keeps.",
            where=lambda place: "kept" if _on_stride(place, stride) else "left",
        ),
        _array(steps[4], 5),
    ]


def _transposed(part: Part, steps: tuple[Step, ...], numbers: Array) -> list[Grid]:
    geometry = part.case.geometry
    kept = [(axis.before, axis.before + axis.fine) for axis in geometry.axes]
    real = [(-axis.before, axis.full - axis.before) for axis in geometry.axes]
    stride = geometry.stride
    return [
        _array(steps[0], 1),
        _array(
            steps[1],
            2,
            "Faint are the zeros.",
            where=lambda place: "value" if _on_stride(place, stride) else "zero",
        ),
        _matrix(steps[2], 3, numbers),
        _array(
            steps[3],
            4,
            "With a dark edge: what the crop keeps.",
            where=lambda place: "kept" if _within(place, kept) else "left",
            taps=touching(part.case, of_the_full_response(geometry)),
        ),
        _array(
            steps[4],
            5,
            "Dashed are zeros of the output padding." if any(a.after < 0 for a in geometry.axes) else "",
            where=lambda place: "value" if _within(place, real) else "pad",
            taps=touching(part.case, geometry),
        ),
    ]


def _matrix(step: Step, place: int, numbers: Array) -> Grid:
    return matrix_grid(_title(step, place), _text(step), np.asarray(step.array), numbers.astype(int))


def _array(
    step: Step, place: int, said: str = "", *, where: Where = lambda _: "value", taps: Array | None = None
) -> Grid:
    return array_grid(_title(step, place), sentence(_text(step), said), np.asarray(step.array), where, taps)


def array_grid(title: str, text: str, array: Array, where: Where, taps: Array | None = None) -> Grid:
    """Draw an array, (1, C, *spatial), plane by plane.

    Args:
        title: of the picture.
        text: what there is to say of it.
        array: what is drawn.
        where: says what the cell at a place, an index on each spatial axis, is.
        taps: of the same shape, the taps that touch each element.
    """
    kinds = np.empty(array.shape, object)
    for place in np.ndindex(array.shape):
        touched: tuple[int, ...] = () if taps is None else taps.item(place)
        kinds[place] = Cell(number(array.item(place)), where(place[2:]), taps=touched)
    planes = tuple(Plane(label, tuple(map(tuple, plane))) for label, plane in planes_of(kinds))
    return Grid(title, sentence(text, left_out(planes, count_planes(array), "planes")), planes)


def _title(step: Step, place: int) -> str:
    return f"{place}. {step.name}, {format_shape(step.array.shape)}"


def _text(step: Step) -> str:
    return f"{step.text}."


def _on_stride(place: tuple[int, ...], stride: tuple[int, ...]) -> bool:
    return not any(at % each for at, each in zip(place, stride, strict=True))


def _within(place: tuple[int, ...], spans: list[tuple[int, int]]) -> bool:
    return all(begin <= at < end for at, (begin, end) in zip(place, spans, strict=True))
