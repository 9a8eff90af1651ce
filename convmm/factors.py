"""Kernels as the left factors of matrix products, so stored that no product has to copy them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_KEPT = 5 * 2**20


def is_stored_as_one(kernels: Sequence[Array]) -> bool:
    """Whether all taps together are a factor as they are: one kernel, its taps right behind its channels."""
    return len(kernels) == 1 and bool(kernels[0][0, 0].flags.c_contiguous)


class Factors:
    """Kernels stacked by their filters: a factor for each tap of the first axis.

    The terms of one are channels and taps of the other axes.

    Args:
        kernels: (groups, filters, channels, *taps), all of one shape.
        may_be_natural: whether the columns may be in the order in which the kernels are stored.

    Attributes:
        channels_first: whether the taps of the other axes come behind the channels, and not before them.
        are_kept: whether they are in the order to multiply in. Large ones are not: each task copies its part.
    """

    def __init__(self, kernels: Sequence[Array], *, may_be_natural: bool) -> None:
        self._kernels = kernels
        self.channels_first = may_be_natural and kernels[0].shape[3] == 1 and is_stored_as_one(kernels)
        is_small = sum(kernel.nbytes for kernel in kernels) <= _KEPT
        self._kept: list[Array] = []
        if is_small and not self.channels_first:
            self._kept = [_of_tap(kernels, tap) for tap in range(kernels[0].shape[3])]
        self.are_kept = is_small or self.channels_first

    def matrix(self, tap: int, groups: slice, filters: slice, channels: slice) -> Array:
        """The factor, (groups, kernels * filters, terms)."""
        if self._kept:
            met = self._kept[tap][groups, :, filters, ..., channels]
        else:
            some = [kernel[groups, filters, channels] for kernel in self._kernels]
            met = some[0][:, None] if self.channels_first else _of_tap(some, tap)
        return met.reshape(len(met), met.shape[1] * met.shape[2], -1)


def _of_tap(kernels: Sequence[Array], tap: int) -> Array:
    """One tap's elements, (groups, kernels, filters, *other taps, channels), in one run of memory.

    The run follows the order in which they are stored, as far as that goes: a copy that takes neighbours from
    far apart takes several times as long.
    """
    met = [kernel[:, :, :, tap] for kernel in kernels]
    groups, filters, channels, *others = met[0].shape
    rest = range(3, met[0].ndim)
    if abs(met[0].strides[1]) < abs(met[0].strides[2]):
        run = np.empty((groups, *others, channels, len(met), filters), met[0].dtype)
        np.stack([each.transpose(0, *rest, 2, 1) for each in met], axis=-2, out=run)
        return np.moveaxis(run, (-2, -1), (1, 2))
    run = np.empty((groups, len(met), filters, *others, channels), met[0].dtype)
    np.stack([each.transpose(0, 1, *rest, 2) for each in met], axis=1, out=run)
    return run
