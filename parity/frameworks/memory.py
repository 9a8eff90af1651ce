"""How much memory a layer takes in its framework's process."""

from __future__ import annotations

import math

from parity.cases.arrays import numpy_dtype
from parity.cases.case import Case
from parity.cases.memory import gib
from parity.frameworks.interface import Framework
from parity.frameworks.spelling import Spelling

_ACCUMULATOR = 4
"""Bytes of a number that half types are summed up in."""


def bytes_taken(found: Framework, spelling: Spelling, *, grad: bool = False) -> int:
    """Return what it takes at most to hand the layer its arrays, to call it, and to return what it gives.

    The factors are how many arrays of a kind are alive at once, the most of any framework: the task's arrays
    and copies of these; the layer's own input, padding around it included, in the order of the framework and
    that of its kernels; its weights as they are initialised, converted and set; its output, before crops.

    Args:
        found: whose layer it is.
        spelling: the layer.
        grad: its backward pass is run.
    """
    case, inner = spelling.meaning, spelling.computes
    size = numpy_dtype(case.dtype).itemsize
    operands = math.prod(case.input) + math.prod(case.kernel_shape)
    weights, outputs = math.prod(inner.kernel_shape), math.prod(inner.output_shape)
    read = math.prod(inner.input if inner.transposed else (*inner.input[:2], *inner.geometry.extended.fine))
    numbers = 2 * operands + 3 * read + 5 * weights + 4 * outputs
    numbers += math.prod(case.output_shape)
    if grad:
        numbers += read + 3 * weights + outputs
    return size * numbers + (_unfolded(inner, size, grad=grad) if found.unfolds(inner) else 0)


def why_too_large(spelling: Spelling, taken: int, room: int) -> str:
    """Say that a layer needs more memory than there is room for."""
    inner = spelling.computes
    what = f"a kernel of shape {inner.kernel_shape} and an input of {inner.input}"
    return (
        f"the layer, with {what}, needs about {gib(taken)} of memory in its framework's process: allowed is "
        f"what is free beside the case's own, {gib(room)}"
    )


def _unfolded(case: Case, size: int, *, grad: bool) -> int:
    """Return the bytes of all that the taps read at all places, by a kernel that is no direct one.

    Of half types transposed layers and backward passes hold it in the type that they are summed up in.
    """
    geometry = case.geometry
    numbers = case.input[0] * geometry.fine_channels * math.prod(geometry.coarse) * math.prod(case.kernel)
    if size >= _ACCUMULATOR or not (grad or case.transposed):
        return size * numbers
    return _ACCUMULATOR * numbers * (2 if grad else 1)
