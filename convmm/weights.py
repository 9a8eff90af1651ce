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

_TASKS = 8
_WORK_OF_A_TASK = 4_000_000
_FEWEST_TERMS = 256
_PARTIAL_SUMS = 2**20


@dataclass(frozen=True)
class WeightCorrelation:
    """``out[g, o, c, i] += sum over n, t of y[n, g, o, t] * x[n, g, c, t*stride + i*dilation - before]``.

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
        """Add everything to ``out``."""
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

        Where there are channels enough, the parts are of ``out``. Where there are not, ``out`` is small, and
        the parts are sums over some of the tiles each, added up in order.
        """
        groups, filters, channels, _, *inner = self.out.shape
        wanted = min(max(self.work // _WORK_OF_A_TASK, 1), _TASKS)
        itemsize = self.out.itemsize
        taps = math.prod(inner)
        boxes = tiles(
            len(self.y), self.axes, max(min(COLUMNS, PRODUCT // (max(filters, taps) * itemsize)), 1)
        )
        size = math.prod(boxes[0].shape) * itemsize
        together = min(
            GATHERED // (channels * taps * size), PRODUCT // (filters * size), -(-groups // wanted)
        )
        group_spans = spans(groups, together)
        wanted = -(-wanted // len(group_spans))
        at_once = max(-(-channels // wanted), -(-_FEWEST_TERMS // taps))
        channel_spans = spans(channels, min(at_once, GATHERED // (taps * size * length(group_spans[0]))))
        wanted = -(-wanted // len(channel_spans))
        chunks = (
            spans(len(boxes), -(-len(boxes) // wanted))
            if self.out.nbytes <= _PARTIAL_SUMS
            else [slice(0, len(boxes))]
        )
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
            self.out.__iadd__(part)

    def _compute(
        self, boxes: list[Tile], groups: slice, channels: slice, out: NDArray[Any], scratch: Scratch
    ) -> None:
        written = out[groups, :, channels]
        shape = (*written.shape[:3], *written.shape[4:])
        flat = (*written.shape[:2], math.prod(shape[2:]))
        for tile in boxes:
            values = self._values(tile, groups, scratch)
            columns = columns_of(self.x[tile.samples, groups, channels], self.axes, tile, out.dtype, scratch)
            for tap, window in enumerate(first_axis_windows(columns, self.axes[0], tile)):
                product = scratch.take("product", flat, out.dtype)
                np.matmul(values, window.swapaxes(1, 2), out=product)
                written[:, :, :, tap] += product.reshape(shape)

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
