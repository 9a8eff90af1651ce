"""Moving elements without computing: the pieces that both operations are put together from.

All functions take arrays of shape (N, C, *spatial) and leave them as they are; "spatial" means the axes
from the third on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from convmm.geometry import Geometry

T = TypeVar("T", bound=np.generic)


def spatial(slices: Iterable[slice]) -> tuple[Any, ...]:
    """An index with these slices for the last axes, the spatial ones."""
    return (..., *slices)


def window(x: NDArray[T], start: Sequence[int], size: Sequence[int]) -> NDArray[T]:
    """The elements from ``start`` on, ``size`` of them on each spatial axis, and 0 outside of ``x``.

    This one operation is padding, where the window reaches beyond the array, and cropping, where it does
    not reach its ends. It copies only when it pads.
    """
    spans = [(max(b, 0), max(min(b + m, n), 0)) for n, b, m in zip(x.shape[2:], start, size, strict=True)]
    kept: NDArray[T] = x[spatial(slice(low, max(low, high)) for low, high in spans)]
    if kept.shape[2:] == tuple(size):
        return kept
    out = np.zeros((*x.shape[:2], *size), x.dtype)
    first = [min(max(-b, 0), m) for b, m in zip(start, size, strict=True)]
    out[spatial(slice(f, f + n) for f, n in zip(first, kept.shape[2:], strict=True))] = kept
    return out


def insert_zeros(x: NDArray[T], stride: Sequence[int]) -> NDArray[T]:
    """``x`` with ``stride - 1`` zeros between neighbours, (n - 1) * stride + 1 elements on each axis."""
    sizes = [(n - 1) * s + 1 for n, s in zip(x.shape[2:], stride, strict=True)]
    out = np.zeros((*x.shape[:2], *sizes), x.dtype)
    out[spatial(slice(None, None, s) for s in stride)] = x
    return out


def patches(x: NDArray[T], geometry: Geometry) -> NDArray[T]:
    """What each kernel tap reads, as a view of shape (N, C, *kernel, *coarse).

    ``x`` covers the full response's elements: it has the spatial sizes ``geometry.full``.
    """
    rank = len(geometry.axes)
    axes = tuple(range(2, 2 + rank))
    extents = tuple(axis.extent for axis in geometry.axes)
    every = sliding_window_view(x, extents, axis=axes)  # (N, C, *positions, *extents)
    taken: NDArray[T] = every[
        spatial(slice(None, None, step) for step in geometry.stride + geometry.dilation)
    ]
    return np.moveaxis(taken, tuple(range(2 + rank, 2 + 2 * rank)), axes)


def tap_slices(geometry: Geometry) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Each kernel tap's index, and where in the full response it meets the coarse elements."""
    for tap in np.ndindex(geometry.kernel):
        yield (
            tap,
            tuple(
                slice(i * axis.dilation, i * axis.dilation + (axis.coarse - 1) * axis.stride + 1, axis.stride)
                for i, axis in zip(tap, geometry.axes, strict=True)
            ),
        )
