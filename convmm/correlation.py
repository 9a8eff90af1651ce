"""The sum from the fine grid to the coarse, tile by tile: unfold, multiply, add up over the first axis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.columns import columns_of, first_axis_windows, with_unit_axis
from convmm.geometry import Axis
from convmm.threads import Scratch, Task
from convmm.tiles import GATHERED, PRODUCT, Tile, columns_at_once, length, spans, tiles

# Terms of one product. Fewer, and adding up the products costs more than unfolding the first axis, too.
ENOUGH_TERMS = 128

_TASKS = 4
_WORK_OF_A_TASK = 4_000_000
_KEPT_KERNEL = 5 * 2**20


@dataclass(frozen=True)
class Correlation:
    """One correlation: ``out[n, g, o, t] = bias[g, o] + sum over c, i of w[g, o, c, i] * x[n, g, c, ...]``.

    Attributes:
        x: (N, groups, channels, *fine), of any dtype that can be cast to ``w``'s.
        w: (groups, filters, channels, *kernel), of the dtype to compute in.
        bias: (groups, filters), of the same dtype, or None.
        axes: the spatial axes.
        out: (N, groups, filters, *coarse), of any dtype and strides.
    """

    x: NDArray[Any]
    w: NDArray[Any]
    bias: NDArray[Any] | None
    axes: tuple[Axis, ...]
    out: NDArray[Any]

    @property
    def work(self) -> int:
        """Floating point operations."""
        return 2 * self.out.size * math.prod(self.w.shape[2:])

    def tasks(self, beside: int = 0) -> list[Task]:
        """The whole computation, in parts that each write another part of ``out``.

        Args:
            beside: as large computations whose tasks run beside these: where there are some, fewer will do.
        """
        if not self.out.size:
            return []
        terms = self.w.shape[2] * math.prod(self.w.shape[4:])
        columns = self.out.size // math.prod(self.out.shape[1:3])
        few = terms < ENOUGH_TERMS or columns < 2 * self.w.shape[1]
        if self.axes[0].kernel > 1 and few:
            x, w, out = (array[:, :, :, None] for array in (self.x, self.w, self.out))
            return Correlation(x, w, self.bias, with_unit_axis(self.axes), out).parts(beside)
        return self.parts(beside)

    def parts(self, beside: int) -> list[Task]:
        """The tasks with the first axis as it is."""
        groups, filters, channels, _, *inner = self.w.shape
        wanted = max(min(self.work // _WORK_OF_A_TASK, _TASKS) // (beside + 1), 1)
        itemsize = self.w.itemsize
        most = columns_at_once(self.out, wanted, max(math.prod(inner), min(filters, 512)) * itemsize)
        boxes = tiles(len(self.out), self.axes, most)
        size = math.prod(boxes[0].shape) * itemsize
        together = min(GATHERED // (channels * math.prod(inner) * size), PRODUCT // (filters * size))
        group_spans = spans(groups, together)
        most_filters = filters if len(boxes) * len(group_spans) > 1 else -(-filters // min(wanted, 2))
        kernel = by_first_tap(self.w)
        return [
            partial(self._compute, kernel, tile, some_groups, some_filters)
            for tile in boxes
            for some_groups in group_spans
            for some_filters in spans(filters, min(most_filters, PRODUCT // size))
        ]

    def _compute(
        self, kernel: NDArray[Any], tile: Tile, groups: slice, filters: slice, scratch: Scratch
    ) -> None:
        out = self.out[(tile.samples, groups, filters, *tile.places)]
        direct = self._is_flat(out)
        flat = (length(groups), length(filters), math.prod(tile.shape))
        total = out[0].reshape(flat) if direct else scratch.take("total", flat, self.w.dtype)
        begun = False
        inner = math.prod(self.w.shape[4:])
        most = GATHERED // (length(groups) * inner * flat[2] * self.w.itemsize)
        for channels in spans(self.w.shape[2], most):
            read = self.x[tile.samples, groups, channels]
            columns = columns_of(read, self.axes, tile, self.w.dtype, scratch, taps_first=False)
            windows = first_axis_windows(columns, self.axes[0], tile)
            for matrix, window in zip(kernel[:, groups, filters, channels], windows, strict=True):
                product = scratch.take("product", flat, self.w.dtype) if begun else total
                np.matmul(matrix.reshape(*flat[:2], -1), window.reshape(flat[0], -1, flat[2]), out=product)
                if begun:
                    total += product
                begun = True
        if self.bias is not None:
            total += self.bias[groups, filters, None]
        if not direct:
            rows_first = total.reshape(*flat[:2], *tile.shape)  # (groups, filters, rows, N, *inner)
            np.copyto(out, np.moveaxis(rows_first, 3, 0), casting="unsafe")

    def _is_flat(self, out: NDArray[Any]) -> bool:
        """Whether a tile of ``out`` is one run in each channel, and of the dtype to compute in."""
        return (
            out.dtype == self.w.dtype
            and len(out) == 1
            and self.out.flags.c_contiguous
            and out.shape[4:] == self.out.shape[4:]
        )


def by_first_tap(w: NDArray[Any]) -> NDArray[Any]:
    """The kernel, with its first axis before groups, filters and channels; in one run if small."""
    moved = w.transpose(3, 0, 1, 2, *range(4, w.ndim))
    return np.ascontiguousarray(moved) if w.nbytes <= _KEPT_KERNEL else moved
