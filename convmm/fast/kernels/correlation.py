"""Correlations carried out tile by tile: unfold, multiply, add up over the first axis."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

from numpy.typing import NDArray

from convmm.fast.kernels.columns import Columns, columns_of
from convmm.fast.kernels.factors import Factors
from convmm.fast.kernels.totals import Sums, Terms
from convmm.fast.plan.correlation import CorrelationPlan
from convmm.fast.plan.tiles import Tile, length
from convmm.fast.threads import Schedule, Scratch, Task
from convmm.unfold import spatial

Array = NDArray[Any]


class Correlation:
    """``out[n, g, o, t] = bias[g, o] + sum over c, i of w[g, o, c, i] * x[n, g, c, ...]``, for each part.

    Args:
        plan: to carry out.
        x: (N, groups, channels, *sizes), of any dtype that can be cast to the kernel's.
        w: (groups, filters, channels, *kernel), of the dtype to compute in.
        bias: (groups, filters), of the dtype to compute in, or None.
        out: (N, groups, filters, *sizes), of any dtype.
    """

    def __init__(self, plan: CorrelationPlan, x: Array, w: Array, bias: Array | None, out: Array) -> None:
        self._plan, self._bias, self._dtype = plan, bias, w.dtype
        self._x = self._behind_unit_axis(x)
        self._terms = [
            Terms(
                part.taps,
                Factors([self._behind_unit_axis(w[spatial(each.taps)]) for each in part.outputs], plan),
                [self._behind_unit_axis(out[spatial(each.elements)]) for each in part.outputs],
                w.dtype,
            )
            for part in plan.reads.parts
        ]

    def _behind_unit_axis(self, array: Array) -> Array:
        return array[:, :, :, None] if self._plan.reads.is_unfolded else array

    def schedule(self) -> Schedule:
        """Return the whole computation, in tasks that each write another part of the output."""
        plan = self._plan
        each = itertools.product(plan.tiles, plan.groups, plan.parts, plan.filters)
        tasks: list[Task] = [partial(self._compute, *task) for task in each]
        return Schedule([task for terms in self._terms for task in terms.factors.preparations], tasks)

    def _compute(self, tile: Tile, groups: slice, parts: slice, filters: slice, scratch: Scratch) -> None:
        columns: Columns | None = None
        for terms in self._terms[parts]:
            products = len(self._plan.channels) * length(terms.taps[0])
            sums = Sums(terms, tile, groups, filters, scratch, is_product=products == 1)
            for channels in self._plan.channels:
                if columns is None or len(self._plan.channels) > 1:
                    columns = self._columns(tile, groups, channels, scratch)
                for tap, right in enumerate(columns.factors(terms.taps)):
                    sums.add(terms.factors.matrix(tap, groups, filters, channels), right)
            sums.write(None if self._bias is None else self._bias[groups, None, filters, None])

    def _columns(self, tile: Tile, groups: slice, channels: slice, scratch: Scratch) -> Columns:
        return columns_of(
            self._x[tile.samples, groups, channels],
            self._plan.reads.axes,
            tile,
            self._dtype,
            scratch,
            taps_first=not self._plan.channels_first,
            are_views=self._plan.has_views,
        )
