"""The three sums written to be read: one product over the whole problem, or one per tap.

The convolution gathers what each tap reads and multiplies (im2col), the transposed convolution multiplies
and adds up what each tap says (col2im), and the weight gradient multiplies, tap by tap, what that tap reads
with the output's gradient. Arrays keep their dtype, which is the one that is computed in.

Where a geometry pads with elements of the input, that is extended first, and the gradient by it folded last.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.extension import extend, fold
from convmm.geometry.grids import Axis, Geometry
from convmm.unfold import im2col, spatial, window

Array = NDArray[Any]


def correlate(x: Array, w: Array, geometry: Geometry) -> Array:
    """Sum from the fine grid to the coarse: what a convolution computes.

    Args:
        x: on the fine grid, (N, fine_channels, *fine).
        w: kernel, (coarse_channels, fine_channels/groups, *kernel), of the same dtype.
        geometry: joins the two grids.

    Returns:
        On the coarse grid, (N, coarse_channels, *coarse), of the same dtype.
    """
    columns = im2col(extend(x, geometry), geometry.extended)
    products: Array = w.reshape(geometry.groups, len(w) // geometry.groups, columns.shape[2]) @ columns
    return products.reshape(len(x), geometry.coarse_channels, *geometry.coarse)


def spread(y: Array, w: Array, geometry: Geometry) -> Array:
    """Sum from the coarse grid to the fine, by the transposed matrix of :func:`correlate`.

    Args:
        y: on the coarse grid, (N, coarse_channels, *coarse).
        w: kernel, (coarse_channels, fine_channels/groups, *kernel), of the same dtype.
        geometry: joins the two grids.

    Returns:
        On the fine grid, (N, fine_channels, *fine), of the same dtype.
    """
    grids = geometry.extended
    matrix = w.reshape(geometry.groups, len(w) // geometry.groups, math.prod(w.shape[1:])).swapaxes(1, 2)
    columns = matrix @ y.reshape(len(y), geometry.groups, matrix.shape[2], math.prod(geometry.coarse))
    columns = columns.reshape(len(y), geometry.fine_channels, math.prod(geometry.kernel), *geometry.coarse)
    response = np.zeros((len(y), geometry.fine_channels, *grids.full), columns.dtype)
    by_channel = response.swapaxes(0, 1)
    for places, products in zip(_places_per_tap(grids.axes), columns.swapaxes(0, 2), strict=True):
        reached = by_channel[places]
        reached += products
    return fold(window(response, grids.before, grids.fine), geometry)


def correlate_weights(fine: Array, coarse: Array, geometry: Geometry) -> Array:
    """Sum from both grids to the kernel: the gradient by the weights, one product per tap and sample.

    ``w[o, c, i] = sum over n, t of coarse[n, o, t] * fine[n, c, t*stride + i*dilation - before]``, with
    the geometry's padding outside of ``fine``; o and c run over the channels of one group.

    Args:
        fine: on the fine grid, (N, fine_channels, *fine).
        coarse: on the coarse grid, (N, coarse_channels, *coarse), of the same dtype.
        geometry: joins the two grids.

    Returns:
        (coarse_channels, fine_channels/groups, *kernel), of the same dtype.
    """
    samples, places = len(fine), math.prod(geometry.coarse)
    filters = geometry.coarse_channels // geometry.groups
    channels = geometry.fine_channels // geometry.groups
    values = coarse.reshape(samples, geometry.groups, filters, places)
    grids = geometry.extended
    padded = window(extend(fine, geometry), [-before for before in grids.before], grids.full)
    taps = []
    for read in _places_per_tap(geometry.axes):
        factor = padded[read].reshape(samples, geometry.groups, channels, places)
        taps.append((values @ factor.swapaxes(2, 3)).sum(axis=0))
    return np.stack(taps, axis=-1).reshape(geometry.coarse_channels, channels, *geometry.kernel)


@functools.lru_cache(maxsize=16)
def _places_per_tap(axes: tuple[Axis, ...]) -> list[tuple[Any, ...]]:
    """Return per tap, in the kernel's order, the index in the full response of what it joins to places."""
    return list(map(spatial, itertools.product(*map(_places_per_tap_of_axis, axes))))


def _places_per_tap_of_axis(axis: Axis) -> list[slice]:
    last = (axis.coarse - 1) * axis.stride if axis.coarse else -1
    firsts = range(0, axis.kernel * axis.dilation, axis.dilation)
    return [slice(first, first + last + 1, axis.stride) for first in firsts]
