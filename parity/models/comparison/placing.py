"""Where layers read and write: what is padded before one of two layers, or cropped behind it, is part of it.

A port may pad by a layer of its own, where the source's layer does, or crop what a larger layer gives. So two
inputs are stripped of what is padded around one of them, and two layers compute the same where the places
that one has are among the other's: what follows has to crop the rest.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmm.geometry import BorderMode
from parity.cases.arrays import Array
from parity.cases.case import ZEROS, Case
from parity.models.comparison.distance import distance

Pads = tuple[tuple[int, int], ...]

_MODES: dict[BorderMode, str] = {
    "zeros": "constant",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}
"""Padding modes, as ``np.pad`` calls them."""

_ALIKE = 1e-2
"""The distance to which two inputs are alike."""

_MOST_WAYS = 2**8
"""In which a padding may lie on the axes, of those that are tried."""


@dataclass(frozen=True)
class Padded:
    """What is padded around an input before its layer.

    Attributes:
        pads: elements before and after, on each axis.
        mode: what they hold.
    """

    pads: Pads
    mode: BorderMode = ZEROS

    def around(self, x: Array) -> Array:
        """Pad an input."""
        if not any(map(any, self.pads)):
            return x
        mode: Any = _MODES[self.mode]
        return np.asarray(np.pad(x, ((0, 0), (0, 0), *self.pads), mode))

    def within(self, x: Array) -> Array:
        """Return an input without its padding."""
        sizes = zip(self.pads, x.shape[2:], strict=True)
        inner = (slice(before, size - after) for (before, after), size in sizes)
        return x[(slice(None), slice(None), *inner)]


def padded(x: Array, other: Array, by: float) -> tuple[Padded, Padded]:
    """Return what is padded around each of two inputs, so that what is left has one shape.

    Nothing is, where no padding of the larger one explains its size. Of two of one size that are not alike,
    of which one alone has a rim of zeros, that rim is: what is left of it has another shape then.

    Args:
        x: an input, (N, C, *spatial).
        other: another one.
        by: their distance.
    """
    none = Padded(((0, 0),) * (x.ndim - 2))
    spare = [b - a for a, b in zip(x.shape[2:], other.shape[2:], strict=True)]
    if x.shape[:2] != other.shape[:2] or (not any(spare) and by < _ALIKE):
        return none, none
    if not any(spare):
        mine, its = _rim(x) or none, _rim(other) or none
        return (mine, its) if none in {mine, its} else (none, none)
    if min(spare) >= 0:
        return none, _around(other, spare, x) or none
    if max(spare) <= 0:
        return _around(x, [-each for each in spare], other) or none, none
    return none, none


def _rim(x: Array) -> Padded | None:
    """Return the rim of zeros that an input has; None of one that is all zeros."""
    pads = []
    for axis in range(2, x.ndim):
        places = np.flatnonzero(x.any(axis=tuple(each for each in range(x.ndim) if each != axis)))
        if not places.size:
            return None
        pads.append((int(places[0]), int(x.shape[axis] - 1 - places[-1])))
    return Padded(tuple(pads))


def _around(large: Array, spare: Sequence[int], small: Array) -> Padded | None:
    """Return the padding of an array that leaves the smaller one's shape: the one that leaves most of it."""
    if math.prod(each + 1 for each in spare) > _MOST_WAYS:
        return None
    ways = itertools.product(*(range(each + 1) for each in spare))
    every = [
        Padded(tuple((start, each - start) for start, each in zip(starts, spare, strict=True)), mode)
        for starts in ways
        for mode in _MODES
    ]
    fitting = [each for each in every if _fits(each, large)]
    return min(fitting, key=lambda each: distance(small, each.within(large)), default=None)


def _fits(found: Padded, large: Array) -> bool:
    inner = found.within(large)
    if not inner.size:
        return False
    try:
        return np.array_equal(found.around(inner), large)
    except ValueError:  # wider than there are elements to repeat
        return False


@dataclass(frozen=True)
class Place:
    """Which places a layer has on an axis: of the input without what is padded, or of the full response.

    Attributes:
        begin: of the first.
        step: from one to the next.
        count: of them.
    """

    begin: int
    step: int
    count: int


def places(case: Case, around: Padded) -> tuple[Place, ...]:
    """Return where a layer's outputs read, or lie in the full response, on each axis."""
    if case.transposed:
        return tuple(Place(axis.before, 1, axis.fine) for axis in case.geometry.axes)
    return tuple(
        Place(-axis.before - before, axis.stride, axis.coarse)
        for axis, (before, _) in zip(case.geometry.axes, around.pads, strict=True)
    )


def filled_with(case: Case, around: Padded) -> BorderMode | None:
    """Return what is read around an input; None of several kinds of padding, and "zeros" of none."""
    own = case.filled_with if any(map(any, case.geometry.pads)) and not case.transposed else None
    before = around.mode if any(map(any, around.pads)) else None
    kinds = {each for each in (own, before) if each is not None} or {ZEROS}
    if own is not None and before is not None and kinds != {ZEROS}:
        return None  # a padding of what is padded
    return kinds.pop()


def part(small: Sequence[Place], large: Sequence[Place]) -> tuple[slice, ...] | None:
    """Return which of the larger layer's outputs are the smaller's, as slices of the axes, or None."""
    found = []
    for a, b in zip(small, large, strict=True):
        start, rest = divmod(a.begin - b.begin, b.step)
        if rest or start < 0 or start + a.count > b.count:
            return None
        found.append(slice(start, start + a.count))
    return tuple(found)
