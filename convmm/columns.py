"""What the kernel's taps read, as the columns of matrices: im2col, but for the first axis.

Unfolding every axis of the kernel copies each element once for each tap that reads it. Here the first axis
stays as it is: its taps read the same columns, from another row on and without a copy, and their products
are added up (kn2row, Vasudevan, Anderson and Gregg, arXiv:1704.04428, for that one axis). A leading axis of
size 1 has every real one unfolded, where few channels would leave these products too few terms.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.geometry import Axis
from convmm.threads import Scratch
from convmm.tiles import Tile, halo
from convmm.unfold import read, split_places, tap_view

Window = tuple[int, slice]
"""A phase, and some of the columns in it."""

_UNIT = Axis(fine=1, coarse=1, kernel=1, stride=1, dilation=1, before=0)


def with_unit_axis(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """The axes behind one of size 1."""
    return (_UNIT, *axes)


def columns_of(
    x: NDArray[Any],
    axes: Sequence[Axis],
    tile: Tile,
    dtype: np.dtype[Any],
    scratch: Scratch,
    *,
    taps_first: bool,
) -> NDArray[Any]:
    """What the taps of the inner axes read for a tile's places, each tap for itself.

    The first axis's rows are not unfolded but sorted, by the phase in which a tap meets them
    (:attr:`Axis.phases`), so that for each of its taps the rows to read stand together.

    Args:
        x: (N, groups, channels, *fine), the tile's samples.
        axes: the geometry's.
        tile: on the coarse grid.
        dtype: of the columns.
        scratch: holds them.
        taps_first: whether the channels come behind the taps.

    Returns:
        (groups, channels, *inner taps, phases, (rows + halo) * N * inner places), perhaps a view of ``x``;
        the channels behind the inner taps if asked for.
    """
    first, *inner = axes
    rows = tile.shape[0] + halo(first)
    groups, channels = x.shape[1:3]
    taps = [axis.kernel for axis in inner]
    terms = (*taps, channels) if taps_first else (channels, *taps)
    shape = (groups, *terms, len(first.phases), rows * math.prod(tile.shape[1:]))
    if x.dtype == dtype and _reads_runs(x, axes, tile):
        start = tile.places[0].start
        return x[0, :, :, start : start + rows].reshape(shape)
    columns = scratch.take("columns", shape, dtype)
    channels_first = columns
    if taps_first:
        channels_first = columns.transpose(0, 1 + len(inner), *range(1, 1 + len(inner)), -2, -1)
    _fill(by_place(channels_first, tile, rows), x, axes, tile, scratch)
    return columns


def by_place(columns: NDArray[Any], tile: Tile, rows: int) -> NDArray[Any]:
    """A view of columns with their last axis split: (..., rows, N, *inner places)."""
    _, samples, *inner = tile.shape
    return split_places(columns.reshape(*columns.shape[:-1], rows, -1), samples, inner)


def values_of(y: NDArray[Any], dtype: np.dtype[Any], scratch: Scratch) -> NDArray[Any]:
    """(N, groups, channels, *places) as factors, (groups, channels, N * places), perhaps a view of ``y``.

    Their last axis is split again by :func:`convmm.unfold.split_places`, and so is a product's of it.
    """
    kept = y.shape[1:3]
    if len(y) == 1 and y.dtype == dtype:
        single: NDArray[Any] = y[0].reshape(*kept, -1)
        return single
    values = scratch.take("values", (*kept, y.size // math.prod(kept)), dtype)
    np.copyto(split_places(values, len(y), y.shape[3:]), y.transpose(1, 2, 0, *range(3, y.ndim)))
    return values


def _reads_runs(x: NDArray[Any], axes: Sequence[Axis], tile: Tile) -> bool:
    """Whether the columns are in ``x`` already: one sample, one inner tap, and each row read as it stands."""
    first, *inner = axes
    return (
        len(x) == 1
        and all(axis.kernel == axis.stride == 1 and axis.before == 0 for axis in inner)
        and first.stride == 1
        and first.before == 0
        and first.full <= first.fine
        and all(
            (place.start, place.stop) == (0, size)
            for place, size in zip(tile.places[1:], x.shape[4:], strict=True)
        )
        and x[0, 0, 0].flags.c_contiguous
    )


def _fill(columns: NDArray[Any], x: NDArray[Any], axes: Sequence[Axis], tile: Tile, scratch: Scratch) -> None:
    """Fill (groups, channels, *inner taps, phases, rows + halo, N, *inner places).

    Where most elements are read by several taps, a copy of them, zeros around, is unfolded as one; where
    not, such a copy could be far larger than the columns, and each tap reads for itself.
    """
    first, *inner = axes
    starts = [place.start * axis.stride - axis.before for place, axis in zip(tile.places, axes, strict=True)]
    rows, samples, *places = columns.shape[-len(axes) - 1 :]
    sizes = [(rows - 1) * first.stride + first.phases[-1] + 1]
    sizes += [(count - 1) * axis.stride + axis.extent for count, axis in zip(places, inner, strict=True)]
    size = math.prod(x.shape[1:3]) * samples * math.prod(sizes)
    if size > columns.size or all(axis.kernel == 1 for axis in inner):
        _fill_by_tap(columns, x, axes, starts)
        return
    flat = scratch.take("padded", (*x.shape[1:3], samples * math.prod(sizes)), columns.dtype)
    padded = split_places(flat, samples, sizes, row=places[-1])
    read(x.transpose(1, 2, 0, *range(3, x.ndim)), starts, [1] * len(axes), padded)
    counts, strides = [rows, *places], [axis.stride for axis in axes]
    taps, dilation = [1, *(axis.kernel for axis in inner)], [1, *(axis.dilation for axis in inner)]
    for number, phase in enumerate(first.phases):
        met = padded[(slice(None),) * 3 + (slice(phase, None),)]
        unfolded = tap_view(met, taps, dilation, counts, strides)[:, :, :, 0]
        np.copyto(
            columns[(slice(None),) * (2 + len(inner)) + (number,)], np.moveaxis(unfolded, 2, -len(axes))
        )


def _fill_by_tap(columns: NDArray[Any], x: NDArray[Any], axes: Sequence[Axis], starts: Sequence[int]) -> None:
    first, *inner = axes
    source = x.transpose(1, 2, 0, *range(3, x.ndim))
    steps = [axis.stride for axis in axes]
    for tap in np.ndindex(*(axis.kernel for axis in inner)):
        offsets = [i * axis.dilation for i, axis in zip(tap, inner, strict=True)]
        for number, phase in enumerate(first.phases):
            begins = [start + offset for start, offset in zip(starts, (phase, *offsets), strict=True)]
            read(source, begins, steps, columns[(slice(None), slice(None), *tap, number)].swapaxes(2, 3))


@functools.lru_cache(maxsize=64)
def first_axis_windows(first: Axis, shape: tuple[int, ...]) -> list[Window]:
    """Where the columns of a tile of this shape stand that each tap of the first axis reads."""
    rows, *others = shape
    row = math.prod(others)
    phases = first.phases
    met = (divmod(tap * first.dilation, first.stride) for tap in range(first.kernel))
    return [(phases.index(phase), slice(skipped * row, (skipped + rows) * row)) for skipped, phase in met]
