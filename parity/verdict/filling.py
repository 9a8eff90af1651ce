"""Padding that holds elements of the input: the input made longer by them, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from convmm.geometry import Geometry
from convmm.reference.compensated import DoubleDouble
from parity.cases.arrays import Array
from parity.cases.case import ZEROS

Places = NDArray[np.intp]


def places(size: int, before: int, after: int, mode: str) -> Places:
    """Return which element of an axis each place reads that lies up to so far before and after it.

    Args:
        size: elements of the axis, at least 1 where there are places outside of it.
        before: places before the axis; less than 0, as many elements are left out.
        after: places after it, likewise.
        mode: "reflect", "replicate" or "circular".
    """
    wanted = np.arange(-before, max(size + after, -before))
    if mode == "replicate":
        return np.clip(wanted, 0, max(size - 1, 0))
    if mode == "circular":
        return wanted % max(size, 1)
    period = max(2 * (size - 1), 1)
    within = wanted % period
    return np.asarray(np.minimum(within, period - within) if size > 1 else 0 * within)


def filled(x: Array, geometry: Geometry, mode: str) -> tuple[Array, Geometry]:
    """Return the input with all that a convolution of this geometry reads, and the geometry on it.

    Args:
        x: (N, C, *spatial).
        geometry: whose padding, before and after, is filled.
        mode: a padding mode; of zeros both are returned as they are.
    """
    if not is_filled(geometry, mode):
        return x, geometry
    for number, each in enumerate(_places(geometry, mode), 2):
        x = x.take(each, axis=number)
    return x, inside(geometry, mode)


def inside(geometry: Geometry, mode: str) -> Geometry:
    """Return the geometry on the longer input, which has no padding; the same one where that is of zeros."""
    if not is_filled(geometry, mode):
        return geometry
    axes = (replace(axis, fine=max(axis.full, 0), before=0) for axis in geometry.axes)
    return replace(geometry, axes=tuple(axes))


def folded(dx: DoubleDouble, geometry: Geometry, mode: str) -> DoubleDouble:
    """Return the sums of what each element of the input was read as: the transpose of :func:`filled`.

    Args:
        dx: by the longer input, (N, C, *spatial).
        geometry: of the convolution on the input itself.
        mode: a padding mode.
    """
    if not is_filled(geometry, mode):
        return dx
    for number, (axis, each) in enumerate(zip(geometry.axes, _places(geometry, mode), strict=True), 2):
        dx = _folded_on_axis(dx, number, axis.fine, each)
    return dx


def _folded_on_axis(dx: DoubleDouble, number: int, size: int, reads: Places) -> DoubleDouble:
    """Add up, for each element of an axis, the places that read it: all first ones, then all second ones."""
    high, low = (np.moveaxis(each, number, 0) for each in dx)
    total = DoubleDouble(np.zeros((size, *high.shape[1:])), np.zeros((size, *high.shape[1:])))
    order = np.argsort(reads, kind="stable")
    _, firsts, counts = np.unique(reads[order], return_index=True, return_counts=True)
    for time in range(counts.max(initial=0)):
        chosen = order[firsts[counts > time] + time]
        own = reads[chosen]
        sums = DoubleDouble(total.high[own], total.low[own]).plus(high[chosen]).plus(low[chosen])
        total.high[own], total.low[own] = sums
    return DoubleDouble(*(np.moveaxis(each, 0, number) for each in total))


def is_filled(geometry: Geometry, mode: str) -> bool:
    """Return whether a convolution of this geometry reads padding that holds elements of the input."""
    return mode != ZEROS and any(axis.before > 0 or axis.after > 0 for axis in geometry.axes)


def _places(geometry: Geometry, mode: str) -> Sequence[Places]:
    return [places(axis.fine, axis.before, axis.after, mode) for axis in geometry.axes]
