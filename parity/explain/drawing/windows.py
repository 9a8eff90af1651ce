"""Where each window lies: "same" within "valid", this case, and the layers of every framework."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from convmm.drawing.cells import Cell, Grid, Kind, Plane
from convmm.geometry import Axis, GeometryError
from parity.cases.case import Case
from parity.explain.drawing.flow import array_grid
from parity.explain.drawing.part import Part
from parity.explain.picture import axis_rows, marks_of, what_marks_mean
from parity.verdict.reference import make_reference

_KINDS: dict[str, Kind] = {"#": "kept", ".": "left", "o": "pad", " ": "none"}


def windows_of(case: Case) -> list[Grid]:
    """Return a picture of each axis: a row for "valid", "same", this case and each framework's layers."""
    named: dict[str, tuple[Axis, ...]] = {}
    for padding in ("valid", "same"):
        with suppress(GeometryError):  # a kernel that does not fit into the input, or no elements to fill in
            named[f'"{padding}"'] = replace(case, padding=padding).geometry.axes
    grids = []
    for place, rows in enumerate(axis_rows(case)):
        every = {**{name: axes[place] for name, axes in named.items()}, **rows}
        grids.append(
            strips(
                f"Axis {place}",
                f"{what_marks_mean(case, place, '0 1 2 …')}.",
                every,
                transposed=case.transposed,
            )
        )
    return grids


def strips(title: str, text: str, rows: Mapping[str, Axis], *, transposed: bool) -> Grid:
    """Draw rows of marks, of which the numbers count from each row's first element that is kept, or read.

    Args:
        title: of the picture.
        text: what there is to say of it.
        rows: an axis each, by what stands before it.
        transposed: whether the elements are those of the full response, or of the input.
    """
    marks = marks_of(dict(rows), transposed=transposed)
    if marks is None:
        return Grid(title, f"{text} It is too long to draw.", ())
    cells = tuple(tuple(_row(row)) for row in marks.values())
    return Grid(title, text, (Plane("", cells, tuple(marks)),))


def _row(marks: list[str]) -> list[Cell]:
    begin = next((place for place, mark in enumerate(marks) if mark in "#o"), 0)
    return [
        Cell(str(place - begin) if mark == "#" else mark.strip(), _KINDS[mark])
        for place, mark in enumerate(marks)
    ]


def same_inside_valid(part: Part) -> Grid | None:
    """Draw the full response of a transposed case, or its "valid", with what "same" keeps of it.

    None for a convolution, whose "same" reads more of the input and no other response.
    """
    if not part.case.transposed:
        return None
    valid, same = (replace(part.case, padding=padding) for padding in ("valid", "same"))
    kept = [(axis.before, axis.before + axis.fine) for axis in same.geometry.axes]
    return array_grid(
        '"same" inside "valid"',
        'The output beside padding "valid"; with a dark edge what "same" keeps of it.',
        make_reference(valid, part.arrays).y,
        lambda place: (
            "kept" if all(low <= at < high for at, (low, high) in zip(place, kept, strict=True)) else "left"
        ),
        None,
    )
