"""The sum of both grids over all places, tile by tile: the gradients by the kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.fast.columns import by_place, columns_of, with_unit_axis
from convmm.fast.correlation import are_short
from convmm.fast.products import add_product
from convmm.fast.threads import Plan, Scratch, run
from convmm.fast.tiles import COLUMNS, GATHERED, PRODUCT, SMALL_TILE, Tile, even_spans, length, spans, tiles
from convmm.geometry import Axis
from convmm.unfold import spatial

Array = NDArray[Any]

# Columns for each filter up to which all axes are unfolded: the sums are then in the order of the result.
_FEW = 4
_MOST_FILTERS = 512
_ENOUGH_FILTERS = 192

_TASKS = 4
_WORK_OF_A_TASK = 4_000_000
_FEWEST_TERMS = 512
_PARTIAL_SUMS = 4 * 2**20


@dataclass(frozen=True)
class WeightCorrelation:
    """``out[g, o, c, i] = sum over n, t of y[n, g, o, t] * x[n, g, c, t*stride + i*dilation - before]``.

    Attributes:
        x: (N, groups, channels, *fine), of any dtype that can be cast to ``out``'s.
        y: (N, groups, filters, *coarse), likewise.
        axes: the spatial axes.
        out: (groups, filters, channels, *kernel), of the dtype to compute in.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    axes: tuple[Axis, ...]
    out: NDArray[Any]

    @property
    def work(self) -> int:
        """Floating point operations."""
        return 2 * self.y.size * math.prod(self.out.shape[2:])

    def run(self) -> None:
        """Write all of ``out``, which is 0 so far."""
        if not self.y.size:
            return
        groups, filters, channels, first, *inner = self.out.shape
        columns = self.y.size // math.prod(self.y.shape[1:3])
        is_short = are_short(channels * math.prod(inner), filters, groups, self.axes[0])
        if first > 1 and (is_short or columns < _FEW * filters):
            x, y, out = (array[:, :, :, None] for array in (self.x, self.y, self.out))
            WeightCorrelation(x, y, with_unit_axis(self.axes), out).run_parts()
        else:
            self.run_parts()

    def run_parts(self) -> None:
        """The same with the first axis as it is.

        Where ``out`` is small the parts are sums over some of the tiles each, added up in order. Where it is
        not they are parts of ``out``, some groups' and some channels'.
        """
        groups, filters, channels, first, *inner = self.out.shape
        taps, itemsize = math.prod(inner), self.out.itemsize
        filter_spans = spans(filters, _MOST_FILTERS)
        filters = length(filter_spans[-1])
        wanted = min(max(self.work // _WORK_OF_A_TASK, 1), _TASKS)
        most_groups = -(-groups // wanted)
        together = most_groups * (channels * taps + filters) * itemsize
        columns = min(max(COLUMNS, SMALL_TILE // together), PRODUCT // (max(filters, taps) * itemsize))
        boxes = tiles(len(self.y), self.axes, max(columns, 1))
        size = math.prod(boxes[0].shape) * itemsize
        fitting = min(GATHERED // (channels * taps * size), PRODUCT // (filters * size))
        group_spans = spans(groups, min(most_groups, fitting))
        wanted = -(-wanted // (len(group_spans) * len(filter_spans)))
        is_small = self.out.nbytes * (wanted - 1) <= _PARTIAL_SUMS
        chunks = even_spans(len(boxes), min(len(boxes), wanted) if is_small else 1)
        wanted = -(-wanted // len(chunks))
        enough = min(-(-_FEWEST_TERMS // taps), -(-channels // 2))
        most_channels = max(-(-channels // wanted), enough)
        together = length(group_spans[0])
        gathered, summed = taps * size * together, first * taps * filters * itemsize * together
        fitting = min(GATHERED // gathered, 2 * PRODUCT // summed)
        channel_spans = spans(channels, min(most_channels, fitting))
        sums = [self.out, *(np.zeros_like(self.out) for _ in chunks[1:])]
        tasks = [
            partial(self._compute, boxes[chunk], some_groups, some_filters, some_channels, out)
            for chunk, out in zip(chunks, sums, strict=True)
            for some_groups in group_spans
            for some_filters in filter_spans
            for some_channels in channel_spans
        ]
        run(Plan([], tasks), self.work)
        for part in sums[1:]:
            np.add(self.out, part, out=self.out)

    def _compute(
        self,
        boxes: list[Tile],
        groups: slice,
        filters: slice,
        channels: slice,
        out: Array,
        scratch: Scratch,
    ) -> None:
        written = out[groups, filters, channels]
        sums = WeightSums(written, scratch)
        taps = [slice(0, axis.kernel) for axis in self.axes]
        for tile in boxes:
            values = self._values(tile, groups, filters, scratch)
            read = self.x[tile.samples, groups, channels]
            columns = columns_of(read, self.axes, tile, out.dtype, scratch, taps_first=not sums.is_direct)
            for tap, right in enumerate(columns.factors(taps)):
                sums.add(tap, values, right)
            sums.begun = True
        sums.write()

    def _values(self, tile: Tile, groups: slice, filters: slice, scratch: Scratch) -> Array:
        """``y`` in the order of the columns: (groups, filters, places of the tile)."""
        y: Array = self.y[tile.samples, groups, filters][spatial(tile.places)]
        flat = (*y.shape[1:3], math.prod(tile.shape))
        if y.dtype == self.out.dtype and len(y) == 1 and y.shape[4:] == self.y.shape[4:]:
            run: Array = y[0].reshape(flat)
            return run
        values = scratch.take("values", flat, self.out.dtype)
        np.copyto(by_place(values, tile.shape), y.transpose(1, 2, 3, 0, *range(4, y.ndim)))
        return values


class WeightSums:
    """The sums for some groups, filters and channels, with a total for each tap of the first axis.

    In single precision the larger of a product's sides is its first: with a small one there, BLAS spends
    much of its time on sorting the other factor.
    """

    def __init__(self, out: Array, scratch: Scratch) -> None:
        groups, filters, channels, first, *inner = out.shape
        terms = channels * math.prod(inner)
        self.is_swapped = out.dtype == np.float32 and filters < min(terms, _ENOUGH_FILTERS)
        self.is_direct = first == 1 and not self.is_swapped and bool(out[0, 0].flags.c_contiguous)
        self.out, self.scratch, self.begun = out, scratch, False
        if self.is_direct:
            self.total = out.reshape(1, groups, filters, terms)
        elif self.is_swapped:
            self.totals = scratch.take("total", (groups, first, terms, filters), out.dtype)
            self.total = self.totals.swapaxes(0, 1)
        else:
            self.totals = scratch.take("total", (groups, filters, first, terms), out.dtype)
            self.total = self.totals.transpose(2, 0, 1, 3)

    def add(self, tap: int, values: Array, columns: Array) -> None:
        """Add the product of (groups, filters, places) and (groups, terms, places) to a tap's total."""
        left, right = (columns, values) if self.is_swapped else (values, columns)
        add_product(left, right.swapaxes(1, 2), self.total[tap], self.scratch, begun=self.begun)

    def write(self) -> None:
        """Write the totals, whose terms are the taps of the inner axes and then the channels."""
        if self.is_direct:
            return
        groups, filters, channels, first, *inner = self.out.shape
        if self.is_swapped:
            by_filter = np.moveaxis(self.totals.reshape(groups, first, *inner, channels, filters), -1, 1)
        else:
            by_filter = self.totals.reshape(groups, filters, first, *inner, channels)
        self.out[...] = np.moveaxis(by_filter, -1, 2)
