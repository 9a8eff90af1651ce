"""The three sums behind both operations and their gradients: allocate, plan, carry out.

A convolution, its input gradient and its weight gradient sum the same products of a fine element, a
coarse element and a kernel tap, each over another of the three; so do the transposed convolution's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.arithmetic import Dtypes
from convmm.fast.kernels.correlation import Correlation
from convmm.fast.kernels.patches import Patches
from convmm.fast.kernels.scatter import Scattering
from convmm.fast.kernels.weights import WeightCorrelation
from convmm.fast.plan import LIMITS, Call, Limits, Plan, Sum, is_whole, plan_for, work_of
from convmm.fast.plan.patches import PatchPlan
from convmm.fast.plan.routes import CorrelationPlans
from convmm.fast.plan.scatter import ScatterPlan
from convmm.fast.plan.weights import WeightPlan
from convmm.fast.threads import Schedule, merged, run
from convmm.geometry.grids import Geometry
from convmm.reference import plain
from convmm.unfold import im2col

Array = NDArray[Any]


def correlate(
    x: Array, w: Array, bias: Array | None, geometry: Geometry, dtypes: Dtypes, limits: Limits = LIMITS
) -> Array:
    """Sum from the fine grid to the coarse.

    Args:
        x: on the fine grid, (N, fine_channels, *fine).
        w: kernel, (coarse_channels, fine_channels/groups, *kernel).
        bias: (coarse_channels,), or None.
        geometry: joins the two grids.
        dtypes: to compute in, and to return.
        limits: for the planner.

    Returns:
        On the coarse grid, (N, coarse_channels, *coarse).
    """
    if is_whole(work_of(geometry, len(x)), limits):
        return _plainly(plain.correlate, (x, w), bias, geometry, dtypes)
    out = np.empty((len(x), geometry.coarse_channels, *geometry.coarse), dtypes.result)
    kernel = dtypes.cast(w)
    carry_out(
        plan_for(call_of("correlate", x, kernel, geometry, dtypes), limits), x, kernel, bias, out, limits
    )
    return out


def spread(
    y: Array, w: Array, bias: Array | None, geometry: Geometry, dtypes: Dtypes, limits: Limits = LIMITS
) -> Array:
    """Sum from the coarse grid to the fine, by the transposed matrix of :func:`correlate`.

    Args:
        y: on the coarse grid, (N, coarse_channels, *coarse).
        w: kernel, (coarse_channels, fine_channels/groups, *kernel).
        bias: (fine_channels,), or None.
        geometry: joins the two grids.
        dtypes: to compute in, and to return.
        limits: for the planner.

    Returns:
        On the fine grid, (N, fine_channels, *fine).
    """
    if is_whole(work_of(geometry, len(y)), limits):
        return _plainly(plain.spread, (y, w), bias, geometry, dtypes)
    out = np.empty((len(y), geometry.fine_channels, *geometry.fine), dtypes.result)
    kernel = dtypes.cast(w)
    carry_out(plan_for(call_of("spread", y, kernel, geometry, dtypes), limits), y, kernel, bias, out, limits)
    return out


def correlate_weights(
    x: Array, y: Array, geometry: Geometry, dtypes: Dtypes, limits: Limits = LIMITS
) -> Array:
    """Sum from both grids to the kernel: over samples and positions, ``y`` with what each tap reads.

    Args:
        x: on the fine grid, (N, fine_channels, *fine).
        y: on the coarse grid, (N, coarse_channels, *coarse).
        geometry: joins the two.
        dtypes: to compute in, and to return.
        limits: for the planner.

    Returns:
        (coarse_channels, fine_channels/groups, *kernel)
    """
    if is_whole(work_of(geometry, len(y)), limits):
        return _plainly(_weights_of_small, (x, y), None, geometry, dtypes)
    shape = (geometry.coarse_channels, geometry.fine_channels // geometry.groups, *geometry.kernel)
    out = np.empty(shape, dtypes.working)
    plan = plan_for(call_of("correlate_weights", x, None, geometry, dtypes), limits)
    carry_out(plan, x, y, None, out, limits)
    return out.astype(dtypes.result, copy=False)


def call_of(which: Sum, source: Array, kernel: Array | None, geometry: Geometry, dtypes: Dtypes) -> Call:
    """Return what the planner is told.

    Args:
        which: the sum.
        source: the array that is unfolded: on the fine grid, or of a spread on the coarse one.
        kernel: of the dtype to compute in; None where it is what is computed.
        geometry: joins the two grids.
        dtypes: to compute in, and to return.
    """
    is_source_run = source.dtype == dtypes.working and bool(source[0, 0].flags.c_contiguous)
    is_kernel_run = kernel is None or bool(kernel[0].flags.c_contiguous)
    return Call(which, geometry, len(source), dtypes.working, dtypes.result, is_kernel_run, is_source_run)


def carry_out(
    plan: Plan, a: Array, b: Array, bias: Array | None, out: Array, limits: Limits = LIMITS
) -> None:
    """Do what a plan says; it is not one for the whole problem at once.

    Args:
        plan: to carry out.
        a: the array that is unfolded: on the fine grid, or of a spread on the coarse one.
        b: the kernel, in the dtype to compute in; of a weight gradient, the array on the coarse grid.
        bias: one value per output channel, or None.
        out: to write, of the plan's dtype of results; of the one to compute in for a weight gradient.
        limits: say what is worth threads.
    """
    geometry, cut = plan.call.geometry, plan.cut
    start = None if bias is None else bias.astype(plan.call.working).reshape(geometry.groups, -1)
    source = _by_group(a, geometry)
    if isinstance(cut, WeightPlan):
        gradient = WeightCorrelation(cut, source, _by_group(b, geometry), _by_group(out, geometry, 0))
        run(gradient.schedule(), plan.call.work, limits)
        gradient.add_up()
        return
    kernel, written = _by_group(b, geometry, 0), _by_group(out, geometry)
    if isinstance(cut, PatchPlan):
        schedule = Patches(cut, source, kernel, start, written).schedule()
    elif isinstance(cut, ScatterPlan):
        schedule = Scattering(cut, source, kernel, start, geometry.axes, written).schedule()
    else:
        schedule = _correlations(cut, plan.call, source, kernel, start, written)
    run(schedule, plan.call.work, limits)


def _correlations(
    cut: CorrelationPlans | None, call: Call, source: Array, kernel: Array, bias: Array | None, out: Array
) -> Schedule:
    plans = CorrelationPlans(()) if cut is None else cut
    if plans.has_gaps:
        out[...] = 0 if bias is None else bias.reshape(*bias.shape, *(1 for _ in call.geometry.axes))
    w = kernel.swapaxes(1, 2) if call.sum == "spread" else kernel  # (groups, filters, channels, *kernel)
    return merged(Correlation(plan, source, w, bias, out).schedule() for plan in plans.each)


def _weights_of_small(x: Array, y: Array, geometry: Geometry) -> Array:
    """Sum both grids over all places as one product per sample and group, (filters, terms)."""
    columns = im2col(x, geometry)
    values = y.reshape(*columns.shape[:2], geometry.coarse_channels // geometry.groups, columns.shape[3])
    products: Array = (values @ columns.swapaxes(2, 3)).sum(axis=0)
    return products.reshape(
        geometry.coarse_channels, geometry.fine_channels // geometry.groups, *geometry.kernel
    )


def _plainly(
    kernel: Callable[[Array, Array, Geometry], Array],
    operands: tuple[Array, Array],
    bias: Array | None,
    geometry: Geometry,
    dtypes: Dtypes,
) -> Array:
    first, second = operands
    with np.errstate(over="ignore", invalid="ignore"):  # infinities and NaN are IEEE results, not accidents
        out = kernel(dtypes.cast(first), dtypes.cast(second), geometry)
        if bias is not None:
            out = out + dtypes.cast(bias).reshape(len(bias), *(1 for _ in geometry.axes))
        return out.astype(dtypes.result, copy=False)


def _by_group(array: Array, geometry: Geometry, axis: int = 1) -> Array:
    """Return the array with its channels split into (groups, channels of each), a view."""
    shape = array.shape
    each = shape[axis] // geometry.groups
    return array.reshape(*shape[:axis], geometry.groups, each, *shape[axis + 1 :])
