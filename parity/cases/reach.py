"""How far from its own place a case's result is looked for."""

from __future__ import annotations

import math

from parity.cases.case import Case

_MOST_PRODUCTS = 2**24
"""Products of which the neighbourhood of one element is summed up at most, 128 MiB of them."""


def reach(case: Case) -> list[int]:
    """Return the largest offset on each axis, in both directions: less than all of them in large cases.

    It is the kernel's extent and the stride, or what the case's padding drops or adds.
    """
    found = [max(axis.extent + axis.stride, axis.before, axis.after) for axis in case.geometry.axes]
    products = case.input[1] // case.groups * math.prod(case.kernel)
    while (
        not case.transposed and products * math.prod(2 * r + 1 for r in found) > _MOST_PRODUCTS and any(found)
    ):
        found = [r // 2 for r in found]
    return found
