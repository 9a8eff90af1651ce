"""The sum of both grids over all places, tile by tile: the gradients by the kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.columns import columns_of, first_axis_windows, with_unit_axis
from convmm.correlation import ENOUGH_TERMS
from convmm.geometry import Axis
from convmm.threads import Scratch, run
from convmm.tiles import COLUMNS, GATHERED, PRODUCT, Tile, length, spans, tiles
from convmm.unfold import spatial

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
        terms = self.out.shape[2] * math.prod(self.out.shape[4:])
        if self.axes[0].kernel > 1 and terms < ENOUGH_TERMS:
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
        wanted = min(max(self.work // _WORK_OF_A_TASK, 1), _TASKS)
        columns = min(COLUMNS, PRODUCT // (max(filters, taps) * itemsize))
        boxes = tiles(len(self.y), self.axes, max(columns, 1))
        size = math.prod(boxes[0].shape) * itemsize
        most_groups = min(GATHERED // (channels * taps * size), PRODUCT // (filters * size))
        group_spans = spans(groups, min(most_groups, -(-groups // wanted)))
        wanted = -(-wanted // len(group_spans))
        is_small = self.out.nbytes * (wanted - 1) <= _PARTIAL_SUMS
        chunks = spans(len(boxes), -(-len(boxes) // wanted) if is_small else len(boxes))
        wanted = -(-wanted // len(chunks))
        enough = min(-(-_FEWEST_TERMS // taps), -(-channels // 2))
        most_channels = max(-(-channels // wanted), enough)
        together = length(group_spans[0])
        gathered, summed = taps * size * together, first * taps * filters * itemsize * together
        fitting = min(GATHERED // gathered, 2 * PRODUCT // summed)
        channel_spans = spans(channels, min(most_channels, fitting))
        sums = [self.out, *(np.zeros_like(self.out) for _ in chunks[1:])]
        run(
            [
                partial(self._compute, boxes[chunk], some_groups, some_channels, out)
                for chunk, out in zip(chunks, sums, strict=True)
                for some_groups in group_spans
                for some_channels in channel_spans
            ],
            self.work,
        )
        for part in sums[1:]:
            np.add(self.out, part, out=self.out)

    def _compute(
        self, boxes: list[Tile], groups: slice, channels: slice, out: NDArray[Any], scratch: Scratch
    ) -> None:
        written = out[groups, :, channels]
        first_tap_first = np.moveaxis(written, 3, 0)  # (first taps, groups, filters, channels, *inner taps)
        flat = (*first_tap_first.shape[:3], math.prod(first_tap_first.shape[3:]))
        total = scratch.take("total", flat, out.dtype)
        for number, tile in enumerate(boxes):
            values = self._values(tile, groups, scratch)
            columns = columns_of(
                self.x[tile.samples, groups, channels], self.axes, tile, out.dtype, scratch, taps_first=False
            )
            for tap, window in enumerate(first_axis_windows(columns, self.axes[0], tile)):
                product = scratch.take("product", flat[1:], out.dtype) if number else total[tap]
                np.matmul(
                    values, window.reshape(len(window), -1, window.shape[-1]).swapaxes(1, 2), out=product
                )
                if number:
                    total[tap] += product
        first_tap_first[...] = total.reshape(first_tap_first.shape)

    def _values(self, tile: Tile, groups: slice, scratch: Scratch) -> NDArray[Any]:
        """``y`` in the order of the columns: (groups, filters, places of the tile)."""
        y: NDArray[Any] = self.y[tile.samples, groups][spatial(tile.places)]
        flat = (*y.shape[1:3], math.prod(tile.shape))
        if y.dtype == self.out.dtype and len(y) == 1 and y.shape[4:] == self.y.shape[4:]:
            run: NDArray[Any] = y[0].reshape(flat)
            return run
        values = scratch.take("values", (*y.shape[1:3], *tile.shape), self.out.dtype)
        np.copyto(values, np.moveaxis(y, 0, 3))
        return values.reshape(flat)
