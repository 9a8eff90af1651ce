"""Which tap of the kernel each entry of a matrix is, and which taps touch each element."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from convmm.drawing.cells import (
    Cell,
    Grid,
    Plane,
    cells,
    colour_of,
    count_planes,
    left_out,
    number,
    planes_of,
)
from convmm.geometry import Geometry
from convmm.reference.matrix import unroll
from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.explain.drawing.part import Part

_LISTED = 6
"""Positions of an axis that are listed; more stand as the first and the last."""


@dataclass(frozen=True)
class Tap:
    """One place of the kernel, whose elements share a colour.

    Attributes:
        number: of the tap, in C order.
        place: on each axis.
        values: its elements, of the channels in order.
        colour: "#rrggbb".
        fine: positions that it joins on the convolution's input side, on each axis; of an input with its
            padding where that is of elements.
        coarse: positions that it joins them to, likewise.
    """

    number: int
    place: tuple[int, ...]
    values: str
    colour: str
    fine: str
    coarse: str


def taps_of(part: Part) -> list[Tap]:
    """List the taps of a kernel with what each joins."""
    w, axes = part.arrays.w, part.case.geometry.extended.axes
    found: list[Tap] = []
    for place in np.ndindex(*part.case.kernel):
        joined = [axis.joined_by(tap, slice(0, axis.coarse)) for tap, axis in zip(place, axes, strict=True)]
        values = w[(slice(None), slice(None), *place)].ravel()
        at = len(found)
        found.append(
            Tap(
                at,
                place,
                ", ".join([*map(number, values[:_LISTED]), *(["…"] if values.size > _LISTED else [])]),
                colour_of(at),
                " × ".join(_listed(fine) for fine, _ in joined),
                " × ".join(_listed(coarse) for _, coarse in joined),
            )
        )
    return found


def tap_kernel(case: Case) -> Array:
    """Return a kernel in the case's shape whose elements are the numbers of their taps, from 1 on."""
    taps = np.arange(1, 1 + math.prod(case.kernel), dtype=float).reshape(case.kernel)
    return np.broadcast_to(taps, case.kernel_shape).copy()


def matrix_taps(case: Case, geometry: Geometry) -> Array:
    """Return the matrix of :func:`tap_kernel`, 0 where there is no entry."""
    return np.asarray(unroll(tap_kernel(case), geometry, sparse=False)).astype(int)


def touching(case: Case, geometry: Geometry) -> Array:
    """Return by which taps each element of the fine grid is read, or written: (1, C, *fine) of tuples."""
    matrix = matrix_taps(case, geometry)
    found = np.empty(len(matrix), object)
    for row, taps in enumerate(matrix):
        found[row] = tuple(int(tap) - 1 for tap in np.unique(taps[taps > 0]))
    return found.reshape(1, geometry.fine_channels, *geometry.fine)


def over_the_padding(geometry: Geometry) -> Geometry:
    """Return the same convolution over an input that has its padding already."""
    axes = tuple(
        replace(axis, fine=before + axis.fine + after, before=min(axis.before, 0))
        for axis, (before, after) in zip(geometry.axes, geometry.pads, strict=True)
    )
    return replace(geometry, axes=axes, padding_mode="zeros")


def of_the_full_response(geometry: Geometry) -> Geometry:
    """Return the same transposed convolution with nothing cropped and nothing added."""
    axes = tuple(replace(axis, fine=max(axis.full, 0), before=0) for axis in geometry.axes)
    return replace(geometry, axes=axes)


def matrix_grid(title: str, text: str, values: Array, taps: Array) -> Grid:
    """Draw a matrix: entries in the colours of their taps, zeros faint.

    Args:
        title: of the picture.
        text: what there is to say of it.
        values: the matrix.
        taps: the numbers of its entries' taps, from 1 on; 0 where there is none.
    """

    def make(place: tuple[int, int], value: float) -> Cell:
        tap = int(taps[place])
        return Cell(number(value, 2), "value", tap=tap - 1) if tap else Cell("·", "zero")

    return Grid(title, text, (Plane("", cells(values, make)),), square=True)


def kernel_grid(part: Part) -> Grid:
    """Draw the kernel, each tap in its colour."""
    names = ("channel", "output") if part.case.transposed else ("filter", "channel")
    values = list(planes_of(part.arrays.w, names))
    numbers = [plane for _, plane in planes_of(tap_kernel(part.case), names)]
    planes = tuple(
        Plane(
            label,
            cells(plane, lambda place, value, taps=taps: Cell(number(value), tap=int(taps[place]) - 1)),  # type: ignore[misc] # bound now
        )
        for (label, plane), taps in zip(values, numbers, strict=True)
    )
    said = left_out(planes, count_planes(part.arrays.w), "planes")
    return Grid("The kernel", said or "Every tap has a colour of its own, here and below.", planes)


def _listed(places: slice) -> str:
    found = list(range(places.start, places.stop, places.step or 1))
    if not found:
        return "none"
    if len(found) <= _LISTED:
        return ",".join(map(str, found))
    return f"{found[0]},{found[1]},…,{found[-1]}"
