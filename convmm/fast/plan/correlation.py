"""How a correlation is cut into tasks: tiles of places, and spans of groups, parts and filters."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from convmm.fast.plan.call import Call
from convmm.fast.plan.columns import are_views, gathered_elements, inner_taps, why_unfolded
from convmm.fast.plan.limits import Limits
from convmm.fast.plan.phases import Reads
from convmm.fast.plan.tiles import Tile, in_pairs, largest_shape, longest, spans, tiles


@dataclass(frozen=True)
class Sizes:
    """The channels of a correlation, whichever grid it reads from.

    Attributes:
        samples: N.
        groups: of the channels.
        filters: channels of one group that are written.
        channels: channels of one group that are read.
        itemsize: bytes of one number.
        is_kernel_run: whether each filter's kernel is one run in memory.
        is_source_run: whether each channel read is one run in memory, of the dtype to compute in.
    """

    samples: int
    groups: int
    filters: int
    channels: int
    itemsize: int
    is_kernel_run: bool
    is_source_run: bool

    @classmethod
    def of(cls, call: Call) -> Sizes:
        """Return those of a call; the kernels of a spread are no runs, but every stride-th tap."""
        channels = [call.coarse_channels, call.fine_channels]
        is_spread = call.sum == "spread"
        filters, channels_read = reversed(channels) if is_spread else channels
        is_run = call.is_kernel_run and not is_spread
        groups = call.geometry.groups
        return cls(call.samples, groups, filters, channels_read, call.itemsize, is_run, call.is_source_run)


@dataclass(frozen=True)
class CorrelationPlan:
    """A correlation cut into tasks: one per tile, span of groups, span of parts and span of filters.

    Attributes:
        reads: the axes and the parts.
        because: why all axes are unfolded, or why not.
        channels_first: whether the terms are in the order in which the kernel is stored, so that it is a
            factor as it is; or else the taps of the inner axes come first.
        keeps_factors: whether the kernel is in the order to multiply in before the first task; or else each
            task copies its part.
        shares_copy: whether that copy is shared between the threads.
        has_views: whether the columns are views of the input.
        tiles: of places.
        groups: spans of the groups.
        parts: spans of the parts.
        filters: spans of one group's filters.
        channels: spans of one group's channels that each task reads, one after the other.
        itemsize: bytes of one number.
    """

    reads: Reads
    because: str
    channels_first: bool
    keeps_factors: bool
    shares_copy: bool
    has_views: bool
    tiles: list[Tile]
    groups: list[slice]
    parts: list[slice]
    filters: list[slice]
    channels: list[slice]
    itemsize: int

    @property
    def tasks(self) -> int:
        """Number of tasks."""
        return len(self.tiles) * len(self.groups) * len(self.parts) * len(self.filters)

    @property
    def arrays(self) -> tuple[int, ...]:
        """Bytes of what the largest task uses: columns, a padded copy, sums, products to add, a factor."""
        axes, parts = self.reads.axes, self.reads.parts
        shape, channels = largest_shape(self.tiles), longest(self.channels)
        filters = longest(self.filters) * max(len(part.outputs) for part in parts)
        columns, padded = (0, 0) if self.has_views else gathered_elements(axes, shape)
        adds = max(part.counts[0] for part in parts) * len(self.channels) > 1
        sums = filters * math.prod(shape)
        factor = 0 if self.keeps_factors else filters * channels * inner_taps(axes)
        elements = (columns * channels, padded * channels, sums, sums if adds else 0, factor)
        return tuple(longest(self.groups) * self.itemsize * count for count in elements)


def plan_correlation(reads: Reads, sizes: Sizes, wanted: int, limits: Limits) -> CorrelationPlan:
    """Decide which axes to unfold, and cut the correlation.

    Args:
        reads: what is computed, no axis unfolded so far.
        sizes: of the channels.
        wanted: tasks to have, if that leaves each enough to do.
        limits: to compare with.
    """
    is_unfolded, because = _unfolding(reads, sizes, limits)
    return _Cut(reads.unfolded() if is_unfolded else reads, sizes, wanted, limits).plan(because)


def _unfolding(reads: Reads, sizes: Sizes, limits: Limits) -> tuple[bool, str]:
    first, *inner = reads.axes
    if len(reads.parts) > 1 and inner and first.kernel > 1:
        return False, f"{len(reads.parts)} groups of phases share the columns, the first axis as it is"
    terms = sizes.channels * inner_taps(reads.axes)
    decided, because = why_unfolded(first, terms, sizes.filters, sizes.groups, limits)
    columns, few = _columns(reads, sizes), limits.few_columns * sizes.filters
    if not decided and first.kernel > 1 and sizes.is_kernel_run and columns < few:
        return True, f"{columns} columns are fewer than {few}, and the kernel is one factor as it is stored"
    return decided, because


def _columns(reads: Reads, sizes: Sizes) -> int:
    return sizes.samples * math.prod(axis.coarse for axis in reads.axes)


@dataclass(frozen=True)
class _Cut:
    """What the spans follow from."""

    reads: Reads
    sizes: Sizes
    wanted: int
    limits: Limits

    @functools.cached_property
    def stacked(self) -> int:
        """Outputs whose kernels are stacked in one factor, at most."""
        return max(len(part.outputs) for part in self.reads.parts)

    @functools.cached_property
    def gathered(self) -> int:
        """Bytes of one column, per channel."""
        return inner_taps(self.reads.axes) * self.sizes.itemsize

    @functools.cached_property
    def channels_first(self) -> bool:
        """Whether the kernel is a factor as it is stored."""
        return len(self.reads.parts) == 1 and self.reads.axes[0].kernel == 1 and self.sizes.is_kernel_run

    @functools.cached_property
    def kernel_bytes(self) -> int:
        """Bytes of the largest part's kernels."""
        taps = max(len(part.outputs) * math.prod(part.counts) for part in self.reads.parts)
        return taps * self.sizes.groups * self.sizes.filters * self.sizes.channels * self.sizes.itemsize

    @functools.cached_property
    def keeps_factors(self) -> bool:
        """Whether the kernel is in the order to multiply in before the first task."""
        return self.channels_first or self.kernel_bytes <= self.limits.kept_kernel

    def plan(self, because: str) -> CorrelationPlan:
        """Return the plan, with the reason for its axes."""
        limits, sizes, parts = self.limits, self.sizes, self.reads.parts
        boxes = tiles(sizes.samples, self.reads.axes, self.most_columns(), limits)
        shape = largest_shape(boxes)
        fitting = limits.product // (self.stacked * math.prod(shape) * sizes.itemsize)
        gathered = math.prod(shape) * self.gathered
        groups = spans(
            sizes.groups, min(limits.gathered // (sizes.channels * gathered), fitting // sizes.filters)
        )
        shared = self.shared(len(boxes) * len(groups))
        part_spans = spans(len(parts), -(-len(parts) // shared))
        most = -(-sizes.filters // shared) if len(part_spans) == 1 else sizes.filters
        if not self.keeps_factors:  # each task copies a factor
            most = min(most, limits.product // (self.stacked * sizes.channels * self.gathered))
        most = min(most, fitting)
        is_odd = len(boxes) * len(groups) * len(part_spans) % 2
        filters = in_pairs(sizes.filters, most, limits) if is_odd else spans(sizes.filters, most)
        channels = spans(sizes.channels, limits.gathered // (longest(groups) * gathered))
        return CorrelationPlan(
            reads=self.reads,
            because=because,
            channels_first=self.channels_first,
            keeps_factors=self.keeps_factors,
            shares_copy=self.kernel_bytes >= limits.shared_copy,
            has_views=sizes.is_source_run and are_views(self.reads.axes, boxes),
            tiles=boxes,
            groups=groups,
            parts=part_spans,
            filters=filters,
            channels=channels,
            itemsize=sizes.itemsize,
        )

    def shared(self, apart: int) -> int:
        """Return among how many tasks the parts or the filters of a tile are divided.

        Each of them gathers the columns anew, so that there are no more than leave each enough filters; but
        two where there is a single tile.
        """
        most = max(self.sizes.filters // self.limits.fewest_filters, 2 if apart == 1 else 1)
        return min(-(-self.wanted // apart), most)

    def most_columns(self) -> int:
        """Return the columns of a tile: fewer than is best where there would be too few tasks."""
        limits, sizes = self.limits, self.sizes
        columns = _columns(self.reads, sizes)
        summed = min(self.stacked * sizes.filters, limits.most_stacked) * sizes.itemsize
        together = sizes.channels * self.gathered + self.stacked * sizes.filters * sizes.itemsize
        most = min(
            max(limits.columns, limits.small_tile // together),
            max(-(-columns // self.wanted), limits.fewest_columns),
            limits.product // max(self.gathered, summed),
        )
        whole = limits.gathered // (sizes.channels * self.gathered)
        if whole >= limits.fewest_whole and self.keeps_factors:
            most = min(most, whole)
        if sizes.filters < limits.few_filters and self.wanted > 1:
            most = min(most, -(-columns // 2))
        return max(most, 1)
