"""The sum from the coarse grid to the fine as correlations, one for each remainder by the stride.

Only each stride-th element of the output meets the same taps of the kernel, so that the output falls into
as many parts as the strides' product, each an ordinary correlation at stride 1 with a part of the kernel:
the sub-pixel decomposition (Shi et al., arXiv:1609.07009), in which no inserted zero is ever touched.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from convmm.correlation import Correlation
from convmm.geometry import Axis
from convmm.unfold import spatial


@dataclass(frozen=True, slots=True)
class Phase:
    """On one axis: some elements of the fine grid, the taps that they meet, and the correlation of these."""

    elements: slice
    taps: slice | None
    axis: Axis


def phases(axis: Axis) -> Iterator[Phase]:
    """The parts of the fine grid, those of them that have elements."""
    every = axis.stride // math.gcd(axis.stride, axis.dilation)
    for first in range(min(axis.stride, axis.fine)):
        elements = slice(first, None, axis.stride)
        count = len(range(first, axis.fine, axis.stride))
        met = [i for i in range(axis.kernel) if (first + axis.before - i * axis.dilation) % axis.stride == 0]
        if not met:
            yield Phase(elements, None, Axis(axis.coarse, count, 1, 1, 1, 0))
            continue
        # Tap i reads coarse element (first + before - i*dilation) / stride: the later, the earlier.
        taps = slice(met[-1], met[0] - 1 if met[0] else None, -every)
        before = -((first + axis.before - met[-1] * axis.dilation) // axis.stride)
        dilation = axis.dilation * every // axis.stride
        yield Phase(elements, taps, Axis(axis.coarse, count, len(met), 1, dilation, before))


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
    for parts in itertools.product(*(phases(axis) for axis in axes)):
        written = out[spatial(part.elements for part in parts)]
        taps = [part.taps for part in parts if part.taps is not None]
        if len(taps) < len(parts):
            written[...] = 0 if bias is None else bias.reshape(*bias.shape, *(1 for _ in axes))
        else:
            yield Correlation(y, w[spatial(taps)], bias, tuple(part.axis for part in parts), written)
