"""The sum from the coarse grid to the fine as one product, scattered: multiply, add at each tap (col2im)."""

from __future__ import annotations

import functools
import math
import operator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.fast.columns import values_of
from convmm.fast.threads import Plan, Scratch, Task
from convmm.fast.tiles import COLUMNS, GATHERED, PRODUCT, halo, in_pairs, length, spans
from convmm.geometry import Axis
from convmm.unfold import read, spatial, split_places

Array = NDArray[Any]
Index = tuple[Any, ...]

# Times the columns of other products, as each addition to the sums is a call, whatever there is to add; more,
# up to half of all, where the product is small: then threads spend much of their time waiting to make calls.
_MOST_COLUMNS = 4
_SMALL_PRODUCT = 3 * 2**19


@dataclass(frozen=True)
class Scattering:
    """``out[n, g, o, t*stride + i*dilation - before] += sum over c of w[g, c, o, i] * y[n, g, c, t]``.

    Sums stand apart by the phase of their place in the full response, its remainder by the stride: then each
    tap adds neighbours to neighbours. Rows are written, and let go, when no later row adds to them.

    Attributes:
        y: (N, groups, channels, *coarse), of any dtype that can be cast to ``w``'s.
        w: (groups, channels, filters, *kernel), of the dtype to compute in.
        bias: (groups, filters), of the same dtype, or None: what each output begins at.
        axes: the spatial axes.
        out: (N, groups, filters, *fine), of the same dtype.
    """

    y: Array
    w: Array
    bias: Array | None
    axes: tuple[Axis, ...]
    out: Array

    def tasks(self) -> Plan:
        """The whole computation, in parts that each write some channels of some samples."""
        groups, channels, filters, *kernel = self.w.shape
        first, *inner = self.axes
        row, taps, itemsize = math.prod(axis.coarse for axis in inner), math.prod(kernel), self.w.itemsize
        half = len(self.y) * first.coarse * row // 2
        small = min(_SMALL_PRODUCT // (filters * taps * itemsize), half)
        columns = max(_MOST_COLUMNS * COLUMNS, small)
        columns = min(columns, PRODUCT // (taps * itemsize), GATHERED // (channels * itemsize))
        rows = min(first.coarse, max(columns // row, 1))
        together = min(len(self.y), max(columns // (first.coarse * row), 1))
        summed = math.prod(axis.stride * (axis.coarse + halo(axis)) for axis in inner)
        elements = max(rows * row * taps, (rows + halo(first)) * first.stride * summed)
        fitting = PRODUCT // (together * elements * itemsize)
        sample_spans = in_pairs(len(self.y), together)
        halves = 1 if len(sample_spans) * groups > 1 else 2  # something for a second thread
        filter_spans = in_pairs(filters, min(-(-filters // halves), fitting))
        tasks: list[Task] = [
            partial(self._compute, rows, samples, some_groups, some_filters)
            for samples in sample_spans
            for some_groups in spans(groups, fitting // length(filter_spans[-1]))
            for some_filters in filter_spans
        ]
        return Plan([], tasks)

    def _compute(self, rows: int, samples: slice, groups: slice, filters: slice, scratch: Scratch) -> None:
        w, out = self.w[groups, :, filters], self.out[samples, groups, filters]
        matrix = w.reshape(*w.shape[:2], -1).swapaxes(1, 2)
        bias = None if self.bias is None else self.bias[groups, filters]
        first, *inner = self.axes
        shape = (*(axis.stride for axis in self.axes), *out.shape[1:3])
        block = (rows + halo(first), *(axis.coarse + halo(axis) for axis in inner))
        flat = scratch.take("sums", (math.prod(shape) * len(out) * math.prod(block),), w.dtype)
        flat[...] = 0
        sums = split_places(
            flat.reshape(*shape, -1), len(out), block, row=inner[-1].coarse if inner else rows
        )
        for places in spans(first.coarse, rows):
            values = values_of(self.y[samples, groups, :, places], w.dtype, scratch)
            product = scratch.take("product", (*matrix.shape[:2], values.shape[2]), w.dtype)
            np.matmul(matrix, values, out=product)
            counts = (length(places), *(axis.coarse for axis in inner))
            by_tap = split_places(product.reshape(*out.shape[1:3], *w.shape[3:], -1), len(out), counts)
            for tap, reached in _additions(self.axes, counts):
                met = sums[reached]
                np.add(met, by_tap[tap], out=met)
            self._write(sums, places, bias, out)
            _let_go(np.moveaxis(sums, -len(self.axes), 0), length(places), halo(first))

    def _write(self, sums: Array, rows: slice, bias: Array | None, out: Array) -> None:
        """Write the rows of sums that no later row of products adds to; after the last, all that are left."""
        first, *inner = self.axes
        done = slice(rows.start, None if rows.stop == first.coarse else rows.stop)
        met = [[_met(axis, phase, slice(0, None)) for phase in range(axis.stride)] for axis in inner]
        met = [[_met(first, phase, done) for phase in range(first.stride)], *met]
        for phase in np.ndindex(*map(len, met)):
            elements, starts = zip(*(each[i] for each, i in zip(met, phase, strict=True)), strict=True)
            written = out[spatial(elements)]
            samples_first = sums[phase].transpose(2, 0, 1, *range(3, out.ndim))
            read(samples_first, starts, [1] * len(starts), written)
            if bias is not None:
                written += bias.reshape(*bias.shape, *(1 for _ in starts))


@functools.lru_cache(maxsize=16)
def _additions(axes: tuple[Axis, ...], counts: tuple[int, ...]) -> list[tuple[Index, Index]]:
    """The index of each tap's products, (groups, filters, *kernel, ...), and of the sums that they meet."""
    met = [[divmod(i * axis.dilation, axis.stride) for i in range(axis.kernel)] for axis in axes]
    found = []
    for tap in np.ndindex(*map(len, met)):
        skipped, phase = zip(*(each[i] for each, i in zip(met, tap, strict=True)), strict=True)
        reached = map(slice, skipped, map(operator.add, skipped, counts))
        found.append(((slice(None), slice(None), *tap), (*phase, *spatial(reached))))
    return found


def _met(axis: Axis, phase: int, rows: slice) -> tuple[slice, int]:
    """The fine elements that have their sums in some rows of a phase, and the row of the first of them.

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
    """Put the last rows in the place of the first, with zeros behind."""
    sums[:kept] = sums[rows : rows + kept]
    sums[kept:] = 0
