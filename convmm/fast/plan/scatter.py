"""How a sum from the coarse grid to the fine is cut where its products are scattered: multiply, then add."""

from __future__ import annotations

import math
from dataclasses import dataclass

from convmm.fast.plan.call import Call
from convmm.fast.plan.limits import Limits
from convmm.fast.plan.tiles import halo, in_pairs, length, longest, spans


@dataclass(frozen=True)
class ScatterPlan:
    """A scattered sum cut into tasks: one per span of samples, of groups and of filters.

    Attributes:
        rows: of the coarse grid, that are multiplied at a time.
        samples: spans of the samples.
        groups: spans of the groups.
        filters: spans of one group's filters.
        scratch: bytes of the arrays that one task uses: values, products, sums, and a part of the kernel.
    """

    rows: int
    samples: list[slice]
    groups: list[slice]
    filters: list[slice]
    scratch: int

    @property
    def tasks(self) -> int:
        """Number of tasks."""
        return len(self.samples) * len(self.groups) * len(self.filters)


def compare_scatter(call: Call, limits: Limits) -> tuple[float, float]:
    """Estimate what a scattered sum and correlations of the phases take beside their multiplications.

    Both multiply as much. Beside that the one adds each product to its sum, and copies the sums; the other
    copies what the taps read, its kernels and its results, and multiplies more slowly by few filters.

    Returns:
        Nanoseconds of the scattered sum and of the phases, per place of the coarse grid.
    """
    geometry, filters, channels = call.geometry, call.fine_channels, call.coarse_channels
    taps, written = math.prod(geometry.kernel), filters * math.prod(geometry.stride)
    adding = limits.adding if call.samples < geometry.coarse[-1] else limits.adding_in_runs
    scattered = adding * filters * taps + limits.emptying * written
    last, stride = geometry.kernel[-1], geometry.stride[-1]
    unfolded = min(last, -(-last // stride) + 1) if len(geometry.axes) > 1 else 1
    slower = limits.multiplying * channels * filters * taps * max(limits.full_filters / filters - 1, 0)
    copied = limits.copying * channels * unfolded + limits.writing * written
    copied += limits.copying_kernel * channels * filters * taps / max(call.places, 1)
    return scattered, slower + copied


def plan_scatter(call: Call, wanted: int, limits: Limits) -> ScatterPlan:
    """Cut a scattered sum into tasks, as many as are wanted if that leaves each enough to do."""
    filters, itemsize, groups = call.fine_channels, call.itemsize, call.geometry.groups
    taps = math.prod(call.geometry.kernel)
    first, *inner = call.geometry.axes
    row = math.prod(axis.coarse for axis in inner)
    columns = _columns(call, limits)
    rows = min(first.coarse, max(columns // row, 1))
    together = min(call.samples, max(columns // (first.coarse * row), 1))
    summed = math.prod(axis.stride * (axis.coarse + halo(axis)) for axis in inner)
    sums = (rows + halo(first)) * first.stride * summed
    fitting = limits.product // (together * max(rows * row * taps, sums) * itemsize)
    samples = in_pairs(call.samples, together, limits)
    shared = min(-(-wanted // (len(samples) * groups)), max(filters * taps // limits.fewest_rows, 1))
    filter_spans = in_pairs(filters, min(-(-filters // shared), fitting), limits)
    group_spans = spans(groups, fitting // length(filter_spans[-1]))
    written = longest(filter_spans) * (rows * row * taps + sums)
    held = longest(samples) * (written + call.coarse_channels * rows * row)
    held += (
        longest(filter_spans) * taps * call.coarse_channels if len(filter_spans) > 1 else 0
    )  # a factor's copy
    return ScatterPlan(rows, samples, group_spans, filter_spans, longest(group_spans) * held * itemsize)


def _columns(call: Call, limits: Limits) -> int:
    """Return the places that are multiplied at a time, over all samples of a task."""
    taps = math.prod(call.geometry.kernel) * call.itemsize
    small = min(limits.small_scatter // (call.fine_channels * taps), call.places // 2)
    most = max(limits.scatter_columns * limits.columns, small)
    return min(most, limits.product // taps, limits.gathered // (call.coarse_channels * call.itemsize))
