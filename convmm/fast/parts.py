"""What is computed from the same columns: outputs that read the same taps, their products and their sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convmm.fast.columns import Shape, by_place
from convmm.fast.factors import Factors
from convmm.fast.products import add_product
from convmm.fast.threads import Scratch
from convmm.fast.tiles import Tile, length

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


class Terms(NamedTuple):
    """A part and its left factors."""

    part: Part
    factors: Factors


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
    """The sums of one part for a tile, some groups and some filters: products added up, then written."""

    def __init__(self, part: Part, tile: Tile, groups: slice, filters: slice, scratch: Scratch) -> None:
        index = (tile.samples, groups, filters, *tile.places)
        self.outs = [out[index] for out in part.outs]
        self.kept = (length(groups), len(self.outs), length(filters))
        self.scratch, self.begun = scratch, False
        dtype = part.kernels[0].dtype
        self.written: Array | None = None
        if len(self.outs) == 1 and self._is_flat(part.outs[0], tile, dtype):
            self.total = self.outs[0][0].reshape(self.kept[0], self.kept[2], -1)
        else:
            build = partial(_Total, self.kept, tile.shape, scratch, dtype)
            total = scratch.kept((self.kept, tile.shape, dtype), build)
            self.total, self.written = total.array, total.by_output

    def add(self, left: Array, right: Array) -> None:
        """Add a product."""
        add_product(left, right, self.total, self.scratch, begun=self.begun)
        self.begun = True

    def write(self, bias: Array | None) -> None:
        """Add the bias, and write the outputs."""
        if bias is not None:
            total = self.total.reshape(*self.kept, -1)
            total += bias
        if self.written is None:
            return
        for out, some in zip(self.outs, self.written, strict=True):  # some of them have fewer places
            np.copyto(out, some[(..., *map(slice, out.shape[3:]))], casting="unsafe")

    def _is_flat(self, whole: Array, tile: Tile, dtype: np.dtype[Any]) -> bool:
        """Whether a tile of the output is one run in each channel, and of the dtype to compute in."""
        [out] = self.outs
        return (
            out.dtype == dtype
            and len(out) == 1
            and whole.flags.c_contiguous
            and out.shape[4:] == whole.shape[4:]
            and out.size == math.prod(self.kept) * math.prod(tile.shape)
        )
