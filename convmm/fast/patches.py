"""The sum from the coarse grid to the fine where no two places meet: the product is the result, put in order.

With kernels of the stride's size each element of the fine grid belongs to one place of the coarse grid, as in
the gradients of patch embeddings.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.fast.columns import values_of
from convmm.fast.threads import Plan, Scratch, Task
from convmm.fast.tiles import COLUMNS, PRODUCT, Tile, length, spans, tiles
from convmm.geometry import Axis
from convmm.unfold import spatial, split_places

Array = NDArray[Any]
Index = tuple[Any, ...]

# Taps on the last axis that are copied together. Fewer are copied each for itself, out of a product that has
# its places last: with 2 and 3 that is faster.
_SHORTEST_ROW = 4

# Tasks to have, and the places of one that are worth a product.
_TASKS = 4
_FEWEST_PLACES = 64


def are_patches(axes: tuple[Axis, ...]) -> bool:
    """Whether each element of the fine grid is met by one tap of one place; some by another than others."""
    return any(axis.kernel > 1 for axis in axes) and all(
        axis.kernel == axis.stride
        and (axis.dilation == 1 or axis.kernel == 1)
        and axis.before == 0
        and axis.fine == axis.coarse * axis.stride
        for axis in axes
    )


@dataclass(frozen=True)
class Patches:
    """``out[n, g, o, t*stride + i] = bias[g, o] + sum over c of w[g, c, o, i] * y[n, g, c, t]``.

    Attributes:
        y: (N, groups, channels, *coarse), of any dtype that can be cast to ``w``'s.
        w: (groups, channels, filters, *kernel), of the dtype to compute in.
        bias: (groups, filters), of the same dtype, or None.
        out: (N, groups, filters, *fine), of any dtype.
        axes: the spatial axes, of which :func:`are_patches` is true.
    """

    y: Array
    w: Array
    bias: Array | None
    out: Array
    axes: tuple[Axis, ...]

    def tasks(self) -> Plan:
        """The whole computation, in parts that each write some patches."""
        groups, channels, filters, *kernel = self.w.shape
        taps, itemsize = math.prod(kernel), self.w.itemsize
        places = len(self.y) * math.prod(axis.coarse for axis in self.axes)
        filter_spans = spans(filters, PRODUCT // (_FEWEST_PLACES * taps * itemsize))
        each = max(length(filter_spans[0]) * taps, channels) * itemsize
        boxes = tiles(len(self.y), self.axes, max(min(-(-places // _TASKS), COLUMNS, PRODUCT // each), 1))
        tasks: list[Task] = [
            partial(self._compute, tile, some_groups, some_filters)
            for some_groups in spans(groups, PRODUCT // (each * math.prod(boxes[0].shape)))
            for tile in boxes
            for some_filters in filter_spans
        ]
        return Plan([], tasks)

    def _compute(self, tile: Tile, groups: slice, filters: slice, scratch: Scratch) -> None:
        w = self.w[groups, :, filters]
        coarse: Index = (tile.samples, groups, slice(None), *tile.places)
        values = values_of(self.y[coarse], w.dtype, scratch)
        met, channels, count, *kernel = w.shape
        product = self._product(w.reshape(met, channels, -1), values, scratch)
        places = [length(place) for place in tile.places]
        by_place = split_places(product, length(tile.samples), places)
        by_tap = by_place.reshape(met, count, *kernel, *by_place.shape[2:])
        elements = (slice(p.start * k, p.stop * k) for p, k in zip(tile.places, kernel, strict=True))
        out = self.out[(tile.samples, groups, filters, *elements)]
        bias = None if self.bias is None else self.bias[groups, filters]
        if self._copies_rows:
            _put_in_rows(by_tap, bias, out)
        else:
            _put_by_tap(by_tap, bias, out)

    @property
    def _copies_rows(self) -> bool:
        return self.axes[-1].kernel >= _SHORTEST_ROW

    def _product(self, w: Array, values: Array, scratch: Scratch) -> Array:
        """(groups, filters * taps, places), in memory in the order in which it is copied."""
        shape = (len(w), values.shape[2], w.shape[2])
        if self._copies_rows:
            product = scratch.take("product", shape, w.dtype)
            np.matmul(values.swapaxes(1, 2), w, out=product)
            return product.swapaxes(1, 2)
        product = scratch.take("product", (shape[0], shape[2], shape[1]), w.dtype)
        np.matmul(w.swapaxes(1, 2), values, out=product)
        return product


def _put_in_rows(by_tap: Array, bias: Array | None, out: Array) -> None:
    """Write (groups, filters, *taps, N, *places) as (N, groups, filters, *elements), all at once."""
    rank = out.ndim - 3
    pairs = ((rank + 1 + axis, axis) for axis in range(2, rank + 2))
    put = by_tap.transpose(rank + 2, 0, 1, *itertools.chain.from_iterable(pairs))
    _write(put, bias, out.reshape(put.shape))


def _put_by_tap(by_tap: Array, bias: Array | None, out: Array) -> None:
    """The same, tap by tap."""
    rank = out.ndim - 3
    kernel = by_tap.shape[2 : 2 + rank]
    for tap in np.ndindex(*kernel):
        met = by_tap[(slice(None), slice(None), *tap)]
        elements = map(slice, tap, out.shape[3:], kernel)
        _write(met.transpose(2, 0, 1, *range(3, met.ndim)), bias, out[spatial(elements)])


def _write(values: Array, bias: Array | None, out: Array) -> None:
    """Values and bias, (groups, filters), to (N, groups, filters, ...)."""
    if bias is None:
        np.copyto(out, values, casting="unsafe")
    else:
        np.add(values, bias.reshape(*bias.shape, *(1 for _ in out.shape[3:])), out=out, casting="unsafe")
