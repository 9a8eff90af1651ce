"""What a picture shows of an array: a cell an element, plane by plane."""

from __future__ import annotations

import colorsys
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

MOST_PLANES = 8
"""Planes of an array that are drawn; of more there is a sentence."""

LARGEST = 64
"""Rows, and columns, of a plane that are drawn; of more there is a sentence."""

Kind = Literal["value", "zero", "pad", "kept", "left", "none"]
"""What a cell is: an element, a zero that is there by construction, one of a padding, an element that is kept
or is left out, or no cell at all."""

_GOLDEN = 0.61803398875  # turns of the circle of hues, after which no two neighbours are alike


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a picture.

    Attributes:
        text: what stands in it.
        kind: what it is.
        tap: the number of the kernel's tap that it is an entry of, whose colour it has; None for no entry.
        taps: the numbers of the taps that touch it.
    """

    text: str
    kind: Kind = "value"
    tap: int | None = None
    taps: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Plane:
    """Cells in rows.

    Attributes:
        label: what stands above them; empty for nothing.
        rows: of cells, from the top.
        names: what stands before each row; none for nothing.
    """

    label: str
    rows: tuple[tuple[Cell, ...], ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """A picture of one array, or of rows that are compared.

    Attributes:
        title: what it is.
        text: what there is to say of it, in sentences.
        planes: what is drawn.
        square: cells are as high as they are wide, so that a transposed picture is the same one, turned.
    """

    title: str
    text: str
    planes: tuple[Plane, ...]
    square: bool = False


@functools.cache
def colour_of(tap: int) -> str:
    """Return the colour of a tap, "#rrggbb": light enough for black text, and unlike its neighbours'."""
    lightness = (0.78, 0.86)[tap % 2]
    red, green, blue = colorsys.hls_to_rgb(tap * _GOLDEN % 1, lightness, 0.75)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def number(value: float, digits: int = 4) -> str:
    """Write a number short: an integer of up to four digits as it is, another with as many digits."""
    plain = float(value)
    if not math.isfinite(plain):
        return {"inf": "∞", "-inf": "−∞"}.get(str(plain), "nan")
    whole = plain.is_integer() and abs(plain) < 10**4
    return f"{plain:.0f}" if whole else f"{plain:.{digits}g}"


def planes_of(
    array: NDArray[Any], names: tuple[str, str] = ("sample", "channel")
) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the planes that are drawn of an array, at most :data:`MOST_PLANES`, with their labels.

    A matrix is one plane. (N, C, *spatial) is a plane a channel of each sample, one axis as a row and three
    as a plane for each place on the first of them.

    Args:
        array: a matrix, or of three to five axes.
        names: of the first two axes.
    """
    if array.ndim == 2:  # noqa: PLR2004 - a matrix
        yield "", array
        return
    outer = array.shape[:2] + array.shape[2:-2]
    for place in list(np.ndindex(outer))[:MOST_PLANES]:
        indices = zip((*names, "depth"), place, outer, strict=False)
        said = [f"{name} {at}" for name, at, size in indices if size > 1]
        yield ", ".join(said), np.atleast_2d(array[place])


def count_planes(array: NDArray[Any]) -> int:
    """Return how many planes an array has."""
    if array.ndim == 2:  # noqa: PLR2004 - a matrix
        return 1
    return math.prod(array.shape[:2] + array.shape[2:-2])


def cells(plane: NDArray[Any], make: Callable[[tuple[int, int], Any], Cell]) -> tuple[tuple[Cell, ...], ...]:
    """Make the cells of a plane of what each element is, and where it is."""
    return tuple(tuple(make((i, j), value) for j, value in enumerate(row)) for i, row in enumerate(plane))


def sentence(*parts: str) -> str:
    """Join sentences, of which empty ones are left out."""
    return " ".join(filter(None, parts))


def left_out(drawn: Sequence[object], count: int, what: str) -> str:
    """Say how many are left out; nothing where all are drawn."""
    return "" if len(drawn) == count else f"Drawn are the first {len(drawn)} of {count} {what}."
