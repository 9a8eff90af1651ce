"""Which part of a result is computed at a time: sizes that fit the caches and bound the memory.

The parts depend on the problem alone and never on the number of threads, so that neither do the sums.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from convmm.fast.plan.limits import Limits
from convmm.geometry.grids import Axis


@dataclass(frozen=True)
class Tile:
    """Some samples, and a box of places on the coarse grid."""

    samples: slice
    places: tuple[slice, ...]

    @functools.cached_property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, samples, and places on each of the inner axes: the order that columns are in."""
        first, *inner = (length(place) for place in self.places)
        return (first, length(self.samples), *inner)


def length(span: slice) -> int:
    """Return the number of elements of a slice with a start and a stop."""
    count: int = span.stop - span.start
    return count


def longest(some: Sequence[slice]) -> int:
    """Return the number of elements of the longest of some slices."""
    return max(map(length, some))


def spans(size: int, most: int) -> list[slice]:
    """Cut ``size`` elements into slices of at most ``most``, as few and as even as can be."""
    return even_spans(size, -(-size // max(most, 1)))


def even_spans(size: int, count: int) -> list[slice]:
    """Cut ``size`` elements into ``count`` slices, of at least one element where there are that many.

    The first is as long as any: arrays taken for it serve the later ones.
    """
    return [slice(-(-size * i // count), -(-size * (i + 1) // count)) for i in range(count)]


def in_pairs(size: int, most: int, limits: Limits) -> list[slice]:
    """Cut like :func:`spans`, but into one slice more where these are few and odd in number."""
    count = -(-size // max(most, 1))
    return even_spans(size, min(count + count % 2, size) if 1 < count < limits.many_parts else count)


def tiles(samples: int, axes: Sequence[Axis], columns: int, limits: Limits) -> list[Tile]:
    """Cut the places of all samples into tiles of about ``columns`` places."""
    first, *inner = axes
    rows, *sizes = _tile_sizes(axes, columns, limits)
    together = max(columns // math.prod(axis.coarse for axis in axes), 1)
    inner_spans = [spans(axis.coarse, size) for axis, size in zip(inner, sizes, strict=True)]
    boxes = list(itertools.product(in_pairs(first.coarse, rows, limits), *inner_spans))
    return [Tile(some, box) for some in in_pairs(samples, together, limits) for box in boxes]


def largest_shape(each: Sequence[Tile]) -> tuple[int, ...]:
    """Return the shape of the largest tile, which is the largest along every axis."""
    return tuple(map(max, zip(*(tile.shape for tile in each), strict=True)))


def _tile_sizes(axes: Sequence[Axis], columns: int, limits: Limits) -> list[int]:
    """Return a tile's sizes: whole inner axes, if the first keeps some rows for each row of its halo."""
    first, *inner = axes
    left = max(columns // min(first.coarse, limits.rows_per_halo * halo(first) + 1), 1)
    sizes: list[int] = []
    for axis in reversed(inner):
        sizes.insert(0, min(axis.coarse, left))
        left = max(left // sizes[0], 1)
    return [min(first.coarse, max(columns // math.prod(sizes), 1)), *sizes]


def halo(axis: Axis) -> int:
    """Return how many rows beyond its own a tile reads for the kernel's later taps."""
    return (axis.extent - 1) // axis.stride
