"""What the kernel's taps read, as the columns of matrices: im2col, but for the first axis.

Unfolding every axis of the kernel copies each element once for each tap that reads it. Here the first axis
stays as it is: its taps read the same columns, from another row on and without a copy, and their products
are added up (kn2row, Vasudevan, Anderson and Gregg, arXiv:1704.04428, for that one axis). A leading axis of
size 1 has every real one unfolded. An axis that is left as it is has stride 1, or a single tap.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.fast.kernels.places import read
from convmm.fast.plan.columns import column_count, padded_sizes, pads
from convmm.fast.plan.tiles import Tile, halo
from convmm.fast.threads import Scratch
from convmm.geometry.grids import Axis
from convmm.unfold import tap_view

Array = NDArray[Any]
Shape = tuple[int, ...]


class Columns:
    """What the taps of the inner axes read for a tile's places, each tap for itself.

    Args:
        array: (groups, channels, *inner taps, (rows + halo) * N * inner places), the channels behind the
            inner taps if these are first.
        first: the first axis, whose rows are not unfolded.
        shape: of the tile.
        taps_first: whether the inner taps come before the channels.
    """

    def __init__(self, array: Array, first: Axis, shape: Shape, *, taps_first: bool) -> None:
        self.array = array
        row = array.shape[-1] // (shape[0] + halo(first))
        begins = (tap * first.dilation * row for tap in range(first.kernel))
        self._windows = [slice(begin, begin + shape[0] * row) for begin in begins]
        self._taps_first = taps_first
        self._factors: dict[tuple[tuple[int, int], ...], list[Array]] = {}

    def factors(self, taps: Sequence[slice]) -> list[Array]:
        """Return the right factors for some taps, (groups, terms, places) for each of the first axis's."""
        key = tuple((tap.start, tap.stop) for tap in taps)
        if key in self._factors:
            return self._factors[key]
        whole, (first, *inner) = slice(None), taps
        terms = (*inner, whole) if self._taps_first else (whole, *inner)
        factors = [self._factor((whole, *terms, window)) for window in self._windows[first]]
        if all(np.may_share_memory(factor, self.array) for factor in factors):  # a copy is of this tile alone
            self._factors[key] = factors
        return factors

    def _factor(self, index: tuple[Any, ...]) -> Array:
        columns: Array = self.array[index]
        return columns.reshape(len(columns), -1, columns.shape[-1])


class _Unfolded(Columns):
    """Columns in a scratch's arrays, to be filled for one tile of this shape after the other.

    Args:
        axes: the correlation's.
        shape: of the tiles.
        kept: groups, and channels of each.
        dtype: of the columns.
        scratch: holds them.
        taps_first: whether the inner taps come before the channels.
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
        channels_first = array.transpose(0, 1 + rank, *range(1, 1 + rank), -1) if taps_first else array
        self._by_place = by_place(channels_first, shape)
        self._padded: Array | None = None
        if pads(axes, shape):
            self._padded = scratch.take("padded", (*kept, shape[1], *padded_sizes(axes, shape)), dtype)
            self._by_tap = self._taps(self._padded)

    def _taps(self, padded: Array) -> Array:
        """Return what the taps read, in the order of the columns' places, as a view of the padded copy."""
        inner = self._axes[1:]
        rank = len(inner)
        rows, _, *places = self._by_place.shape[-rank - 2 :]
        taps, dilation = [1, *(axis.kernel for axis in inner)], [1, *(axis.dilation for axis in inner)]
        stride = [axis.stride for axis in self._axes]
        view = tap_view(padded, taps, dilation, (rows, *places), stride)[:, :, :, 0]
        return view.transpose(0, 1, *range(3, 4 + rank), 2, *range(4 + rank, view.ndim))

    def fill(self, x: Array, tile: Tile) -> None:
        """Fill them from (N, groups, channels, *sizes), the tile's samples."""
        each = zip(tile.places, self._axes, strict=True)
        starts = [place.start * axis.stride - axis.before for place, axis in each]
        source = x.transpose(1, 2, 0, *range(3, x.ndim))
        if self._padded is None:
            self._fill_by_tap(source, starts)
        else:
            read(source, starts, [1] * len(starts), self._padded)
            np.copyto(self._by_place, self._by_tap)

    def _fill_by_tap(self, source: Array, starts: Sequence[int]) -> None:
        inner, steps = self._axes[1:], [axis.stride for axis in self._axes]
        for tap in np.ndindex(*(axis.kernel for axis in inner)):
            offsets = [0, *(i * axis.dilation for i, axis in zip(tap, inner, strict=True))]
            begins = [start + offset for start, offset in zip(starts, offsets, strict=True)]
            read(source, begins, steps, self._by_place[(slice(None), slice(None), *tap)].swapaxes(2, 3))


def columns_of(
    x: Array,
    axes: tuple[Axis, ...],
    tile: Tile,
    dtype: np.dtype[Any],
    scratch: Scratch,
    *,
    taps_first: bool,
    are_views: bool,
) -> Columns:
    """Return the columns of a tile: a view of ``x``, or in the scratch's arrays, until the next ones are.

    Args:
        x: (N, groups, channels, *sizes), the tile's samples.
        axes: the correlation's.
        tile: on the coarse grid.
        dtype: of the columns.
        scratch: holds them.
        taps_first: whether the inner taps come before the channels.
        are_views: whether they are in ``x`` as it is.
    """
    kept = x.shape[1:3]
    if are_views:
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
    groups, channels = kept
    taps = [axis.kernel for axis in axes[1:]]
    terms = (*taps, channels) if taps_first else (channels, *taps)
    return (groups, *terms, column_count(axes, shape))


def by_place(columns: Array, shape: Shape) -> Array:
    """Return a view of a tile's columns with their last axis split: (..., rows, N, *inner places).

    There may be more rows than the tile has.
    """
    return columns.reshape(*columns.shape[:-1], -1, *shape[1:])
