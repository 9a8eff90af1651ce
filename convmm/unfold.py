"""Moving elements without computing: the pieces that both operations are put together from.

All functions take arrays of shape (N, C, *spatial) and leave them as they are; "spatial" means the axes
from the third on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from convmm.geometry.grids import Geometry

T = TypeVar("T", bound=np.generic)


def spatial(slices: Iterable[slice]) -> tuple[Any, ...]:
    """Return an index with these slices for the last axes, the spatial ones."""
    return (..., *slices)


def window(x: NDArray[T], start: Sequence[int], size: Sequence[int]) -> NDArray[T]:
    """Return the elements from ``start`` on, ``size`` of them per spatial axis, and 0 outside of ``x``.

    This one operation is padding, where the window reaches beyond the array, and cropping, where it does
    not reach its ends. It copies only when it pads.
    """
    if x.shape[2:] == tuple(size) and not any(start):
        return x
    spans = [(max(b, 0), max(min(b + m, n), 0)) for n, b, m in zip(x.shape[2:], start, size, strict=True)]
    kept: NDArray[T] = x[spatial(slice(low, max(low, high)) for low, high in spans)]
    if kept.shape[2:] == tuple(size):
        return kept
    out = np.zeros((*x.shape[:2], *size), x.dtype)
    first = [min(max(-b, 0), m) for b, m in zip(start, size, strict=True)]
    out[spatial(slice(f, f + n) for f, n in zip(first, kept.shape[2:], strict=True))] = kept
    return out


def insert_zeros(x: NDArray[T], stride: Sequence[int]) -> NDArray[T]:
    """Insert ``stride - 1`` zeros between neighbours: (n - 1) * stride + 1 elements per axis that has any."""
    sizes = [max((n - 1) * s + 1, 0) for n, s in zip(x.shape[2:], stride, strict=True)]
    out = np.zeros((*x.shape[:2], *sizes), x.dtype)
    out[spatial(slice(None, None, s) for s in stride)] = x
    return out


def tap_view(
    x: NDArray[T],
    taps: Sequence[int],
    dilation: Sequence[int],
    places: Sequence[int],
    stride: Sequence[int],
) -> NDArray[T]:
    """Return what each kernel tap reads at each place, (N, C, *taps, *places), as a read-only view.

    The spatial axes, as many as there are taps, hold all that is read: (places - 1) * stride + extent.
    """
    first = x.ndim - len(taps)
    kept, steps = x.strides[:first], x.strides[first:]
    tap_steps = (step * d for step, d in zip(steps, dilation, strict=True))
    place_steps = (step * s for step, s in zip(steps, stride, strict=True))
    shape, strides = (*x.shape[:first], *taps, *places), (*kept, *tap_steps, *place_steps)
    if not x.flags.c_contiguous:
        return as_strided(x, shape, strides, writeable=False)
    view: NDArray[T] = np.ndarray(shape, x.dtype, x.data, 0, strides)  # the same, in a sixth of the time
    view.flags.writeable = False
    return view


def im2col(x: NDArray[T], geometry: Geometry) -> NDArray[T]:
    """Gather what each kernel tap reads at each place: one matrix per sample and group.

    Args:
        x: on the fine grid, (N, fine_channels, *fine).
        geometry: joins the fine grid to the coarse one.

    Returns:
        (N, groups, channels of a group * taps, places)
    """
    padded = window(x, [-before for before in geometry.before], geometry.full)
    view = tap_view(padded, geometry.kernel, geometry.dilation, geometry.coarse, geometry.stride)
    terms = geometry.fine_channels // geometry.groups * math.prod(geometry.kernel)
    return view.reshape(len(x), geometry.groups, terms, math.prod(geometry.coarse))
