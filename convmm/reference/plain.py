"""The three sums, each as one product over the whole problem: for small ones, that are not worth tiles.

The convolution gathers what each tap reads and multiplies (im2col), the transposed convolution multiplies
and adds up what each tap says (col2im), the weight gradient multiplies what was gathered with the output's
gradient. All arrays are of the dtype to compute in.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.geometry import Axis, Geometry
from convmm.unfold import spatial, tap_view, window

Array = NDArray[Any]


def correlate(x: Array, w: Array, geometry: Geometry) -> Array:
    """From the fine grid to the coarse: (N, fine_channels, *fine) to (N, coarse_channels, *coarse)."""
    columns = _columns(x, geometry)
    products: Array = w.reshape(geometry.groups, -1, columns.shape[2]) @ columns
    return products.reshape(len(x), geometry.coarse_channels, *geometry.coarse)


def spread(y: Array, w: Array, geometry: Geometry) -> Array:
    """From the coarse grid to the fine, by the transposed matrix of :func:`correlate`."""
    matrix = w.reshape(geometry.groups, len(w) // geometry.groups, math.prod(w.shape[1:])).swapaxes(1, 2)
    columns = matrix @ y.reshape(len(y), geometry.groups, matrix.shape[2], math.prod(geometry.coarse))
    columns = columns.reshape(len(y), geometry.fine_channels, math.prod(geometry.kernel), *geometry.coarse)
    response = np.zeros((len(y), geometry.fine_channels, *geometry.full), columns.dtype)
    met = itertools.product(*(_met_by_taps(axis) for axis in geometry.axes))
    for places, products in zip(met, columns.swapaxes(0, 2), strict=True):
        reached = response[spatial(places)].swapaxes(0, 1)
        reached += products
    return window(response, geometry.before, geometry.fine)


def _met_by_taps(axis: Axis) -> list[slice]:
    """Where in the full response each tap meets the coarse elements."""
    last = (axis.coarse - 1) * axis.stride
    return [
        slice(first, first + last + 1, axis.stride)
        for first in range(0, axis.kernel * axis.dilation, axis.dilation)
    ]


def correlate_weights(x: Array, y: Array, geometry: Geometry) -> Array:
    """From both grids to the kernel, (coarse_channels, fine_channels/groups, *kernel)."""
    columns = _columns(x, geometry)
    values = y.reshape(*columns.shape[:2], geometry.coarse_channels // geometry.groups, columns.shape[3])
    products: Array = (values @ columns.swapaxes(2, 3)).sum(axis=0)
    return products.reshape(
        geometry.coarse_channels, geometry.fine_channels // geometry.groups, *geometry.kernel
    )


def _columns(x: Array, geometry: Geometry) -> Array:
    """What each kernel tap reads: (N, groups, channels of a group * taps, places)."""
    read = window(x, [-axis.before for axis in geometry.axes], geometry.full)
    view = tap_view(read, geometry.kernel, geometry.dilation, geometry.coarse, geometry.stride)
    terms = geometry.fine_channels // geometry.groups * math.prod(geometry.kernel)
    return view.reshape(len(x), geometry.groups, terms, math.prod(geometry.coarse))
