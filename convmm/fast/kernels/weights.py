"""The sum of both grids over all places, carried out tile by tile: the gradients by the kernel."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.fast.kernels.columns import by_place, columns_of
from convmm.fast.kernels.products import add_product
from convmm.fast.plan.tiles import Tile
from convmm.fast.plan.weights import WeightPlan
from convmm.fast.threads import Schedule, Scratch, Task
from convmm.unfold import spatial

Array = NDArray[Any]


class WeightCorrelation:
    """``out[g, o, c, i] = sum over n, t of y[n, g, o, t] * x[n, g, c, t*stride + i*dilation - before]``.

    Args:
        plan: to carry out.
        x: (N, groups, channels, *fine), of any dtype that can be cast to ``out``'s.
        y: (N, groups, filters, *coarse), likewise.
        out: (groups, filters, channels, *kernel), of the dtype to compute in.
    """

    def __init__(self, plan: WeightPlan, x: Array, y: Array, out: Array) -> None:
        if plan.is_unfolded:
            x, y, out = (array[:, :, :, None] for array in (x, y, out))
        self._plan, self._x, self._y, self._out = plan, x, y, out
        self._sums = [out, *(np.empty_like(out) for _ in plan.chunks[1:])]

    def schedule(self) -> Schedule:
        """Return the tasks: each writes a part of the sums over one chunk of tiles."""
        plan = self._plan
        chunks = zip(plan.chunks, self._sums, strict=True)
        each = itertools.product(chunks, plan.groups, plan.filters, plan.channels)
        tasks: list[Task] = [partial(self._compute, *chunk, *task) for chunk, *task in each]
        return Schedule([], tasks)

    def add_up(self) -> None:
        """Add the sums over the other chunks to those over the first, in order, when all tasks are done."""
        for part in self._sums[1:]:
            np.add(self._out, part, out=self._out)

    def _compute(
        self,
        tiles: Sequence[Tile],
        out: Array,
        groups: slice,
        filters: slice,
        channels: slice,
        scratch: Scratch,
    ) -> None:
        sums = WeightSums(out[groups, filters, channels], self._plan, scratch)
        axes = self._plan.axes
        for tile in tiles:
            values = self._values(tile, groups, filters, scratch)
            columns = columns_of(
                self._x[tile.samples, groups, channels],
                axes,
                tile,
                out.dtype,
                scratch,
                taps_first=not self._plan.is_direct,
                are_views=self._plan.has_views,
            )
            for tap, right in enumerate(columns.factors([slice(0, axis.kernel) for axis in axes])):
                sums.add(tap, values, right)
            sums.begun = True
        sums.write()

    def _values(self, tile: Tile, groups: slice, filters: slice, scratch: Scratch) -> Array:
        """Return ``y`` in the order of the columns: (groups, filters, places of the tile)."""
        y: Array = self._y[tile.samples, groups, filters][spatial(tile.places)]
        flat = (*y.shape[1:3], math.prod(tile.shape))
        if y.dtype == self._out.dtype and len(y) == 1 and y.shape[4:] == self._y.shape[4:]:
            run: Array = y[0].reshape(flat)
            return run
        values = scratch.take("values", flat, self._out.dtype)
        np.copyto(by_place(values, tile.shape), y.transpose(1, 2, 3, 0, *range(4, y.ndim)))
        return values


class WeightSums:
    """The sums for some groups, filters and channels, with a total for each tap of the first axis.

    Args:
        out: (groups, filters, channels, *kernel), a part of one of the sums.
        plan: says in which order products are computed, and whether straight into ``out``.
        scratch: holds the totals.
    """

    def __init__(self, out: Array, plan: WeightPlan, scratch: Scratch) -> None:
        groups, filters, channels, first, *inner = out.shape
        terms = channels * math.prod(inner)
        self._plan, self._out, self._scratch, self.begun = plan, out, scratch, False
        if plan.is_direct:
            self._totals, self._by_tap = out, out.reshape(1, groups, filters, terms)
        elif plan.is_swapped:
            self._totals = scratch.take("total", (groups, first, terms, filters), out.dtype)
            self._by_tap = self._totals.swapaxes(0, 1)
        else:
            self._totals = scratch.take("total", (groups, filters, first, terms), out.dtype)
            self._by_tap = self._totals.transpose(2, 0, 1, 3)

    def add(self, tap: int, values: Array, columns: Array) -> None:
        """Add the product of (groups, filters, places) and (groups, terms, places) to a tap's total."""
        left, right = (columns, values) if self._plan.is_swapped else (values, columns)
        add_product(left, right.swapaxes(1, 2), self._by_tap[tap], self._scratch, begun=self.begun)

    def write(self) -> None:
        """Write the totals, whose terms are the taps of the inner axes and then the channels."""
        if self._plan.is_direct:
            return
        groups, filters, channels, first, *inner = self._out.shape
        if self._plan.is_swapped:
            by_filter = np.moveaxis(self._totals.reshape(groups, first, *inner, channels, filters), -1, 1)
        else:
            by_filter = self._totals.reshape(groups, filters, first, *inner, channels)
        self._out[...] = np.moveaxis(by_filter, -1, 2)
