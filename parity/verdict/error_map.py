"""Where a result differs from what is due, and by how much: small enough to be recorded, and to be drawn."""

from __future__ import annotations

import base64
import math

import msgspec
import numpy as np

from parity.cases.arrays import Array
from parity.records.result import ErrorMap
from parity.verdict.compare import distances

MOST_CHANNELS = 16
"""Rows of a map; of more channels, several share one."""

MOST_POSITIONS = 256
"""Positions of a map; of more, neighbors on an axis share one."""

_HIGHEST = 255


def error_map(output: Array, due: Array) -> ErrorMap | msgspec.UnsetType:
    """Return the largest error by channel and position, over all samples; UNSET without an error to place.

    Args:
        output: (N, C, *spatial), of a layer.
        due: what it has to be, in float64.
    """
    if output.shape != due.shape or not output.size:
        return msgspec.UNSET
    apart = distances(output.astype(np.float64), due)
    blocks = _blocks(due.shape[1:])
    errors = _largest(np.where(np.isnan(apart), np.inf, apart).max(axis=0), blocks)
    largest = errors.max(where=np.isfinite(errors), initial=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        levels = np.where(errors > 0, np.ceil(errors / largest * _HIGHEST), 0).clip(0, _HIGHEST)
    written = base64.b64encode(levels.astype(np.uint8).tobytes()).decode("ascii")
    return ErrorMap(shape=errors.shape, block=blocks, levels=written) if levels.any() else msgspec.UNSET


def _blocks(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return how many channels, and elements of each axis, share a cell."""
    channels, *sizes = shape
    blocks = [1 for _ in sizes]
    while math.prod(map(_cells, sizes, blocks)) > MOST_POSITIONS:
        longest = max(range(len(sizes)), key=lambda axis: _cells(sizes[axis], blocks[axis]))
        blocks[longest] *= 2
    return _cells(channels, MOST_CHANNELS), *blocks


def _cells(size: int, block: int) -> int:
    return -(-size // block)


def _largest(errors: Array, blocks: tuple[int, ...]) -> Array:
    """Return the largest of each block."""
    for axis, block in enumerate(blocks):
        errors = np.maximum.reduceat(errors, np.arange(0, errors.shape[axis], block), axis=axis)
    return errors
