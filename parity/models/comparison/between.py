"""What may run between two layers of one model and not of the other, told by what comes of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from parity.cases.arrays import Array
from parity.cases.notation import by_axes, format_shape
from parity.models.comparison.distance import distance

_NEAR = 1e-4
"""The distance to which an array explains another."""

_FEWEST = 4
"""Elements in each channel of which a factor and what is added are told: two numbers fit any two."""

_MOST_ELEMENTS = 2**24
"""Of an array of which explanations are tried."""


def explain_between(ours: Array, theirs: Array) -> str | None:
    """Say what makes ``theirs`` of ``ours``, or the other way round; None where nothing known does.

    Args:
        ours: a layer's input in the one model, (N, C, *spatial).
        theirs: the input of its like in the other.
    """
    if max(ours.size, theirs.size) > _MOST_ELEMENTS or not min(ours.size, theirs.size):
        return _shapes(ours, theirs)
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return _shapes(ours, theirs)
    if a.shape == b.shape:
        found = (each for each in _alike(a, b) if each is not None)
        return next(found, None)
    return _cropped(a, b) or _shapes(ours, theirs)


def _shapes(ours: Array, theirs: Array) -> str | None:
    if ours.shape == theirs.shape:
        return None
    return f"is {format_shape(theirs.shape)} and not {format_shape(ours.shape)}"


def _alike(a: Array, b: Array) -> Iterator[str | None]:
    for described, compute in _FUNCTIONS.items():
        if distance(compute(a), b) < _NEAR:
            yield f"is the other's after {described}: an activation that the other model has not"
        if distance(compute(b), a) < _NEAR:
            yield f"would be the other's after {described}: an activation is missing"
    yield _leaky(a, b)
    for axes in _sets(range(2, a.ndim)):
        if distance(np.flip(a, axes), b) < _NEAR:
            yield f"is the other's, flipped on {_named(axes)}"
    for order in itertools.permutations(range(1, a.ndim)):
        moved = a.transpose(0, *order)
        if order != tuple(range(1, a.ndim)) and moved.shape == b.shape and distance(moved, b) < _NEAR:
            yield f"is the other's with its axes in the order {(0, *order)}"
    yield _permuted(a, b)
    yield _scaled(a, b)
    yield _moved(a, b)


_FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "tanh": np.tanh,
    "sigmoid": lambda x: 0.5 * (1 + np.tanh(x / 2)),
    "silu": lambda x: x * 0.5 * (1 + np.tanh(x / 2)),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
}


def _sets(axes: range) -> Iterator[tuple[int, ...]]:
    for count in range(1, len(axes) + 1):
        yield from itertools.combinations(axes, count)


def _named(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0] - 2}" if len(axes) == 1 else f"axes {' and '.join(str(axis - 2) for axis in axes)}"


def _leaky(a: Array, b: Array) -> str | None:
    """Say that negative numbers alone are multiplied by a factor."""
    negative = a < 0
    if not negative.any() or negative.all() or distance(a[~negative], b[~negative]) >= _NEAR:
        return None
    below, other = a[negative], b[negative]
    slope = float(below @ other / (below @ below))
    if distance(slope * below, other) >= _NEAR:
        return None
    return f"is the other's times {slope:.4g} where that is negative: an activation of another slope"


def _permuted(a: Array, b: Array) -> str | None:
    """Say that the channels stand in another order."""
    channels = a.shape[1]
    if channels == 1:
        return None
    keys_a, keys_b = (each.swapaxes(0, 1).reshape(channels, -1) for each in (a, b))
    sums = keys_a @ keys_b.T
    nearest = np.argmax(sums / (np.linalg.norm(keys_a, axis=1)[:, None] + 1e-30), axis=0)
    if len(set(nearest.tolist())) < channels or (nearest == np.arange(channels)).all():
        return None
    if distance(a[:, nearest], b) >= _NEAR:
        return None
    shown = ", ".join(map(str, nearest[:8])) + (", …" if channels > 8 else "")  # noqa: PLR2004 - as many are read
    return f"has the other's channels in the order {shown}"


def _scaled(a: Array, b: Array) -> str | None:
    """Say that all of it, or each channel, is multiplied by a factor and moved by a number."""
    axes = (0, *range(2, a.ndim))
    # Behind a relu that is so of what is above zero in both.
    told = (a > 0) & (b > 0) if a.min() == b.min() == 0 else np.ones(a.shape, bool)
    count = np.maximum(told.sum(axis=axes, keepdims=True), 1)
    mean_a, mean_b = (np.where(told, each, 0).sum(axis=axes, keepdims=True) / count for each in (a, b))
    moved_a, moved_b = (np.where(told, each - mean, 0) for each, mean in ((a, mean_a), (b, mean_b)))
    variance = (moved_a**2).sum(axis=axes, keepdims=True)
    live = variance > 0
    if told.sum() < _FEWEST * a.shape[1] or not live.any():
        return None
    covariance = (moved_a * moved_b).sum(axis=axes, keepdims=True)
    factors = np.divide(covariance, variance, out=np.ones_like(variance), where=live)
    offsets = mean_b - factors * mean_a
    scaled = factors * a + offsets
    limit = min(_NEAR, distance(a, b) / 10)
    # Where one alone is above zero it is by no more than what is added.
    beyond = ~told & (np.where(a > 0, scaled, b - offsets) > _NEAR * np.abs(b).max())
    if distance(scaled[told], b[told]) >= limit or (beyond & ((a > 0) | (b > 0))).any():
        return None
    factors, offsets = factors[live], offsets[live]
    size = np.abs(b).max()
    moved = bool(np.abs(offsets).max() > _NEAR * size)
    if np.ptp(factors) <= _NEAR * np.abs(factors).max() and not moved:
        return f"is the other's times {factors.mean():.6g}: a rescaling, or a normalization's epsilon"
    low, high = factors.min(), factors.max()
    what = f"is the other's times a factor in each channel, {low:.6g} to {high:.6g}"
    if moved:
        what += f", and {offsets.min():.3g} to {offsets.max():.3g} more"
    return f"{what}: a normalization, its epsilon, or a rescaling"


def _moved(a: Array, b: Array) -> str | None:
    """Say that it is moved by an element or two."""
    for shift in itertools.product(range(-2, 3), repeat=a.ndim - 2):
        if not any(shift):
            continue
        mine = _part(a, _overlap(shift, a.shape[2:]))
        other = _part(b, _overlap([-by for by in shift], a.shape[2:]))
        if mine.size and distance(mine, other) < _NEAR:
            return f"is the other's, moved by {by_axes([f'{-s:+d}' for s in shift])} elements"
    return None


def _part(a: Array, window: Sequence[slice]) -> Array:
    """Return a window of the spatial axes."""
    return a[(slice(None), slice(None), *window)]


def _overlap(shift: Sequence[int], sizes: Sequence[int]) -> tuple[slice, ...]:
    """Return what lies in both, on each axis, of an array and itself moved."""
    return tuple(slice(max(by, 0), size + min(by, 0)) for by, size in zip(shift, sizes, strict=True))


def _cropped(a: Array, b: Array) -> str | None:
    """Say that one is a part of the other."""
    if a.ndim != b.ndim or a.shape[:2] != b.shape[:2]:
        return None
    for small, large, said in (
        (a, b, "has the other's within it, {}: a crop is missing, or a padding too many"),
        (b, a, "is a part of the other's, {}: a padding is missing, or a crop too many"),
    ):
        spare = [more - fewer for fewer, more in zip(small.shape[2:], large.shape[2:], strict=True)]
        if min(spare) < 0 or math.prod(each + 1 for each in spare) > 2**10:
            continue
        for starts in itertools.product(*(range(each + 1) for each in spare)):
            window = tuple(slice(s, s + n) for s, n in zip(starts, small.shape[2:], strict=True))
            if distance(small, _part(large, window)) < _NEAR:
                ends = [each - start for each, start in zip(spare, starts, strict=True)]
                where = by_axes([f"{s} before and {e} after" for s, e in zip(starts, ends, strict=True)])
                return said.format(f"with {where}")
    return None
