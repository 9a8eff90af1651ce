"""A step of the arithmetic as a picture, for a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convmm.drawing.cells import (
    LARGEST,
    Cell,
    Grid,
    Plane,
    cells,
    count_planes,
    left_out,
    number,
    planes_of,
    sentence,
)
from convmm.drawing.svg import document, draw

if TYPE_CHECKING:
    from convmm.reference.steps import Step


def picture_of(step: Step) -> str:
    """Return a step as SVG: its array as cells with the numbers in them.

    In a matrix equal numbers have one colour, and zeros none: an unrolled kernel's taps are its diagonals.
    Of an array with more than :data:`convmm.drawing.cells.LARGEST` rows or columns the first are drawn, of
    more than :data:`convmm.drawing.cells.MOST_PLANES` planes likewise, and a sentence says so.
    """
    array = step.array
    is_matrix = len(array.shape) == 2  # noqa: PLR2004 - a matrix
    if not isinstance(array, np.ndarray):
        array = array.tocsr()[:LARGEST, :LARGEST].toarray()
    planes = list(planes_of(array)) if array.size else []
    cut = any(size > LARGEST for size in step.array.shape[-2:])
    colours = _colours(array[:LARGEST, :LARGEST]) if is_matrix else {}
    drawn = tuple(
        Plane(label, cells(plane[:LARGEST, :LARGEST], lambda _, value: _cell(value, colours)))
        for label, plane in planes
    )
    size = "×".join(map(str, step.array.shape))
    said = sentence(
        f"{step.text}.",
        "" if planes else "It has no element.",
        f"Drawn are the first {LARGEST} of each axis." if cut else "",
        left_out(planes, count_planes(array), "planes") if planes else "",
    )
    grid = Grid(f"{step.name}, {size}", said, drawn, square=is_matrix)
    return document(draw(grid), title=grid.title, text=said, name="step")


def _colours(matrix: NDArray[Any]) -> dict[float, int]:
    """Count the distinct numbers of a matrix, without zero, in the order that they come in."""
    distinct = dict.fromkeys(float(value) for value in matrix.ravel() if value)
    return {value: place for place, value in enumerate(distinct)}


def _cell(value: Any, colours: dict[float, int]) -> Cell:  # noqa: ANN401 - a number of any dtype
    return Cell(number(value), "zero" if value == 0 else "value", tap=colours.get(float(value)))
