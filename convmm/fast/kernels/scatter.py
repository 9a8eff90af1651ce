"""The sum from the coarse grid to the fine as one product, scattered: multiply, add at each tap (col2im)."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.fast.kernels.places import read, split_places, values_of
from convmm.fast.plan.scatter import ScatterPlan
from convmm.fast.plan.tiles import halo, length, spans
from convmm.fast.threads import Schedule, Scratch, Task
from convmm.geometry.grids import Axis
from convmm.unfold import spatial

Array = NDArray[Any]
Index = tuple[Any, ...]


@dataclass(frozen=True)
class Scattering:
    """``out[n, g, o, t*stride + i*dilation - before] += sum over c of w[g, c, o, i] * y[n, g, c, t]``.

    Sums stand apart by the phase of their place in the full response, its remainder by the stride: then each
    tap adds neighbours to neighbours. Rows are written, and let go, when no later row adds to them.

    Attributes:
        plan: to carry out.
        y: (N, groups, channels, *coarse), of any dtype that can be cast to ``w``'s.
        w: (groups, channels, filters, *kernel), of the dtype to compute in.
        bias: (groups, filters), of the same dtype, or None: what each output begins at.
        axes: the spatial axes.
        out: (N, groups, filters, *fine), of the same dtype.
    """

    plan: ScatterPlan
    y: Array
    w: Array
    bias: Array | None
    axes: tuple[Axis, ...]
    out: Array

    def schedule(self) -> Schedule:
        """Return the whole computation, in tasks that each write some channels of some samples."""
        each = itertools.product(self.plan.samples, self.plan.groups, self.plan.filters)
        tasks: list[Task] = [partial(self._compute, *task) for task in each]
        return Schedule([], tasks)

    def _compute(self, samples: slice, groups: slice, filters: slice, scratch: Scratch) -> None:
        w, out = self.w[groups, :, filters], self.out[samples, groups, filters]
        matrix = w.reshape(*w.shape[:2], -1).swapaxes(1, 2)
        bias = None if self.bias is None else self.bias[groups, filters]
        first, *inner = self.axes
        sums = self._zeros(out, scratch)
        for places in spans(first.coarse, self.plan.rows):
            values = values_of(self.y[samples, groups, :, places], w.dtype, scratch)
            product = scratch.take("product", (*matrix.shape[:2], values.shape[2]), w.dtype)
            np.matmul(matrix, values, out=product)
            counts = (length(places), *(axis.coarse for axis in inner))
            by_tap = split_places(product.reshape(*out.shape[1:3], *w.shape[3:], -1), len(out), counts)
            for tap, reached in _additions(self.axes, counts):
                added_to = sums[reached]
                np.add(added_to, by_tap[tap], out=added_to)
            self._write(sums, places, bias, out)
            _let_go(np.moveaxis(sums, -len(self.axes), 0), length(places), halo(first))

    def _zeros(self, out: Array, scratch: Scratch) -> Array:
        """Return sums to add to, (*phases, groups, filters, N, *places), in the memory order of a product."""
        first, *inner = self.axes
        rows = self.plan.rows
        shape = (*(axis.stride for axis in self.axes), *out.shape[1:3])
        block = (rows + halo(first), *(axis.coarse + halo(axis) for axis in inner))
        flat = scratch.take("sums", (math.prod(shape) * len(out) * math.prod(block),), self.w.dtype)
        flat[...] = 0
        row = inner[-1].coarse if inner else rows
        return split_places(flat.reshape(*shape, -1), len(out), block, row=row)

    def _write(self, sums: Array, rows: slice, bias: Array | None, out: Array) -> None:
        """Write the rows of sums that no later row of products adds to; after the last, all that are left."""
        first, *inner = self.axes
        done = slice(rows.start, None if rows.stop == first.coarse else rows.stop)
        whole = slice(0, None)
        each = [[_sums_of(axis, phase, whole) for phase in range(axis.stride)] for axis in inner]
        each = [[_sums_of(first, phase, done) for phase in range(first.stride)], *each]
        for phase in np.ndindex(*map(len, each)):
            elements, starts = zip(*(axis[i] for axis, i in zip(each, phase, strict=True)), strict=True)
            written = out[spatial(elements)]
            samples_first = sums[phase].transpose(2, 0, 1, *range(3, out.ndim))
            read(samples_first, starts, [1] * len(starts), written)
            if bias is not None:
                written += bias.reshape(*bias.shape, *(1 for _ in starts))


@functools.lru_cache(maxsize=16)
def _additions(axes: tuple[Axis, ...], counts: tuple[int, ...]) -> list[tuple[Index, Index]]:
    """Return the indices of each tap's products, (groups, filters, *kernel, ...), and of their sums."""
    each = [[divmod(i * axis.dilation, axis.stride) for i in range(axis.kernel)] for axis in axes]
    additions = []
    for tap in np.ndindex(*map(len, each)):
        skipped, phase = zip(*(axis[i] for axis, i in zip(each, tap, strict=True)), strict=True)
        reached = map(slice, skipped, map(operator.add, skipped, counts))
        additions.append(((slice(None), slice(None), *tap), (*phase, *spatial(reached))))
    return additions


def _sums_of(axis: Axis, phase: int, rows: slice) -> tuple[slice, int]:
    """Return the fine elements that have their sums in some rows of a phase, and the row of their first.

    Args:
        axis: the geometry's.
        phase: the remainder by the stride of a place in the full response.
        rows: of the phase, to the end without a stop; the first of them counts as row 0.
    """
    first = (phase - axis.before) % axis.stride
    skipped = (first + axis.before) // axis.stride
    start = max(rows.start - skipped, 0)
    stop = axis.fine if rows.stop is None else first + max(rows.stop - skipped, 0) * axis.stride
    return slice(first + start * axis.stride, stop, axis.stride), skipped + start - rows.start


def _let_go(sums: Array, rows: int, kept: int) -> None:
    """Put the last rows in the place of the first, with zeros behind.

    At most as many at a time as they move by: of rows that overlap NumPy makes a copy first.
    """
    for first in range(0, kept, rows):
        last = min(first + rows, kept)
        sums[first:last] = sums[first + rows : last + rows]
    sums[kept:] = 0
