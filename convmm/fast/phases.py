"""The sum from the coarse grid to the fine as correlations, one for each remainder by the stride.

Only each stride-th element of the output meets the same taps of the kernel, so that the output falls into
as many parts as the strides' product, each an ordinary correlation at stride 1 with a part of the kernel:
the sub-pixel decomposition (Shi et al., arXiv:1609.07009), in which no inserted zero is ever touched.
The parts read almost the same elements, so that they share the columns that these are unfolded to.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from numpy.typing import NDArray

from convmm.fast.correlation import Correlation
from convmm.fast.parts import Part
from convmm.geometry import Axis
from convmm.unfold import spatial


@dataclass(frozen=True, slots=True)
class Phase:
    """On one axis: some elements of the fine grid, the taps that they meet, and the correlation of these."""

    elements: slice
    taps: slice | None
    axis: Axis


@functools.lru_cache(maxsize=64)
def phases(axis: Axis) -> list[Phase]:
    """The parts of the fine grid, those of them that have elements."""
    found: list[Phase] = []
    every = axis.stride // math.gcd(axis.stride, axis.dilation)
    for first in range(min(axis.stride, axis.fine)):
        elements = slice(first, None, axis.stride)
        count = len(range(first, axis.fine, axis.stride))
        met = [i for i in range(axis.kernel) if (first + axis.before - i * axis.dilation) % axis.stride == 0]
        if not met:
            found.append(Phase(elements, None, Axis(axis.coarse, count, 1, 1, 1, 0)))
            continue
        # Tap i reads coarse element (first + before - i*dilation) / stride: the later, the earlier.
        taps = slice(met[-1], met[0] - 1 if met[0] else None, -every)
        before = -((first + axis.before - met[-1] * axis.dilation) // axis.stride)
        dilation = axis.dilation * every // axis.stride
        found.append(Phase(elements, taps, Axis(axis.coarse, count, len(met), 1, dilation, before)))
    return found


def correlations(
    y: NDArray[Any], w: NDArray[Any], bias: NDArray[Any] | None, axes: tuple[Axis, ...], out: NDArray[Any]
) -> Iterator[Correlation]:
    """The correlations that together write ``out``; elements that no tap meets are written at once.

    Args:
        y: (N, groups, channels, *coarse).
        w: (groups, filters, channels, *kernel).
        bias: (groups, filters), or None.
        axes: of the geometry.
        out: (N, groups, filters, *fine).
    """
    if any(phase.taps is None for axis in axes for phase in phases(axis)):
        out[...] = 0 if bias is None else bias.reshape(*bias.shape, *(1 for _ in axes))
    each_axis = [*map(shared, axes[:2]), *map(apart, axes[2:])]  # a third's taps are terms, all of them
    for reads in itertools.product(*each_axis):
        groups = itertools.product(*(read.by_taps.items() for read in reads))
        parts = tuple(_part(group, w, out) for group in groups)
        yield Correlation(y, bias, tuple(read.axis for read in reads), parts)


class Shared(NamedTuple):
    """An axis with the taps of several phases, and for the taps that some of them have these phases."""

    axis: Axis
    by_taps: dict[tuple[int, int], list[Phase]]


@functools.lru_cache(maxsize=64)
def shared(axis: Axis) -> list[Shared]:
    """The phases that meet taps, together where their taps read neighbours; with holes each for itself."""
    met = [phase for phase in phases(axis) if phase.taps is not None]
    if any(phase.axis.dilation > 1 and phase.axis.kernel > 1 for phase in met):
        return apart(axis)
    if not met:
        return []
    low = min(-phase.axis.before for phase in met)
    high = max(phase.axis.kernel - phase.axis.before for phase in met)
    count = max(phase.axis.coarse for phase in met)
    by_taps: dict[tuple[int, int], list[Phase]] = {}
    for phase in met:
        start = -phase.axis.before - low
        by_taps.setdefault((start, start + phase.axis.kernel), []).append(phase)
    return [Shared(Axis(met[0].axis.fine, count, high - low, 1, 1, -low), by_taps)]


@functools.lru_cache(maxsize=64)
def apart(axis: Axis) -> list[Shared]:
    """The phases that meet taps, each for itself."""
    met = [phase for phase in phases(axis) if phase.taps is not None]
    return [Shared(phase.axis, {(0, phase.axis.kernel): [phase]}) for phase in met]


def _part(group: tuple[tuple[tuple[int, int], list[Phase]], ...], w: NDArray[Any], out: NDArray[Any]) -> Part:
    """The outputs of all phases that have the same taps."""
    each = list(itertools.product(*(met for _, met in group)))
    return Part(
        tuple(slice(*taps) for taps, _ in group),
        [w[spatial(phase.taps for phase in met if phase.taps is not None)] for met in each],
        [out[spatial(phase.elements for phase in met)] for met in each],
    )
