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

from convmm.columns import values_of
from convmm.geometry import Axis
from convmm.threads import Plan, Scratch, Task
from convmm.tiles import COLUMNS, PRODUCT, Tile, length, spans, tiles
from convmm.unfold import split_places

Array = NDArray[Any]
Index = tuple[Any, ...]

# Taps on the last axis. With fewer, putting the product in order takes longer than a correlation a phase:
# measured with 2 and 3 (0.6 to 0.9 of the speed) and with 4, 8 and 16 (1.1 to 3).
_SHORTEST_ROW = 4

# Tasks to have, and the places of one that are worth a product.
_TASKS = 4
_FEWEST_PLACES = 64


def are_patches(axes: tuple[Axis, ...]) -> bool:
    """Whether each element of the fine grid is met by one tap of one place, and taps stand in long rows."""
    return axes[-1].kernel >= _SHORTEST_ROW and all(
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
        met, channels, count, *kernel = w.shape
        coarse: Index = (tile.samples, groups, slice(None), *tile.places)
        values, rank = values_of(self.y[coarse], w.dtype, scratch), len(kernel)
        product = scratch.take("product", (met, values.shape[2], count * math.prod(kernel)), w.dtype)
        np.matmul(values.swapaxes(1, 2), w.reshape(met, channels, -1), out=product)
        places = [length(place) for place in tile.places]
        by_place = split_places(product.swapaxes(1, 2), length(tile.samples), places)
        by_axis = by_place.reshape(met, count, *kernel, *by_place.shape[2:])
        pairs = ((rank + 1 + axis, axis) for axis in range(2, rank + 2))
        put = by_axis.transpose(rank + 2, 0, 1, *itertools.chain.from_iterable(pairs))
        elements = (slice(p.start * k, p.stop * k) for p, k in zip(tile.places, kernel, strict=True))
        fine: Index = (tile.samples, groups, filters, *elements)
        out = self.out[fine].reshape(put.shape)
        if self.bias is None:
            np.copyto(out, put, casting="unsafe")
        else:
            bias = self.bias[groups, filters].reshape(met, count, *(1 for _ in range(2 * rank)))
            np.add(put, bias, out=out, casting="unsafe")
