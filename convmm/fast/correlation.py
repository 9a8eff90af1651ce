"""The sum from the fine grid to the coarse, tile by tile: unfold, multiply, add up over the first axis."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.fast.columns import Columns, columns_of, with_unit_axis
from convmm.fast.factors import Factors, is_stored_as_one
from convmm.fast.parts import Part, Sums, Terms
from convmm.fast.threads import Plan, Scratch, Task, merged
from convmm.fast.tiles import GATHERED, PRODUCT, Tile, columns_at_once, in_pairs, length, spans, tiles
from convmm.geometry import Axis

Array = NDArray[Any]

# Terms of one product. Fewer, and adding up the products costs more than unfolding the first axis, too.
_ENOUGH_TERMS = 128
# With so many groups they are enough if there are as many as filters, but no fewer than those of a row:
# measured with groups of 1 to 32 channels and kernels of 3 to 7 taps an axis at stride 1, 1.1 to 2.1 times
# as fast.
_MANY_GROUPS = 4
_FEWEST_TERMS = 3

_TASKS = 4
_WORK_OF_A_TASK = 4_000_000
# Filters that are not divided between two threads; the columns are.
_FEW_FILTERS = 64
# Columns of a tile with all of its channels. Fewer, and products over some of the channels each are better.
_FEWEST_WHOLE = 256


def are_short(terms: int, filters: int, groups: int, first: Axis) -> bool:
    """Whether products of this many terms would be, where the first axis is not unfolded."""
    if groups >= _MANY_GROUPS and first.stride == 1:
        return terms < max(min(filters, _ENOUGH_TERMS), _FEWEST_TERMS)
    return terms < _ENOUGH_TERMS


@dataclass(frozen=True)
class Correlation:
    """``out[n, g, o, t] = bias[g, o] + sum over c, i of w[g, o, c, i] * x[n, g, c, ...]``, for each part.

    Attributes:
        x: (N, groups, channels, *fine), of any dtype that can be cast to the kernels'.
        bias: (groups, filters), of the dtype to compute in, or None.
        axes: the spatial axes, with every tap that a part reads.
        parts: what is computed from the same columns.
        is_one_of_many: whether others of as much work are computed beside it, so that it may be one task.
    """

    x: Array
    bias: Array | None
    axes: tuple[Axis, ...]
    parts: tuple[Part, ...]
    is_one_of_many: bool = False

    @classmethod
    def of(cls, x: Array, w: Array, bias: Array | None, axes: tuple[Axis, ...], out: Array) -> Correlation:
        """One of a single kernel, (groups, filters, channels, *kernel), and output."""
        return cls(x, bias, axes, (Part(tuple(slice(0, axis.kernel) for axis in axes), [w], [out]),))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype to compute in."""
        dtype: np.dtype[Any] = self.parts[0].kernels[0].dtype
        return dtype

    @functools.cached_property
    def work(self) -> int:
        """Floating point operations."""
        sizes = (out.size * math.prod(part.kernels[0].shape[2:]) for part in self.parts for out in part.outs)
        return 2 * sum(sizes)

    @property
    def columns(self) -> int:
        """Places of all samples."""
        return len(self.x) * math.prod(axis.coarse for axis in self.axes)

    def tasks(self) -> Plan:
        """The whole computation, in tasks that each write another part of the outputs."""
        if not self.work:
            return Plan([], [])
        if self._unfolds_first_axis():
            parts = tuple(part.behind_unit_axis() for part in self.parts)
            axes = with_unit_axis(self.axes)
            return Correlation(self.x[:, :, :, None], self.bias, axes, parts, self.is_one_of_many).cut()
        return self.cut()

    def _unfolds_first_axis(self) -> bool:
        first, *inner = self.axes
        kernels = self.parts[0].kernels
        groups, filters, channels = kernels[0].shape[:3]
        if first.kernel == 1 or (len(self.parts) > 1 and inner):
            return False
        is_short = are_short(channels * math.prod(axis.kernel for axis in inner), filters, groups, first)
        return is_short or (self.columns < 2 * filters and is_stored_as_one(kernels))

    def cut(self) -> Plan:
        """The tasks with the first axis as it is."""
        groups, filters, channels = self.parts[0].kernels[0].shape[:3]
        is_alone = len(self.parts) == 1
        each = [Terms(part, Factors(part.kernels, may_be_natural=is_alone)) for part in self.parts]
        boxes = self._tiles(may_split_channels=not each[0].factors.are_kept)
        places = math.prod(boxes[0].shape)
        fitting = PRODUCT // (self._stacked * places * self.dtype.itemsize)
        gathered = channels * places * self._gathered
        group_spans = spans(groups, min(GATHERED // gathered, fitting // filters))
        shared = 1 if len(boxes) * len(group_spans) > 1 else min(self._wanted, 2)
        part_spans = spans(len(each), -(-len(each) // shared))
        most_filters = -(-filters // shared) if len(part_spans) == 1 else filters
        if not each[0].factors.are_kept:  # each task copies a factor
            most_filters = min(most_filters, PRODUCT // (self._stacked * channels * self._gathered))
        is_odd = len(boxes) * len(group_spans) * len(part_spans) % 2
        filter_spans = (in_pairs if is_odd else spans)(filters, min(most_filters, fitting))
        tasks: list[Task] = [
            partial(self._compute, each[some], tile, some_groups, some_filters)
            for tile in boxes
            for some_groups in group_spans
            for some in part_spans
            for some_filters in filter_spans
        ]
        return Plan([task for terms in each for task in terms.factors.preparations], tasks)

    @property
    def _wanted(self) -> int:
        return 1 if self.is_one_of_many else max(min(self.work // _WORK_OF_A_TASK, _TASKS), 1)

    @functools.cached_property
    def _stacked(self) -> int:
        return max(len(part.outs) for part in self.parts)

    @functools.cached_property
    def _gathered(self) -> int:
        """Bytes of a column, for each channel."""
        return math.prod(axis.kernel for axis in self.axes[1:]) * self.dtype.itemsize

    def _tiles(self, *, may_split_channels: bool) -> list[Tile]:
        _, filters, channels = self.parts[0].kernels[0].shape[:3]
        summed = min(self._stacked * filters, 512) * self.dtype.itemsize
        together = channels * self._gathered + self._stacked * filters * self.dtype.itemsize
        most = columns_at_once(self.columns, self._wanted, max(self._gathered, summed), together)
        whole = GATHERED // (channels * self._gathered)
        if whole >= _FEWEST_WHOLE and not may_split_channels:
            most = min(most, whole)
        if filters < _FEW_FILTERS and self._wanted > 1:  # halved, they would multiply far more slowly
            most = min(most, -(-self.columns // 2))
        return tiles(len(self.x), self.axes, most)

    def _compute(
        self, each: list[Terms], tile: Tile, groups: slice, filters: slice, scratch: Scratch
    ) -> None:
        gathered = length(groups) * math.prod(tile.shape) * self._gathered
        channel_spans = spans(self.x.shape[2], GATHERED // gathered)
        taps_first = not each[0].factors.channels_first
        columns: Columns | None = None
        for terms in each:
            sums = Sums(terms.part, tile, groups, filters, scratch)
            for channels in channel_spans:
                if columns is None or len(channel_spans) > 1:
                    read = self.x[tile.samples, groups, channels]
                    columns = columns_of(read, self.axes, tile, self.dtype, scratch, taps_first=taps_first)
                for tap, right in enumerate(columns.factors(terms.part.taps)):
                    sums.add(terms.factors.matrix(tap, groups, filters, channels), right)
            sums.write(None if self.bias is None else self.bias[groups, None, filters, None])


def tasks_of(correlations: Sequence[Correlation]) -> Plan:
    """All of them at once; equal ones are not cut for two threads if each thread has as many of them."""
    is_even = len(correlations) % 2 == 0 and len({each.work for each in correlations}) == 1
    return merged((replace(each, is_one_of_many=True) if is_even else each).tasks() for each in correlations)
