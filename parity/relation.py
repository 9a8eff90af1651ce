"""What a result is to its reference, seen from the arrays alone.

Every transposed layer's output is a window of one full response, and every convolution's a read of one
input; so the second question, after "is it the same?", is "is it another window?" (or another read). It is
answered by computing the reference's surroundings and looking for the result in them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from convmm.kernels import correlate, spread
from convmm.unfold import spatial
from parity.case import Case
from parity.compare import Comparison, close, compare
from parity.values import Array, Arrays, sums_are_exact

Relation = Literal["identical", "empty", "window", "numeric", "unrelated"]
Offset = tuple[int, ...]

MOST_MATCHES = 1000
"""So many offsets are listed at most: a result that is all zeros stands at very many."""


@dataclass(frozen=True)
class Reference:
    """A case's arrays in float64, what they give, and whether a result has to equal it bit by bit.

    Attributes:
        case: the case.
        arrays: its input, kernel and bias, widened to float64.
        y: the output, (N, O, *spatial), computed in float64.
        exact: every framework's sums are exact, so that a tolerance would only hide errors.
    """

    case: Case
    arrays: Arrays
    y: Array
    exact: bool


@dataclass(frozen=True)
class Observation:
    """How a result relates to the reference.

    Attributes:
        relation: "identical"; "empty", with no element to compare; "window", other
            elements of the same response; "numeric", within the tolerances where bit equality was due;
            "unrelated", none of these.
        offsets: for a window (and for an identical result), how far it begins after the reference does,
            on each axis: in the full response for the transposed ops, in the input for the others. More
            than one where the values leave it open; the one nearest to the reference comes first.
        comparison: with the reference.
    """

    relation: Relation
    offsets: tuple[Offset, ...]
    comparison: Comparison


def make_reference(case: Case, arrays: Arrays) -> Reference:
    """Compute the case with the NumPy core, in float64."""
    wide = Arrays(*(None if a is None else a.astype(np.float64) for a in arrays))  # type: ignore[arg-type]
    kernel = spread if case.transposed else correlate
    y = _with_bias(kernel(wide.x, wide.w, case.geometry), wide.bias)
    return Reference(case, wide, y, exact=sums_are_exact(case, arrays))


def observe(result: Array, reference: Reference) -> Observation:
    """Find out how a result relates to the reference."""
    comparison = compare(result, reference.y, reference.case.dtype)
    same = comparison.exact if reference.exact else comparison.allclose
    if same:
        return Observation("identical", ((0,) * reference.case.rank,), comparison)
    if not result.size:
        return Observation("empty", (), comparison)
    offsets = find_windows(result, reference)
    if offsets:
        return Observation("window", offsets, comparison)
    return Observation("numeric" if comparison.allclose else "unrelated", (), comparison)


def find_windows(result: Array, reference: Reference) -> tuple[Offset, ...]:
    """Every offset from the reference at which the result's elements stand, nearest first.

    Looked for are, in both directions on every axis, all offsets up to the kernel's extent and the stride,
    and up to what the case's padding drops or adds; the nearest :data:`MOST_MATCHES` are listed.
    """
    case = reference.case
    if result.ndim != case.rank + 2 or result.shape[:2] != reference.y.shape[:2] or not result.size:
        return ()
    values = result.astype(np.float64)
    reach = [max(axis.extent + axis.stride, axis.before, axis.after) for axis in case.geometry.axes]
    surroundings = _surroundings(reference, values.shape[2:], reach)
    step = _step(case)
    found = []
    for start in _candidates(values, surroundings, reach, step, reference):
        if _same(values, _taken(surroundings, start, values.shape[2:], step), reference):
            found.append(tuple(first - r for first, r in zip(start, reach, strict=True)))
            if len(found) == MOST_MATCHES:
                break
    return tuple(found)


def begins_at(result: Array, reference: Reference, offset: Offset) -> bool:
    """Whether the result's elements are those that begin this far after the reference's.

    Its batch and its channels are the reference's; its spatial sizes may be others.
    """
    reach = [abs(distance) for distance in offset]
    surroundings = _surroundings(reference, result.shape[2:], reach)
    start = tuple(r + distance for r, distance in zip(reach, offset, strict=True))
    taken = _taken(surroundings, start, result.shape[2:], _step(reference.case))
    return _same(result.astype(np.float64), taken, reference)


def _step(case: Case) -> tuple[int, ...]:
    """Elements of the surroundings from one output element to the next."""
    return (1,) * case.rank if case.transposed else case.stride


def _taken(surroundings: Array, start: Offset, sizes: tuple[int, ...], step: tuple[int, ...]) -> Array:
    spans = zip(start, sizes, step, strict=True)
    taken: Array = surroundings[spatial(slice(first, first + (m - 1) * s + 1, s) for first, m, s in spans)]
    return taken


def _surroundings(reference: Reference, sizes: tuple[int, ...], reach: list[int]) -> Array:
    """The response from ``reach`` elements before the reference's begin on, at every position."""
    case, arrays = reference.case, reference.arrays
    if case.transposed:
        axes = [
            replace(axis, before=axis.before - r, fine=size + 2 * r)
            for axis, size, r in zip(case.geometry.axes, sizes, reach, strict=True)
        ]
        wide = spread(arrays.x, arrays.w, replace(case.geometry, axes=tuple(axes)))
    else:
        axes = [
            replace(axis, before=axis.before + r, coarse=(size - 1) * axis.stride + 1 + 2 * r, stride=1)
            for axis, size, r in zip(case.geometry.axes, sizes, reach, strict=True)
        ]
        wide = correlate(arrays.x, arrays.w, replace(case.geometry, axes=tuple(axes)))
    return _with_bias(wide, arrays.bias)


def _candidates(
    values: Array, surroundings: Array, reach: list[int], step: tuple[int, ...], reference: Reference
) -> list[Offset]:
    """Where the result would have to begin for its largest element to stand where one of its value is."""
    largest = np.unravel_index(int(np.argmax(np.abs(values))), values.shape)
    batch, channel, *position = (int(i) for i in largest)
    around = surroundings[batch, channel][
        spatial(slice(p * s, p * s + 2 * r + 1) for p, s, r in zip(position, step, reach, strict=True))
    ]
    equal = _close(around, values[largest], reference)
    starts = [tuple(int(i) for i in start) for start in np.argwhere(equal)]
    return sorted(starts, key=lambda start: sum(abs(i - r) for i, r in zip(start, reach, strict=True)))


def _same(a: Array, b: Array, reference: Reference) -> bool:
    return bool(np.all(_close(a, b, reference)))


def _close(a: Array, b: Array, reference: Reference) -> Array:
    return a == b if reference.exact else close(a, b, reference.case.dtype)


def _with_bias(values: Array, bias: Array | None) -> Array:
    return values if bias is None else values + bias.reshape(-1, *itertools.repeat(1, values.ndim - 2))
