"""Kernels as the left factors of matrix products, so stored that no product has to copy them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.fast.plan.correlation import CorrelationPlan
from convmm.fast.threads import Scratch, Task

Array = NDArray[Any]


class Factors:
    """Kernels stacked by their filters: a factor for each tap of the first axis.

    The terms of one are channels and taps of the other axes.

    Args:
        kernels: (groups, filters, channels, *taps), all of one shape.
        plan: says whether they are factors as they are stored, or copied once, or by each task.

    Attributes:
        preparations: what is to be done before a factor is asked for: copies that threads share.
    """

    def __init__(self, kernels: Sequence[Array], plan: CorrelationPlan) -> None:
        self._kernels = kernels
        self._is_natural = plan.channels_first
        self._kept: Array | None = None
        self.preparations: list[Task] = []
        if plan.channels_first or not plan.keeps_factors:
            return
        self._kept = _new_factors(kernels)
        if plan.shares_copy:
            each = [slice(tap, tap + 1) for tap in range(len(self._kept))]
            self.preparations = [partial(_fill, self._kept[tap], _of_taps(kernels, tap)) for tap in each]
        else:
            _fill(self._kept, kernels)

    def matrix(self, tap: int, groups: slice, filters: slice, channels: slice) -> Array:
        """Return the factor of a tap of the first axis, (groups, kernels * filters, terms)."""
        if self._kept is not None:
            stacked: Array = self._kept[tap, groups, :, filters, ..., channels]
        else:
            some = [kernel[groups, filters, channels] for kernel in self._kernels]
            stacked = some[0][:, None] if self._is_natural else _in_order(some, tap)
        return stacked.reshape(len(stacked), stacked.shape[1] * stacked.shape[2], -1)


def _in_order(kernels: Sequence[Array], tap: int) -> Array:
    of_tap = _of_taps(kernels, slice(tap, tap + 1))
    factors = _new_factors(of_tap)
    _fill(factors, of_tap)
    factor: Array = factors[0]
    return factor


def _of_taps(kernels: Sequence[Array], taps: slice) -> list[Array]:
    return [kernel[:, :, :, taps] for kernel in kernels]


def _new_factors(kernels: Sequence[Array]) -> Array:
    """Return memory for factors, (taps, groups, kernels, filters, *other taps, channels), in one run each.

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
