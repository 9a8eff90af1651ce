"""Where a result stands: its offset in the full response, or in the input.

Every transposed layer's output is a window of one full response, and every convolution's a read of one
input; so two results of one kernel and one input differ at most in where they begin, and in their sizes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from convmm.geometry import Geometry
from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.cases.reach import reach
from parity.verdict.diagnosis.suspect import Offset
from parity.verdict.reference import Reference

MOST_MATCHES = 20
"""So many offsets are listed at most: a result that is all zeros stands at very many."""

_PROBES = 5
"""Of the largest elements, and of those far apart, so many rule offsets out before one is computed."""


def find_windows(result: Array, reference: Reference) -> tuple[Offset, ...]:
    """Return the offsets from the reference at which the result's elements stand, nearest first.

    Looked for are, in both directions on every axis, all offsets up to the kernel's extent and the stride,
    and up to what the case's padding drops or adds; fewer in large cases. At most :data:`MOST_MATCHES` are
    listed.
    """
    if result.ndim != reference.y.ndim or result.shape[:2] != reference.y.shape[:2] or not result.size:
        return ()
    values = result.astype(np.float64)
    found: list[Offset] = []
    most = 1 + reference.affordable // 8  # flipped kernels are looked for as well, on up to 7 choices of axes
    for offset in _candidates(values, reference)[:most]:
        if begins_at(values, reference, offset):
            found.append(offset)
        if len(found) == MOST_MATCHES:
            break
    return tuple(found)


def begins_at(result: Array, reference: Reference, offset: Offset) -> bool:
    """Return whether the result's elements are those that begin this far after the reference's.

    Its batch and its channels are the reference's; its spatial sizes may be others.
    """
    taken = reference.compute(geometry=_moved(reference.case, offset, result.shape[2:]))
    return bool(reference.equal(result.astype(np.float64), taken).all())


def _candidates(values: Array, reference: Reference) -> list[Offset]:
    """Return the offsets at which the values of a few elements stand, nearest first."""
    spans = _spans(reference.case)
    possible = np.ones([len(span) for span in spans], bool)
    for place in _telling(values):
        possible &= reference.equal(_around(reference, place, spans), values[place])
        if np.count_nonzero(possible) <= 1:
            break
    first = np.array([span.start for span in spans])
    offsets = [tuple(map(int, index + first)) for index in np.argwhere(possible)]
    return sorted(offsets, key=lambda offset: sum(map(abs, offset)))


def _spans(case: Case) -> list[range]:
    return [range(-r, r + 1) for r in reach(case)]


def _telling(values: Array) -> Iterator[tuple[int, ...]]:
    """Pick places of the largest elements, which are equal to the fewest others, and places far apart.

    NaN is as large as infinity, and rules out every offset. Of equal ones the first are taken: which NumPy
    sorts before others depends on the processor.
    """
    flat = np.nan_to_num(np.abs(values), copy=False, nan=np.inf, posinf=np.inf).ravel()
    count = min(_PROBES, flat.size)
    largest = np.flatnonzero(flat >= np.partition(flat, flat.size - count)[-count])[:count]
    apart = np.linspace(0, flat.size - 1, count, dtype=int)
    for index in dict.fromkeys([*largest.tolist(), *apart.tolist()]):
        yield tuple(int(i) for i in np.unravel_index(index, values.shape))


def _around(reference: Reference, place: tuple[int, ...], spans: Sequence[range]) -> Array:
    """Return what would stand at this place of the result, at each offset."""
    sample, channel, *position = place
    plane = reference.plane(sample, channel)
    step = (1,) * plane.case.rank if plane.case.transposed else plane.case.stride
    start = [p * s + span.start for p, s, span in zip(position, step, spans, strict=True)]
    geometry = _moved(plane.case, start, [len(span) for span in spans], step=1)
    around: Array = plane.compute(geometry=geometry)[0, 0]
    return around


def _moved(case: Case, offset: Sequence[int], sizes: Sequence[int], step: int | None = None) -> Geometry:
    """Return the geometry of an output of these sizes that begins so far after the case's own.

    ``step`` is from one output element to the next, in place of the convolution's stride.
    """
    moves = zip(case.geometry.axes, offset, sizes, strict=True)
    if case.transposed:
        axes = [replace(axis, before=axis.before + move, fine=size) for axis, move, size in moves]
    else:
        axes = [
            replace(axis, before=axis.before - move, coarse=size, stride=step or axis.stride)
            for axis, move, size in moves
        ]
    return replace(case.geometry, axes=tuple(axes))
