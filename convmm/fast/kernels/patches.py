"""The sum from the coarse grid to the fine where no two places meet: the product is the result, put in order.

With kernels of the stride's size each element of the fine grid belongs to one place of the coarse grid, as in
the gradients of patch embeddings.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.fast.kernels.places import split_places, values_of
from convmm.fast.plan.patches import PatchPlan
from convmm.fast.plan.tiles import Tile, length
from convmm.fast.threads import Schedule, Scratch, Task

Array = NDArray[Any]


@dataclass(frozen=True)
class Patches:
    """``out[n, g, o, t*stride + i] = bias[g, o] + sum over c of w[g, c, o, i] * y[n, g, c, t]``.

    Attributes:
        plan: to carry out.
        y: (N, groups, channels, *coarse), of any dtype that can be cast to ``w``'s.
        w: (groups, channels, filters, *kernel), of the dtype to compute in.
        bias: (groups, filters), of the same dtype, or None.
        out: (N, groups, filters, *fine), of any dtype.
    """

    plan: PatchPlan
    y: Array
    w: Array
    bias: Array | None
    out: Array

    def schedule(self) -> Schedule:
        """Return the whole computation, in tasks that each write some patches."""
        each = itertools.product(self.plan.groups, self.plan.tiles, self.plan.filters)
        tasks: list[Task] = [partial(self._compute, *task) for task in each]
        return Schedule([], tasks)

    def _compute(self, groups: slice, tile: Tile, filters: slice, scratch: Scratch) -> None:
        w, y = self.w[groups, :, filters], self.y[(tile.samples, groups, slice(None), *tile.places)]
        product = self._product(w, values_of(y, w.dtype, scratch), scratch)
        by_place = split_places(product, length(tile.samples), [length(place) for place in tile.places])
        kernel = w.shape[3:]
        by_tap = by_place.reshape(len(w), w.shape[2], *kernel, *by_place.shape[2:])
        elements = (slice(p.start * k, p.stop * k) for p, k in zip(tile.places, kernel, strict=True))
        bias = None if self.bias is None else self.bias[groups, filters]
        _write(by_tap, bias, self.out[(tile.samples, groups, filters, *elements)])

    @staticmethod
    def _product(w: Array, values: Array, scratch: Scratch) -> Array:
        """Return (groups, filters * taps, places), in memory the taps last: in rows of patches."""
        matrix = w.reshape(*w.shape[:2], -1)
        product = scratch.take("product", (len(w), values.shape[2], matrix.shape[2]), w.dtype)
        np.matmul(values.swapaxes(1, 2), matrix, out=product)
        return product.swapaxes(1, 2)


def _write(by_tap: Array, bias: Array | None, out: Array) -> None:
    """Write (groups, filters, *taps, N, *places) as (N, groups, filters, *elements), plus the bias."""
    rank = out.ndim - 3
    pairs = ((rank + 1 + axis, axis) for axis in range(2, rank + 2))
    values = by_tap.transpose(rank + 2, 0, 1, *itertools.chain.from_iterable(pairs))
    written = out.reshape(values.shape)
    if bias is None:
        np.copyto(written, values, casting="unsafe")
    else:
        added = bias.reshape(*bias.shape, *(1 for _ in written.shape[3:]))
        np.add(values, added, out=written, casting="unsafe")
