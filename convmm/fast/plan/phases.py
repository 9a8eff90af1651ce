"""Which correlations a sum is made of: one for each remainder by the stride, or a single one.

Only each stride-th element of the fine grid is joined to the same taps of the kernel, so that it falls into
as many parts as the strides' product, each an ordinary correlation at stride 1 with a part of the kernel:
the sub-pixel decomposition (Shi et al., arXiv:1609.07009), in which no inserted zero is ever touched.
The parts read almost the same elements, so that they share the columns that these are unfolded to.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from convmm.geometry.grids import Axis

Slices = tuple[slice, ...]

UNIT = Axis(fine=1, coarse=1, kernel=1, stride=1, dilation=1, before=0)
"""An axis of size 1: put before the others, it leaves every one of them to be unfolded."""


class Output(NamedTuple):
    """One kernel and what it computes, as indices of the spatial axes.

    Attributes:
        taps: of the whole kernel.
        elements: of the whole output.
        places: how many elements, per axis.
    """

    taps: Slices
    elements: Slices
    places: tuple[int, ...]


class Part(NamedTuple):
    """Outputs that read the same taps of a correlation's axes.

    Attributes:
        taps: neighbours, per axis.
        outputs: with as many taps each.
    """

    taps: Slices
    outputs: tuple[Output, ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of taps, per axis."""
        return tuple(tap.stop - tap.start for tap in self.taps)

    @property
    def places(self) -> int:
        """Places of all outputs together, of one sample."""
        return sum(math.prod(output.places) for output in self.outputs)


@dataclass(frozen=True)
class Reads:
    """What is computed from the same columns.

    Attributes:
        axes: the spatial axes, with every tap that a part reads; an axis of size 1 first if all are unfolded.
        parts: what is computed.
        is_unfolded: whether the first of the axes is that axis of size 1.
    """

    axes: tuple[Axis, ...]
    parts: tuple[Part, ...]
    is_unfolded: bool = False

    @property
    def terms(self) -> int:
        """Products of one channel that the outputs of one sample add up, for one filter."""
        return sum(part.places * math.prod(part.counts) for part in self.parts)

    def unfolded(self) -> Reads:
        """Return the same with every axis unfolded, behind one of size 1."""
        parts = tuple(Part((slice(0, 1), *part.taps), part.outputs) for part in self.parts)
        return replace(self, axes=(UNIT, *self.axes), parts=parts, is_unfolded=True)


def single(axes: tuple[Axis, ...]) -> Reads:
    """Return the one correlation from the fine grid to the coarse."""
    taps = tuple(slice(0, axis.kernel) for axis in axes)
    places = tuple(axis.coarse for axis in axes)
    return Reads(axes, (Part(taps, (Output(taps, tuple(map(slice, places)), places),)),))


def by_phase(axes: tuple[Axis, ...]) -> list[Reads]:
    """Return the correlations from the coarse grid to the fine.

    The phases of the first two axes share their columns; those of a third are computed apart, as all of its
    taps are terms of one product.
    """
    found: list[Reads] = []
    for shares in itertools.product(*map(_shared, axes[:2]), *map(_apart, axes[2:])):
        groups = itertools.product(*(share.by_taps.items() for share in shares))
        found.append(Reads(tuple(share.axis for share in shares), tuple(map(_part, groups))))
    return found


def leave_gaps(axes: tuple[Axis, ...]) -> bool:
    """Return whether some elements of the fine grid are joined to no tap, and so to no coarse element."""
    return any(phase.taps is None for axis in axes for phase in phases(axis))


@dataclass(frozen=True, slots=True)
class Phase:
    """On one axis: some elements of the fine grid, their taps, and the correlation that gives them."""

    elements: slice
    taps: slice | None
    axis: Axis


@functools.lru_cache(maxsize=64)
def phases(axis: Axis) -> list[Phase]:
    """Return the parts of the fine grid that have elements, one per remainder by the stride."""
    found: list[Phase] = []
    every = axis.stride // math.gcd(axis.stride, axis.dilation)
    for first in range(min(axis.stride, axis.fine)):
        elements = slice(first, None, axis.stride)
        count = len(range(first, axis.fine, axis.stride))
        joined = [
            i for i in range(axis.kernel) if (first + axis.before - i * axis.dilation) % axis.stride == 0
        ]
        if not joined:
            found.append(Phase(elements, None, Axis(axis.coarse, count, 1, 1, 1, 0)))
            continue
        # Tap i reads coarse element (first + before - i*dilation) / stride: the later, the earlier.
        taps = slice(joined[-1], joined[0] - 1 if joined[0] else None, -every)
        before = -((first + axis.before - joined[-1] * axis.dilation) // axis.stride)
        dilation = axis.dilation * every // axis.stride
        found.append(Phase(elements, taps, Axis(axis.coarse, count, len(joined), 1, dilation, before)))
    return found


class Share(NamedTuple):
    """An axis with the taps of several phases, and the phases by their taps (start and stop) of that axis."""

    axis: Axis
    by_taps: dict[tuple[int, int], list[Phase]]


@functools.lru_cache(maxsize=64)
def _shared(axis: Axis) -> list[Share]:
    """Return the phases that have taps, together where their taps read neighbours, or apart."""
    joined = [phase for phase in phases(axis) if phase.taps is not None]
    if any(phase.axis.dilation > 1 and phase.axis.kernel > 1 for phase in joined):
        return _apart(axis)
    if not joined:
        return []
    low = min(-phase.axis.before for phase in joined)
    high = max(phase.axis.kernel - phase.axis.before for phase in joined)
    count = max(phase.axis.coarse for phase in joined)
    by_taps: dict[tuple[int, int], list[Phase]] = {}
    for phase in joined:
        start = -phase.axis.before - low
        by_taps.setdefault((start, start + phase.axis.kernel), []).append(phase)
    return [Share(Axis(joined[0].axis.fine, count, high - low, 1, 1, -low), by_taps)]


@functools.lru_cache(maxsize=64)
def _apart(axis: Axis) -> list[Share]:
    """Return the phases that have taps, each with columns of its own."""
    joined = [phase for phase in phases(axis) if phase.taps is not None]
    return [Share(phase.axis, {(0, phase.axis.kernel): [phase]}) for phase in joined]


def _part(group: tuple[tuple[tuple[int, int], list[Phase]], ...]) -> Part:
    """Return the outputs of all phases that have the same taps."""
    outputs = itertools.product(*(joined for _, joined in group))
    return Part(tuple(slice(*taps) for taps, _ in group), tuple(map(_output, outputs)))


def _output(each: tuple[Phase, ...]) -> Output:
    return Output(
        tuple(phase.taps for phase in each if phase.taps is not None),
        tuple(phase.elements for phase in each),
        tuple(phase.axis.coarse for phase in each),
    )
