"""The planner: which route a call takes, and why."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from convmm.fast.plan.call import Call
from convmm.fast.plan.correlation import CorrelationPlan, Sizes, plan_correlation
from convmm.fast.plan.limits import LIMITS, Limits
from convmm.fast.plan.memory import cast_bytes, factor_bytes, partial_bytes, whole_bytes
from convmm.fast.plan.patches import PatchPlan, are_patches, plan_patches
from convmm.fast.plan.phases import Reads, by_phase, leave_gaps, single
from convmm.fast.plan.scatter import ScatterPlan, compare_scatter, plan_scatter
from convmm.fast.plan.tiles import Tile, largest_shape, longest
from convmm.fast.plan.weights import WeightPlan, plan_weights

Route = Literal["whole", "tiles", "phases", "scatter", "patches", "weights"]
"""What is done: one product over the whole problem; unfold tile by tile and multiply; the same once for each
remainder by the stride; multiply and add at each tap; multiply and put in order; unfold tile by tile and
multiply with the other grid."""


@dataclass(frozen=True)
class CorrelationPlans:
    """The correlations that together write an output.

    Attributes:
        each: their plans.
        has_gaps: whether some elements of the output are in none of them.
    """

    each: tuple[CorrelationPlan, ...]
    has_gaps: bool = False

    @property
    def tasks(self) -> int:
        """Number of tasks."""
        return sum(plan.tasks for plan in self.each)

    @property
    def scratch(self) -> int:
        """Bytes of the arrays that one thread uses: each is as large as the largest task needs it."""
        return sum(map(max, zip(*(plan.arrays for plan in self.each), strict=True)))


Cut = CorrelationPlans | ScatterPlan | PatchPlan | WeightPlan


@dataclass(frozen=True)
class Plan:
    """How a call is computed: all that is decided about it. The number of threads decides nothing of it.

    Attributes:
        call: what is computed.
        route: what is done.
        because: the reasons for the route and for what is unfolded, with the numbers compared.
        unfolded: the spatial axes, from 0 on, whose taps are unfolded into terms of one product.
        tile: (samples, *places) of the coarse grid that one task computes at a time, at most.
        tasks: independent tasks that threads can share.
        scratch: bytes of the arrays that one thread uses beside inputs and result.
        shared: bytes of those that all threads use together: copies of the kernel, partial sums.
        cut: the tasks; None for the whole problem at once.
    """

    call: Call
    route: Route
    because: tuple[str, ...]
    unfolded: tuple[int, ...]
    tile: tuple[int, ...]
    tasks: int
    scratch: int
    shared: int
    cut: Cut | None


@functools.lru_cache(maxsize=128)
def plan_for(call: Call, limits: Limits = LIMITS) -> Plan:
    """Decide how a call is computed: a pure function of the two."""
    because = f"{call.work:,} operations are more than {limits.small_work:,}: in tiles that fit the caches"
    if is_whole(call.work, limits):
        return _whole(call, limits)
    if call.sum == "correlate":
        return _correlations(call, "tiles", (because,), [single(call.geometry.axes)], limits)
    if call.sum == "spread":
        return _spread(call, because, limits)
    return _weights(call, because, limits)


def is_whole(work: int, limits: Limits) -> bool:
    """Return whether a call of so many floating point operations is one product over the whole problem.

    Of none there is nothing to cut: a size is 0.
    """
    return work <= max(limits.small_work, 0)


def wanted_tasks(work: int, limits: Limits) -> int:
    """Return how many tasks so many floating point operations are worth."""
    few = min(work // limits.work_of_a_task, limits.few_tasks)
    return max(few, work // limits.work_of_many, 1)


def _whole(call: Call, limits: Limits) -> Plan:
    geometry = call.geometry
    because = f"{call.work:,} operations are at most {limits.small_work:,}: one product, not worth tiles"
    axes = () if call.sum == "spread" else tuple(range(len(geometry.axes)))
    tile = (call.samples, *geometry.coarse)
    return Plan(call, "whole", (because,), axes, tile, 1, whole_bytes(call), 0, None)


def _spread(call: Call, because: str, limits: Limits) -> Plan:
    axes = call.geometry.axes
    if are_patches(axes) and axes[-1].kernel >= limits.shortest_row:
        kernel, row = call.geometry.kernel, axes[-1].kernel
        fits = f"kernel {kernel} at the same stride, in rows of {row} taps, at least {limits.shortest_row}"
        patches = plan_patches(call, wanted_tasks(call.work, limits), limits)
        return _plan(call, "patches", (because, fits), patches.tiles, patches)
    scattered, phases = compare_scatter(call, limits)
    compared = f"{scattered:,.0f} ns per place to scatter products, {phases:,.0f} ns to unfold phases"
    if scattered < phases and call.result == call.working:
        scatter = plan_scatter(call, wanted_tasks(call.work, limits), limits)
        tile = (longest(scatter.samples), scatter.rows, *call.geometry.coarse[1:])
        return Plan(
            call, "scatter", (because, compared), (), tile, scatter.tasks, scatter.scratch, 0, scatter
        )
    if scattered < phases:
        compared += f", but sums of {call.working} are no results of {call.result}"
    return _correlations(call, "phases", (because, compared), by_phase(axes), limits)


def _correlations(
    call: Call, route: Route, because: tuple[str, ...], each: Sequence[Reads], limits: Limits
) -> Plan:
    """Share the tasks that the work is worth among correlations, by their parts of it."""
    sizes, total = Sizes.of(call), sum(reads.terms for reads in each)
    wanted = wanted_tasks(call.work, limits)
    plans = tuple(
        plan_correlation(reads, sizes, -(-wanted * reads.terms // total), limits)
        for reads in each
        if reads.terms
    )
    cut = CorrelationPlans(plans, has_gaps=route == "phases" and leave_gaps(call.geometry.axes))
    reasons = (*because, *dict.fromkeys(plan.because for plan in plans))
    largest = max(plans, key=lambda plan: math.prod(largest_shape(plan.tiles)), default=None)
    unfolded = () if largest is None else _unfolded(call, is_all=largest.reads.is_unfolded)
    return _plan(call, route, reasons, [] if largest is None else largest.tiles, cut, unfolded)


def _weights(call: Call, because: str, limits: Limits) -> Plan:
    cut = plan_weights(call, wanted_tasks(call.work, limits), limits)
    reasons = (because, cut.because)
    return _plan(call, "weights", reasons, cut.tiles, cut, _unfolded(call, is_all=cut.is_unfolded))


def _unfolded(call: Call, *, is_all: bool) -> tuple[int, ...]:
    return tuple(range(0 if is_all else 1, len(call.geometry.axes)))


def _plan(
    call: Call,
    route: Route,
    because: tuple[str, ...],
    tiles: Sequence[Tile],
    cut: Cut,
    unfolded: tuple[int, ...] = (),
) -> Plan:
    rows, samples, *inner = largest_shape(tiles) if tiles else (0, 0)
    places = (rows, *inner)[-len(call.geometry.axes) :]  # without the axis of size 1
    tile = (samples, *places)
    return Plan(call, route, because, unfolded, tile, cut.tasks, cut.scratch, _shared(call, cut), cut)


def _shared(call: Call, cut: Cut) -> int:
    shared = cast_bytes(call)
    if isinstance(cut, CorrelationPlans):
        shared += sum(factor_bytes(plan, call) for plan in cut.each)
    if isinstance(cut, WeightPlan):
        shared += partial_bytes(call, len(cut.chunks))
    return shared
