"""Kernels as the left factors of matrix products, so stored that no product has to copy them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.fast.threads import Scratch, Task

Array = NDArray[Any]

_KEPT = 5 * 2**20

# Bytes from which copying them is spread over the threads.
_WORTH_TASKS = 2**20


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
        preparations: what is still to be done before a factor is asked for: to copy those that are kept.
    """

    def __init__(self, kernels: Sequence[Array], *, may_be_natural: bool) -> None:
        self._kernels = kernels
        size = sum(kernel.nbytes for kernel in kernels)
        self.channels_first = may_be_natural and kernels[0].shape[3] == 1 and is_stored_as_one(kernels)
        self.are_kept = size <= _KEPT or self.channels_first
        self._kept: Array | None = None
        self.preparations: list[Task] = []
        if self.channels_first or not self.are_kept:
            return
        self._kept = _new_factors(kernels)
        if size < _WORTH_TASKS:
            _fill(self._kept, kernels)
        else:
            each = [slice(tap, tap + 1) for tap in range(len(self._kept))]
            self.preparations = [partial(_fill, self._kept[tap], _of_taps(kernels, tap)) for tap in each]

    def matrix(self, tap: int, groups: slice, filters: slice, channels: slice) -> Array:
        """The factor, (groups, kernels * filters, terms)."""
        if self._kept is not None:
            met: Array = self._kept[tap, groups, :, filters, ..., channels]
        else:
            some = [kernel[groups, filters, channels] for kernel in self._kernels]
            met = some[0][:, None] if self.channels_first else _in_order(some, tap)
        return met.reshape(len(met), met.shape[1] * met.shape[2], -1)


def _in_order(kernels: Sequence[Array], tap: int) -> Array:
    of_tap = _of_taps(kernels, slice(tap, tap + 1))
    factors = _new_factors(of_tap)
    _fill(factors, of_tap)
    factor: Array = factors[0]
    return factor


def _of_taps(kernels: Sequence[Array], taps: slice) -> list[Array]:
    return [kernel[:, :, :, taps] for kernel in kernels]


def _new_factors(kernels: Sequence[Array]) -> Array:
    """Memory for factors, (taps, groups, kernels, filters, *other taps, channels), in one run each.

    The run follows the order in which they are stored, as far as that goes: a copy that takes neighbours from
    far apart takes several times as long.
    """
    groups, filters, channels, taps, *others = kernels[0].shape
    dtype = kernels[0].dtype
    if abs(kernels[0].strides[1]) >= abs(kernels[0].strides[2]):
        return np.empty((taps, groups, len(kernels), filters, *others, channels), dtype)
    run = np.empty((taps, groups, *others, channels, len(kernels), filters), dtype)
    return run.transpose(0, 1, run.ndim - 2, run.ndim - 1, *range(2, run.ndim - 2))


def _fill(factors: Array, kernels: Sequence[Array], _: Scratch | None = None) -> None:
    order = (3, 0, 1, *range(4, kernels[0].ndim), 2)
    for number, kernel in enumerate(kernels):
        factors[:, :, number] = kernel.transpose(order)
