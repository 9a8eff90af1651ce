"""The sum from the coarse grid to the fine as one product, scattered: multiply, add at each tap (col2im)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.geometry import Axis
from convmm.threads import Scratch, Task
from convmm.tiles import COLUMNS, PRODUCT, Tile, spans, tiles
from convmm.unfold import spatial


@dataclass(frozen=True)
class Scattering:
    """``out[n, g, o, t*stride + i*dilation - before] += sum over c of w[g, c, o, i] * y[n, g, c, t]``.

    Attributes:
        y: (N, groups, channels, *coarse), of any dtype that can be cast to ``w``'s.
        w: (groups, channels, filters, *kernel), of the dtype to compute in.
        bias: (groups, filters), of the same dtype, or None: what each output begins at.
        axes: the spatial axes.
        out: (N, groups, filters, *fine), of the dtype to compute in, as sums are made in it.
    """

    y: NDArray[Any]
    w: NDArray[Any]
    bias: NDArray[Any] | None
    axes: tuple[Axis, ...]
    out: NDArray[Any]

    def tasks(self) -> list[Task]:
        """The whole computation, in parts that each write some channels of some samples."""
        groups, _, filters, *kernel = self.w.shape
        taps = math.prod(kernel)
        columns = max(min(COLUMNS, PRODUCT // (taps * self.w.itemsize)), 1)
        boxes = tiles(1, self.axes, columns)
        size = math.prod(boxes[0].shape) * taps * self.w.itemsize
        halves = 1 if len(self.y) * groups > 1 else 2  # something for a second thread
        most_filters = min(-(-filters // halves), max(PRODUCT // size, 1))
        return [
            partial(self._compute, boxes, sample, some_groups, some_filters)
            for sample in range(len(self.y))
            for some_groups in spans(groups, PRODUCT // (size * most_filters))
            for some_filters in spans(filters, most_filters)
        ]

    def _compute(
        self, boxes: list[Tile], sample: int, groups: slice, filters: slice, scratch: Scratch
    ) -> None:
        out = self.out[sample, groups, filters]
        out[...] = 0
        if self.bias is not None:
            out += self.bias[groups, filters].reshape(*out.shape[:2], *(1 for _ in self.axes))
        w = self.w[groups, :, filters]
        matrix = w.reshape(*w.shape[:2], math.prod(w.shape[2:])).swapaxes(1, 2)
        for tile in boxes:
            read = self.y[sample, groups][spatial(tile.places)]
            places = read.shape[2:]
            values = read.astype(w.dtype, copy=False).reshape(*read.shape[:2], math.prod(places))
            product = scratch.take("product", (*matrix.shape[:2], math.prod(places)), w.dtype)
            np.matmul(matrix, values, out=product)
            self._add(product.reshape(*out.shape[:2], *w.shape[3:], *places), tile, out)

    def _add(self, product: NDArray[Any], tile: Tile, out: NDArray[Any]) -> None:
        """Add each tap's products, (groups, filters, *kernel, *places), where the tap meets the fine grid."""
        for tap in np.ndindex(*(axis.kernel for axis in self.axes)):
            met = [axis.met_by(i, place) for i, axis, place in zip(tap, self.axes, tile.places, strict=True)]
            fine, coarse = spatial(part for part, _ in met), spatial(part for _, part in met)
            out[fine] += product[(slice(None), slice(None), *tap)][coarse]
