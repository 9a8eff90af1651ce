"""How a sum from both grids to the kernel is cut: the gradients by the weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from convmm.fast.plan.call import Call
from convmm.fast.plan.columns import are_views, gathered_elements, inner_taps, why_unfolded
from convmm.fast.plan.limits import Limits
from convmm.fast.plan.phases import UNIT
from convmm.fast.plan.tiles import Tile, even_spans, largest_shape, longest, spans, tiles
from convmm.geometry.grids import Axis


@dataclass(frozen=True)
class WeightPlan:
    """A weight gradient cut into tasks: one per chunk of tiles, span of groups, of filters and of channels.

    Where the gradient is small the tasks are sums over some of the tiles each, added up in order. Where it is
    not they are parts of it, some groups' and some channels'.

    Attributes:
        axes: the spatial axes, behind one of size 1 if all are unfolded.
        because: why all axes are unfolded, or why not.
        is_swapped: whether the columns are a product's first side.
        has_views: whether the columns are views of the input.
        chunks: tiles of places whose products are added up by one task.
        groups: spans of the groups.
        filters: spans of one group's filters.
        channels: spans of one group's channels.
        itemsize: bytes of one number.
    """

    axes: tuple[Axis, ...]
    because: str
    is_swapped: bool
    has_views: bool
    chunks: list[list[Tile]]
    groups: list[slice]
    filters: list[slice]
    channels: list[slice]
    itemsize: int

    @property
    def is_unfolded(self) -> bool:
        """Whether all axes are unfolded."""
        return self.axes[0] is UNIT

    @property
    def is_direct(self) -> bool:
        """Whether sums are in the order of the result, and need no array of their own."""
        return self.axes[0].kernel == 1 and not self.is_swapped

    @property
    def tiles(self) -> list[Tile]:
        """Tiles of places, of all chunks."""
        return [tile for chunk in self.chunks for tile in chunk]

    @property
    def tasks(self) -> int:
        """Number of tasks."""
        return len(self.chunks) * len(self.groups) * len(self.filters) * len(self.channels)

    @property
    def scratch(self) -> int:
        """Bytes of the arrays that the largest task uses: columns, values, sums and products to add."""
        shape, channels = largest_shape(self.tiles), longest(self.channels)
        gathered = 0 if self.has_views else channels * sum(gathered_elements(self.axes, shape))
        values = longest(self.filters) * math.prod(shape)
        sums = channels * inner_taps(self.axes) * longest(self.filters)
        products = sums if any(len(chunk) > 1 for chunk in self.chunks) else 0
        totals = 0 if self.is_direct else sums * self.axes[0].kernel
        return longest(self.groups) * (gathered + values + products + totals) * self.itemsize


def plan_weights(call: Call, wanted: int, limits: Limits) -> WeightPlan:
    """Decide which axes to unfold, and cut the weight gradient.

    Args:
        call: a sum to the kernel.
        wanted: tasks to have, if that leaves each enough to do.
        limits: to compare with.
    """
    filters = longest(spans(call.coarse_channels, limits.filters_of_weights))
    is_unfolded, because = _unfolding(call, limits)
    axes = (UNIT, *call.geometry.axes) if is_unfolded else call.geometry.axes
    return _Cut(call, axes, filters, limits).plan(wanted, because)


def _unfolding(call: Call, limits: Limits) -> tuple[bool, str]:
    axes, filters = call.geometry.axes, call.coarse_channels
    terms = call.fine_channels * inner_taps(axes)
    decided, because = why_unfolded(axes[0], terms, filters, call.geometry.groups, limits)
    few = limits.few_columns_of_weights * filters
    if not decided and axes[0].kernel > 1 and call.places < few:
        return True, f"{call.places} columns are fewer than {few}: sums are in the order of the result"
    return decided, because


@dataclass(frozen=True)
class _Cut:
    """What the spans follow from; ``filters`` are those of one task, at most."""

    call: Call
    axes: tuple[Axis, ...]
    filters: int
    limits: Limits

    @property
    def taps(self) -> int:
        """Taps that are terms of one product."""
        return inner_taps(self.axes)

    def plan(self, wanted: int, because: str) -> WeightPlan:
        """Return the plan, with the reason for its axes."""
        call, limits = self.call, self.limits
        filters = spans(call.coarse_channels, limits.filters_of_weights)
        most_groups = -(-call.geometry.groups // wanted)
        boxes = tiles(call.samples, self.axes, self.most_columns(most_groups), limits)
        size = math.prod(largest_shape(boxes)) * call.itemsize
        fitting = min(
            limits.gathered // (call.fine_channels * self.taps * size),
            limits.product // (self.filters * size),
        )
        groups = spans(call.geometry.groups, min(most_groups, fitting))
        wanted = -(-wanted // (len(groups) * len(filters)))
        chunks = self.chunks(boxes, wanted)
        channels = spans(
            call.fine_channels, self.most_channels(-(-wanted // len(chunks)), size * longest(groups), groups)
        )
        terms = longest(channels) * self.taps
        return WeightPlan(
            axes=self.axes,
            because=because,
            is_swapped=call.working == np.float32 and self.filters < min(terms, limits.enough_filters),
            has_views=call.is_source_run and are_views(self.axes, boxes),
            chunks=chunks,
            groups=groups,
            filters=filters,
            channels=channels,
            itemsize=call.itemsize,
        )

    def most_columns(self, groups: int) -> int:
        """Return the columns of a tile of so many groups."""
        limits, call = self.limits, self.call
        together = groups * (call.fine_channels * self.taps + self.filters) * call.itemsize
        fitting = limits.product // (max(self.filters, self.taps) * call.itemsize)
        return max(min(max(limits.columns, limits.small_tile // together), fitting), 1)

    def chunks(self, boxes: list[Tile], wanted: int) -> list[list[Tile]]:
        """Return the tiles in one chunk per task, or in fewer where sums of their own would be too large."""
        kernel = math.prod(self.call.geometry.kernel) * self.call.geometry.coarse_channels
        size = kernel * self.call.fine_channels * self.call.itemsize
        count = min(len(boxes), wanted, 1 + self.limits.partial_sums // size)
        return [boxes[chunk] for chunk in even_spans(len(boxes), count)]

    def most_channels(self, wanted: int, column: int, groups: list[slice]) -> int:
        """Return the channels of a task: enough terms for a product, no more than fit.

        Args:
            wanted: tasks to divide the channels among.
            column: bytes of one term in the columns, over all groups of a task.
            groups: spans of the groups.
        """
        limits, channels = self.limits, self.call.fine_channels
        enough = min(-(-limits.terms_of_a_task // self.taps), -(-channels // 2))
        summed = self.axes[0].kernel * self.taps * self.filters * self.call.itemsize * longest(groups)
        fitting = min(limits.gathered // (self.taps * column), 2 * limits.product // summed)
        return min(max(-(-channels // wanted), enough), fitting)
