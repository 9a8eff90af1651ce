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
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.fast.threads import Scratch
from convmm.fast.tiles import Tile, halo
from convmm.geometry import Axis
from convmm.unfold import read, split_places, tap_view

Array = NDArray[Any]
Shape = tuple[int, ...]
Window = tuple[int, slice]
"""A phase, and some of the columns in it."""

_UNIT = Axis(fine=1, coarse=1, kernel=1, stride=1, dilation=1, before=0)


def with_unit_axis(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """The axes behind one of size 1."""
    return (_UNIT, *axes)


class Columns:
    """What the taps of the inner axes read for a tile's places, each tap for itself.

    The first axis's rows are not unfolded but sorted, by the phase in which a tap meets them
    (:attr:`Axis.phases`), so that for each of its taps the rows to read stand together.

    Args:
        array: (groups, channels, *inner taps, phases, (rows + halo) * N * inner places), the channels behind
            the inner taps if these are first.
        first: the first axis.
        shape: of the tile.
        taps_first: see there.
    """

    def __init__(self, array: Array, first: Axis, shape: Shape, *, taps_first: bool) -> None:
        self.array = array
        self._windows = first_axis_windows(first, shape)
        self._taps_first = taps_first
        self._factors: dict[tuple[tuple[int, int], ...], list[Array]] = {}

    def factors(self, taps: Sequence[slice]) -> list[Array]:
        """The right factors for some taps, (groups, terms, places) for each of the first axis's."""
        key = tuple((tap.start, tap.stop) for tap in taps)
        if key in self._factors:
            return self._factors[key]
        whole, (first, *inner) = slice(None), taps
        terms = (*inner, whole) if self._taps_first else (whole, *inner)
        found = [self._factor((whole, *terms, *window)) for window in self._windows[first]]
        if all(np.may_share_memory(factor, self.array) for factor in found):  # a copy is of this tile alone
            self._factors[key] = found
        return found

    def _factor(self, index: tuple[Any, ...]) -> Array:
        met: Array = self.array[index]
        return met.reshape(len(met), -1, met.shape[-1])


class _Unfolded(Columns):
    """Columns in a scratch's arrays, to be filled for one tile of this shape after the other.

    Where most elements are read by several taps, a copy of them, zeros around, is unfolded as one; where
    not, such a copy could be far larger than the columns, and each tap reads for itself.

    Args:
        axes: the geometry's.
        shape: of the tiles.
        kept: groups, and channels of each.
        taps_first: as above.
        dtype: of the columns.
        scratch: holds them.
    """

    def __init__(
        self,
        axes: tuple[Axis, ...],
        shape: Shape,
        kept: Shape,
        dtype: np.dtype[Any],
        scratch: Scratch,
        *,
        taps_first: bool,
    ) -> None:
        array = scratch.take("columns", _columns_shape(axes, shape, kept, taps_first=taps_first), dtype)
        super().__init__(array, axes[0], shape, taps_first=taps_first)
        self._axes = axes
        rank = len(axes) - 1
        channels_first = array.transpose(0, 1 + rank, *range(1, 1 + rank), -2, -1) if taps_first else array
        self._by_place = by_place(channels_first, shape)
        self._padded = self._take_padded(kept, scratch)
        if self._padded is not None:
            self._by_tap = [self._taps(self._padded, phase) for phase in axes[0].phases]

    def _take_padded(self, kept: Shape, scratch: Scratch) -> Array | None:
        """(groups, channels, N, *elements): what all taps together read; None where each reads for itself."""
        first, *inner = self._axes
        rows, samples, *places = self._by_place.shape[-len(self._axes) - 1 :]
        sizes = [(rows - 1) * first.stride + first.phases[-1] + 1]
        sizes += [(count - 1) * axis.stride + axis.extent for count, axis in zip(places, inner, strict=True)]
        shape = (*kept, samples * math.prod(sizes))
        if math.prod(shape) > self.array.size or all(axis.kernel == 1 for axis in inner):
            return None
        return split_places(scratch.take("padded", shape, self.array.dtype), samples, sizes, row=places[-1])

    def _taps(self, padded: Array, phase: int) -> Array:
        """What the taps read in a phase, in the order of the columns' places."""
        inner = self._axes[1:]
        rank = len(inner)
        rows, _, *places = self._by_place.shape[-rank - 2 :]
        taps, dilation = [1, *(axis.kernel for axis in inner)], [1, *(axis.dilation for axis in inner)]
        met, stride = padded[:, :, :, phase:], [axis.stride for axis in self._axes]
        view = tap_view(met, taps, dilation, (rows, *places), stride)[:, :, :, 0]
        return view.transpose(0, 1, *range(3, 4 + rank), 2, *range(4 + rank, view.ndim))

    def fill(self, x: Array, tile: Tile) -> None:
        """Fill them from (N, groups, channels, *fine), the tile's samples."""
        each = zip(tile.places, self._axes, strict=True)
        starts = [place.start * axis.stride - axis.before for place, axis in each]
        source = x.transpose(1, 2, 0, *range(3, x.ndim))
        if self._padded is None:
            self._fill_by_tap(source, starts)
            return
        read(source, starts, [1] * len(starts), self._padded)
        before: tuple[Any, ...] = (slice(None),) * (1 + len(starts))
        for number, by_tap in enumerate(self._by_tap):
            np.copyto(self._by_place[(*before, number)], by_tap)

    def _fill_by_tap(self, source: Array, starts: Sequence[int]) -> None:
        first, *inner = self._axes
        steps = [axis.stride for axis in self._axes]
        for tap in np.ndindex(*(axis.kernel for axis in inner)):
            offsets = [i * axis.dilation for i, axis in zip(tap, inner, strict=True)]
            for number, phase in enumerate(first.phases):
                begins = [start + offset for start, offset in zip(starts, (phase, *offsets), strict=True)]
                written = self._by_place[(slice(None), slice(None), *tap, number)]
                read(source, begins, steps, written.swapaxes(2, 3))


def columns_of(
    x: Array,
    axes: tuple[Axis, ...],
    tile: Tile,
    dtype: np.dtype[Any],
    scratch: Scratch,
    *,
    taps_first: bool,
) -> Columns:
    """The columns of a tile: a view of ``x``, or in the scratch's arrays, until the next ones are.

    Args:
        x: (N, groups, channels, *fine), the tile's samples.
        axes: the geometry's.
        tile: on the coarse grid.
        dtype: of the columns.
        scratch: holds them.
        taps_first: whether the channels come behind the taps.
    """
    kept = x.shape[1:3]
    if x.dtype == dtype and _reads_runs(x, axes, tile):
        start = tile.places[0].start
        rows = x[0, :, :, start : start + tile.shape[0] + halo(axes[0])]
        array = rows.reshape(_columns_shape(axes, tile.shape, kept, taps_first=taps_first))
        return Columns(array, axes[0], tile.shape, taps_first=taps_first)
    key = (axes, tile.shape, kept, dtype, taps_first)
    build = partial(_Unfolded, axes, tile.shape, kept, dtype, scratch, taps_first=taps_first)
    columns = scratch.kept(key, build)
    columns.fill(x, tile)
    return columns


def _columns_shape(axes: Sequence[Axis], shape: Shape, kept: Shape, *, taps_first: bool) -> Shape:
    first, *inner = axes
    groups, channels = kept
    taps = [axis.kernel for axis in inner]
    terms = (*taps, channels) if taps_first else (channels, *taps)
    rows, *others = shape
    return (groups, *terms, len(first.phases), (rows + halo(first)) * math.prod(others))


def by_place(columns: Array, shape: Shape) -> Array:
    """A view of a tile's columns with their last axis split: (..., rows, N, *inner places).

    There may be more rows than the tile has.
    """
    _, samples, *inner = shape
    rows = columns.shape[-1] // (samples * math.prod(inner))
    return split_places(columns.reshape(*columns.shape[:-1], rows, -1), samples, inner)


def values_of(y: Array, dtype: np.dtype[Any], scratch: Scratch) -> Array:
    """(N, groups, channels, *places) as factors, (groups, channels, N * places), perhaps a view of ``y``.

    Their last axis is split again by :func:`convmm.unfold.split_places`, and so is a product's of it.
    """
    kept = y.shape[1:3]
    if len(y) == 1 and y.dtype == dtype:
        single: Array = y[0].reshape(*kept, -1)
        return single
    values = scratch.take("values", (*kept, y.size // math.prod(kept)), dtype)
    np.copyto(split_places(values, len(y), y.shape[3:]), y.transpose(1, 2, 0, *range(3, y.ndim)))
    return values


def _reads_runs(x: Array, axes: Sequence[Axis], tile: Tile) -> bool:
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


@functools.lru_cache(maxsize=64)
def first_axis_windows(first: Axis, shape: Shape) -> list[Window]:
    """Where the columns of a tile of this shape stand that each tap of the first axis reads."""
    rows, *others = shape
    row = math.prod(others)
    phases = first.phases
    met = (divmod(tap * first.dilation, first.stride) for tap in range(first.kernel))
    return [(phases.index(phase), slice(skipped * row, (skipped + rows) * row)) for skipped, phase in met]
