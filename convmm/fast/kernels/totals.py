"""The sums of one part of a correlation: products added up for a tile, then written to each output."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.fast.kernels.columns import Shape, by_place
from convmm.fast.kernels.factors import Factors
from convmm.fast.kernels.products import add_product
from convmm.fast.plan.tiles import Tile, length
from convmm.fast.threads import Scratch

Array = NDArray[Any]


@dataclass(frozen=True)
class Terms:
    """A part in arrays.

    Attributes:
        taps: of the correlation's axes, neighbours on each of them.
        factors: the kernels of its outputs.
        outs: (N, groups, filters, *places) for each output, of any dtype and strides, with no more places
            than the axes have; behind an axis of size 1 if all axes are unfolded.
        dtype: to compute in.
    """

    taps: Sequence[slice]
    factors: Factors
    outs: Sequence[Array]
    dtype: np.dtype[Any]


class _Total:
    """The sums of outputs for tiles of one shape, in a scratch's array.

    Attributes:
        array: (groups, outputs * filters, places).
        by_output: the same as (outputs, N, groups, filters, *places).
    """

    def __init__(self, kept: Shape, shape: Shape, scratch: Scratch, dtype: np.dtype[Any]) -> None:
        groups, outputs, filters = kept
        self.array = scratch.take("total", (groups, outputs * filters, math.prod(shape)), dtype)
        total = by_place(self.array.reshape(*kept, -1), shape)
        self.by_output = total.transpose(1, 4, 0, 2, 3, *range(5, total.ndim))


class Sums:
    """The sums of one part for a tile, some groups and some filters: products added up, then written.

    Args:
        terms: the part.
        tile: of places.
        groups: of the channels.
        filters: of each group.
        scratch: holds the sums.
        is_product: whether one product is all there is. It is then computed where it belongs, if that is a
            matrix: some filters of one sample, whose places are one run. That saves 1 to 5 % of the time of
            1x1 kernels. Sums are not: rows that are apart in memory take three times as long to add up.
    """

    def __init__(
        self, terms: Terms, tile: Tile, groups: slice, filters: slice, scratch: Scratch, *, is_product: bool
    ) -> None:
        index = (tile.samples, groups, filters, *tile.places)
        self._outs = [out[index] for out in terms.outs]
        self._kept = (length(groups), len(self._outs), length(filters))
        self._scratch, self._begun = scratch, False
        self._total: _Total | None = None
        if is_product and _is_matrix(self._outs, tile, terms.dtype):
            self._array = self._outs[0][0].reshape(*self._kept[::2], -1)
            return
        build = partial(_Total, self._kept, tile.shape, scratch, terms.dtype)
        self._total = scratch.kept((self._kept, tile.shape, terms.dtype), build)
        self._array = self._total.array

    def add(self, left: Array, right: Array) -> None:
        """Add a product."""
        add_product(left, right, self._array, self._scratch, begun=self._begun)
        self._begun = True

    def write(self, bias: Array | None) -> None:
        """Add the bias, (groups, 1, filters, 1), and write the outputs."""
        if bias is not None:
            total = self._array.reshape(*self._kept, -1)
            total += bias
        if self._total is None:
            return
        for out, sums in zip(self._outs, self._total.by_output, strict=True):  # some have fewer places
            np.copyto(out, sums[(..., *map(slice, out.shape[3:]))], casting="unsafe")


def _is_matrix(outs: Sequence[Array], tile: Tile, dtype: np.dtype[Any]) -> bool:
    """Return whether sums for a tile can be computed in their outputs, (N, groups, filters, *places)."""
    out, rows = outs[0], tile.shape[0]
    return (
        len(outs) == len(out) == 1
        and out.shape[2] > 1  # or else it is a vector, and 1 to 4 % slower
        and out.dtype == dtype
        and out.shape[3:] == (rows, *tile.shape[2:])
        and bool(out[0, 0, 0].flags.c_contiguous)
    )
