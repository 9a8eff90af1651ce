"""The three sums behind both operations and their gradients.

A convolution, its input gradient and its weight gradient sum the same products of a fine element, a
coarse element and a kernel tap, each over another of the three; so do the transposed convolution's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.arithmetic import Dtypes
from convmm.fast.correlation import Correlation, tasks_of
from convmm.fast.patches import Patches, are_patches
from convmm.fast.phases import correlations
from convmm.fast.scatter import Scattering
from convmm.fast.threads import run
from convmm.fast.weights import WeightCorrelation
from convmm.geometry import Geometry
from convmm.reference import plain
from convmm.unfold import im2col

Array = NDArray[Any]


# Floating point operations up to which the whole problem is one product, and not worth tiles: measured.
SMALL = 200_000


def correlate(x: Array, w: Array, bias: Array | None, geometry: Geometry, dtypes: Dtypes) -> Array:
    """From the fine grid to the coarse: (N, fine_channels, *fine) to (N, coarse_channels, *coarse)."""
    if _work(x, geometry) <= SMALL:
        return _plainly(plain.correlate, (x, w), bias, geometry, dtypes)
    out = np.empty((len(x), geometry.coarse_channels, *geometry.coarse), dtypes.result)
    kernel = by_group(dtypes.cast(w), geometry, 0)
    start = _bias(bias, geometry, dtypes)
    correlation = Correlation.of(by_group(x, geometry), kernel, start, geometry.axes, by_group(out, geometry))
    run(correlation.tasks(), _work(x, geometry))
    return out


def spread(y: Array, w: Array, bias: Array | None, geometry: Geometry, dtypes: Dtypes) -> Array:
    """From the coarse grid to the fine, by the transposed matrix of :func:`correlate`."""
    if _work(y, geometry) <= SMALL:
        return _plainly(plain.spread, (y, w), bias, geometry, dtypes)
    out = np.empty((len(y), geometry.fine_channels, *geometry.fine), dtypes.result)
    kernel = by_group(dtypes.cast(w), geometry, 0)  # (groups, channels, filters, *kernel)
    values, written = by_group(y, geometry), by_group(out, geometry)
    start = _bias(bias, geometry, dtypes)
    if are_patches(geometry.axes):
        plan = Patches(values, kernel, start, written, geometry.axes).tasks()
    elif dtypes.result == dtypes.working and _scatters(kernel.shape, len(y), geometry):
        plan = Scattering(values, kernel, start, geometry.axes, written).tasks()
    else:
        parts = correlations(values, kernel.swapaxes(1, 2), start, geometry.axes, written)
        plan = tasks_of(list(parts))
    run(plan, _work(y, geometry))
    return out


def correlate_weights(x: Array, y: Array, geometry: Geometry, dtypes: Dtypes) -> Array:
    """From both grids to the kernel: the sums over samples and positions of ``y`` with what each tap reads.

    Args:
        x: on the fine grid, (N, fine_channels, *fine).
        y: on the coarse grid, (N, coarse_channels, *coarse).
        geometry: joins the two.
        dtypes: to compute in, and to return.

    Returns:
        (coarse_channels, fine_channels/groups, *kernel)
    """
    if _work(y, geometry) <= SMALL:
        return _plainly(_weights_of_small, (x, y), None, geometry, dtypes)
    shape = (geometry.coarse_channels, geometry.fine_channels // geometry.groups, *geometry.kernel)
    out = np.zeros(shape, dtypes.working)
    fine, coarse = by_group(x, geometry), by_group(y, geometry)
    WeightCorrelation(fine, coarse, geometry.axes, by_group(out, geometry, 0)).run()
    return out.astype(dtypes.result, copy=False)


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


def _work(samples: Array, geometry: Geometry) -> int:
    """Floating point operations of any of the three sums."""
    places = len(samples) * math.prod(geometry.coarse)
    return (
        2
        * places
        * geometry.coarse_channels
        * geometry.fine_channels
        // geometry.groups
        * math.prod(geometry.kernel)
    )


def _scatters(kernel: tuple[int, ...], samples: int, geometry: Geometry) -> bool:
    """Whether one product and scattered additions take less time than correlations for the phases.

    Both multiply as much. Beside that the one adds each product to its sum, and copies the sums; the other
    copies what the taps read, its kernels and its results, and multiplies more slowly by few filters. The
    numbers are nanoseconds for each place of the coarse grid, fitted to the times of both routes, in float64,
    over the layers of the speed benchmark.
    """
    _, channels, filters, _, *inner = kernel
    taps, written = math.prod(kernel[3:]), filters * math.prod(geometry.stride)
    places = max(samples * math.prod(geometry.coarse), 1)
    adding = 0.7 if samples < geometry.coarse[-1] else 0.4  # in longer runs, see unfold.split_places
    added = adding * filters * taps + 1.2 * written
    unfolded = min(inner[-1], -(-inner[-1] // geometry.stride[-1]) + 1) if inner else 1
    slower = 0.002 * channels * filters * taps * max(64 / filters - 1, 0)
    copied = 0.2 * channels * unfolded + 0.8 * channels * filters * taps / places + 0.5 * written
    return added < slower + copied


def by_group(array: Array, geometry: Geometry, axis: int = 1) -> Array:
    """The array with its channels split into (groups, channels of each), a view."""
    shape = array.shape
    each = shape[axis] // geometry.groups
    return array.reshape(*shape[:axis], geometry.groups, each, *shape[axis + 1 :])


def _bias(bias: Array | None, geometry: Geometry, dtypes: Dtypes) -> Array | None:
    return None if bias is None else dtypes.cast(bias).reshape(geometry.groups, -1)
