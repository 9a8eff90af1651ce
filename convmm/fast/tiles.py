"""Which part of a result is computed at a time: sizes that fit the caches and bound the memory.

The parts depend on the problem alone and never on the number of threads, so that neither do the sums.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from convmm.geometry import Axis

# Columns of one matrix product. Measured over the benchmark's layers, as a part of the rate that one large
# product reaches (float64, a second-level cache of one megabyte): 800 columns 0.76, 1200 0.80, 1800 0.82,
# 4000 0.82. More where they and what they add up to are small: a task costs 50 microseconds besides.
COLUMNS = 1800
FEWEST_COLUMNS = 784
SMALL_TILE = 4 * 2**20

# Bytes that one task holds: of gathered columns, and of its sums, and again of products to add to these.
GATHERED = 4 * 2**20
PRODUCT = 3 * 2**20

_ROWS_PER_HALO = 4

# Parts of which one more or less is no matter.
_MANY = 9


def columns_at_once(columns: int, tasks: int, bytes_each: int, bytes_together: int) -> int:
    """Columns of a tile: fewer than is best where there would be too few tasks, or too much to hold.

    Args:
        columns: of all tiles together.
        tasks: to have, if that leaves each enough columns.
        bytes_each: of a column in the largest array that cannot be cut otherwise.
        bytes_together: of a column in all arrays.
    """
    shared = max(-(-columns // tasks), FEWEST_COLUMNS)
    return max(min(max(COLUMNS, SMALL_TILE // bytes_together), shared, PRODUCT // bytes_each), 1)


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
    """Number of elements of a slice with a start and a stop."""
    count: int = span.stop - span.start
    return count


def spans(size: int, most: int) -> list[slice]:
    """``size`` elements cut into slices of at most ``most``, as few and as even as can be."""
    return even_spans(size, -(-size // max(most, 1)))


def even_spans(size: int, count: int) -> list[slice]:
    """``size`` elements cut into so many slices, no more than there are elements."""
    return [slice(size * i // count, size * (i + 1) // count) for i in range(count)]


def in_pairs(size: int, most: int) -> list[slice]:
    """Like :func:`spans`, but one more where these are odd: with three, one of two threads would wait."""
    count = -(-size // max(most, 1))
    return even_spans(size, min(count + count % 2, size) if 1 < count < _MANY else count)


def tiles(batch: int, axes: Sequence[Axis], columns: int) -> list[Tile]:
    """The whole problem in tiles of about ``columns`` places, over all their samples."""
    first, *inner = axes
    rows, *sizes = _tile_sizes(axes, columns)
    together = max(columns // math.prod(axis.coarse for axis in axes), 1)
    inner_spans = [spans(axis.coarse, size) for axis, size in zip(inner, sizes, strict=True)]
    boxes = list(itertools.product(in_pairs(first.coarse, rows), *inner_spans))
    return [Tile(samples, box) for samples in in_pairs(batch, together) for box in boxes]


def _tile_sizes(axes: Sequence[Axis], columns: int) -> list[int]:
    """Whole inner axes as far as that leaves the first some rows for each that its kernel overlaps."""
    first, *inner = axes
    left = max(columns // min(first.coarse, _ROWS_PER_HALO * halo(first) + 1), 1)
    sizes: list[int] = []
    for axis in reversed(inner):
        sizes.insert(0, min(axis.coarse, left))
        left = max(left // sizes[0], 1)
    return [min(first.coarse, max(columns // math.prod(sizes), 1)), *sizes]


def halo(axis: Axis) -> int:
    """Rows beyond its own that a tile reads for the kernel's later taps."""
    return (axis.extent - 1) // axis.stride
