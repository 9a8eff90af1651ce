"""How much memory a case takes where it is judged, and whether there is as much."""

from __future__ import annotations

import functools
import math

from parity.cases.available import available
from parity.cases.case import Case, CaseError
from parity.cases.reach import reach

_NUMBER = 8
"""Bytes: what is judged is computed in float64."""

ALWAYS_THERE = 2**22
"""Bytes without which no process of this kind would have started."""


def check_memory(case: Case, *, grad: bool = False) -> None:
    """Refuse a case that cannot be held, before anything is allocated.

    Args:
        case: the case.
        grad: its gradients are judged as well.

    Raises:
        CaseError: with the bytes needed and the bytes free.
    """
    needed = bytes_needed(case, grad=grad)
    if needed <= ALWAYS_THERE:  # to look takes longer than to draw as much
        return
    free = available()
    if needed > free:
        raise CaseError(
            f"input={case.input} with filters={case.filters} and kernel={case.kernel} needs about "
            f"{gib(needed)} of memory: allowed is what is free, {gib(free)}"
        )


@functools.lru_cache(maxsize=64)  # it is asked for a few times while one case is made ready
def bytes_needed(case: Case, *, grad: bool = False) -> int:
    """Return what it takes at most to draw the case, compute it, and find out what a result is to it.

    The factors are how many arrays of a kind are alive at once: the drawn ones, the same in float64 or cut
    into slices, their magnitudes, and the temporary ones of a comparison.
    """
    geometry, batch = case.geometry, case.input[0]
    operands = math.prod(case.input) + math.prod(case.kernel_shape)
    output = math.prod(case.output_shape)
    response = batch * geometry.fine_channels * math.prod(geometry.full)
    columns = batch * geometry.fine_channels * math.prod(case.kernel) * math.prod(geometry.coarse)
    places = math.prod(2 * r + 1 for r in reach(case))  # one element's neighbourhood, in one channel
    copies = (10 if case.dtype == "float64" else 7) + (8 if grad else 0)
    numbers = copies * operands + 20 * output + 3 * response + columns + 12 * places
    if not case.transposed:  # else the neighbourhood is a window of the one channel's response
        numbers += places * case.input[1] // case.groups * math.prod(case.kernel)
    if case.values == "digits":
        numbers += 4 * max(axis.coarse * axis.kernel for axis in geometry.axes)
    return _NUMBER * numbers


def gib(count: int) -> str:
    """Write a number of bytes for people."""
    return f"{count / 2**30:.3g} GiB"
