"""What is computed from the same columns: outputs that read the same taps, their products and their sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.columns import Window, by_place
from convmm.factors import Factors
from convmm.products import add_product
from convmm.threads import Scratch
from convmm.tiles import Tile, length

Array = NDArray[Any]


@dataclass(frozen=True)
class Part:
    """Outputs that read the same taps.

    Attributes:
        taps: on each axis, one after another.
        kernels: (groups, filters, channels, *taps) for each output, of the dtype to compute in.
        outs: (N, groups, filters, *places), of any dtype and strides, with no more places than the axes have.
    """

    taps: tuple[slice, ...]
    kernels: Sequence[Array]
    outs: Sequence[Array]

    def behind_unit_axis(self) -> Part:
        """The same with an axis of size 1 before the first."""
        kernels, outs = ([array[:, :, :, None] for array in each] for each in (self.kernels, self.outs))
        return Part((slice(0, 1), *self.taps), kernels, outs)


@dataclass(frozen=True)
class Terms:
    """A part and its left factors."""

    part: Part
    factors: Factors

    def read(self, columns: Array, window: Window) -> Array:
        """The right factor, (groups, terms, places), in the order of the left one's terms."""
        whole, inner = slice(None), self.part.taps[1:]
        terms = (whole, *inner) if self.factors.channels_first else (*inner, whole)
        index: tuple[Any, ...] = (whole, *terms, *window)
        met: Array = columns[index].reshape(len(columns), -1, length(window[1]))
        return met


class Sums:
    """The sums of one part for a tile, some groups and some filters: products added up, then written."""

    def __init__(self, part: Part, tile: Tile, groups: slice, filters: slice, scratch: Scratch) -> None:
        self.outs = [out[(tile.samples, groups, filters, *tile.places)] for out in part.outs]
        self.tile, self.shape = tile, (length(groups), len(self.outs), length(filters))
        self.product = (length(groups), len(self.outs) * length(filters), math.prod(tile.shape))
        self.scratch, self.dtype = scratch, part.kernels[0].dtype
        self.is_direct = len(self.outs) == 1 and self._is_flat(part.outs[0])
        if self.is_direct:
            self.total = self.outs[0][0].reshape(self.product)
        else:
            self.total = scratch.take("total", self.product, self.dtype)
        self.begun = False

    def add(self, left: Array, right: Array) -> None:
        """Add a product."""
        add_product(left, right, self.total, self.scratch, begun=self.begun)
        self.begun = True

    def write(self, bias: Array | None) -> None:
        """Add the bias, and write the outputs."""
        if bias is not None:
            total = self.total.reshape(*self.shape, -1)
            total += bias
        if self.is_direct:
            return
        # (outputs, N, groups, filters, rows, *inner), with more places than some of the outputs have
        total = by_place(self.total.reshape(*self.shape, -1), self.tile, self.tile.shape[0])
        total = total.transpose(1, 4, 0, 2, 3, *range(5, total.ndim))
        for out, some in zip(self.outs, total, strict=True):
            np.copyto(out, some[(..., *map(slice, out.shape[3:]))], casting="unsafe")

    def _is_flat(self, whole: Array) -> bool:
        """Whether a tile of the output is one run in each channel, and of the dtype to compute in."""
        [out] = self.outs
        return (
            out.dtype == self.dtype
            and len(out) == 1
            and whole.flags.c_contiguous
            and out.shape[4:] == whole.shape[4:]
            and out.size == math.prod(self.product)
        )
