"""The three sums behind both operations and their gradients, as matrix products.

A convolution, its input gradient and its weight gradient sum the same products of a fine element, a
coarse element and a kernel tap, each over another of the three; so do the transposed convolution's. Every
sum is one product with a matrix of columns: what each tap reads, gathered (im2col), or what each tap adds,
scattered (col2im).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.geometry import Geometry
from convmm.unfold import patches, spatial, tap_slices, window


def correlate(x: NDArray[Any], w: NDArray[Any], geometry: Geometry) -> NDArray[Any]:
    """From the fine grid to the coarse: (N, fine_channels, *fine) to (N, coarse_channels, *coarse)."""
    batch, groups = x.shape[0], geometry.groups
    read = window(x, [-before for before in geometry.before], geometry.full)
    terms = w[0].size
    columns = patches(read, geometry).reshape(batch, groups, terms, math.prod(geometry.coarse))
    products: NDArray[Any] = w.reshape(groups, -1, terms) @ columns
    return products.reshape(batch, geometry.coarse_channels, *geometry.coarse)


def spread(y: NDArray[Any], w: NDArray[Any], geometry: Geometry) -> NDArray[Any]:
    """From the coarse grid to the fine, by the transposed matrix of :func:`correlate`."""
    batch, groups = y.shape[0], geometry.groups
    terms = w[0].size
    values = y.reshape(batch, groups, geometry.coarse_channels // groups, math.prod(geometry.coarse))
    columns = w.reshape(groups, -1, terms).swapaxes(1, 2) @ values
    columns = columns.reshape(batch, geometry.fine_channels, *geometry.kernel, *geometry.coarse)
    response = np.zeros((batch, geometry.fine_channels, *geometry.full), columns.dtype)
    for tap, met in tap_slices(geometry):
        response[spatial(met)] += columns[(slice(None), slice(None), *tap)]
    return window(response, geometry.before, geometry.fine)


def correlate_weights(x: NDArray[Any], y: NDArray[Any], geometry: Geometry) -> NDArray[Any]:
    """From both grids to the kernel: the sums over samples and positions of ``y`` with what each tap reads.

    Args:
        x: on the fine grid, (N, fine_channels, *fine).
        y: on the coarse grid, (N, coarse_channels, *coarse).
        geometry: joins the two.

    Returns:
        (coarse_channels, fine_channels/groups, *kernel)
    """
    batch, groups = x.shape[0], geometry.groups
    places, taps = math.prod(geometry.coarse), math.prod(geometry.kernel)
    read = window(x, [-before for before in geometry.before], geometry.full)
    columns = patches(read, geometry).reshape(batch, groups, geometry.fine_channels // groups * taps, places)
    values = y.reshape(batch, groups, geometry.coarse_channels // groups, places)
    products: NDArray[Any] = (values @ columns.swapaxes(-1, -2)).sum(axis=0)
    return products.reshape(
        geometry.coarse_channels, geometry.fine_channels // geometry.groups, *geometry.kernel
    )


def most_terms(geometry: Geometry) -> int:
    """Products that one element of :func:`correlate` or :func:`spread` adds up, at most."""
    channels = max(geometry.fine_channels, geometry.coarse_channels)
    return math.prod(geometry.kernel) * channels // geometry.groups
