"""Which narrower precisions the values of a case cannot tell from the one that is due."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from parity.cases.arrays import Array, numpy_dtype
from parity.frameworks.precision import Mode
from parity.verdict.bounds import keeps, rounded_operands
from parity.verdict.formats import BITS, ROUNDINGS, to_dtype
from parity.verdict.reference import Reference

_FORMATS: dict[str, Callable[[Array], Array]] = {"float32": to_dtype(np.float32), **ROUNDINGS}


def not_ruled_out(reference: Reference, mode: Mode) -> tuple[str, ...]:
    """Name the formats in which operands, or the result, might be, and a result would pass all the same.

    "tf32" stands for operands in it, "bfloat16-result" for a result that went through it. Each is tried: what
    the case gives by rounded numbers is judged as a framework's result would be.

    Args:
        reference: of the case.
        mode: that results are held to; formats that it allows for operands are not named.
    """
    found = _FOUND.setdefault(reference, {})
    matters = (mode.operands, mode.output) if reference.exact else mode  # equal bits are due by any sums
    if matters not in found:
        found[matters] = tuple(_passing(reference, mode))
    return found[matters]


_FOUND: WeakKeyDictionary[Reference, dict[Hashable, tuple[str, ...]]] = WeakKeyDictionary()
"""What was found of a reference: every result of a case is held to it."""


def _passing(reference: Reference, mode: Mode) -> Iterator[str]:
    dtype = reference.case.dtype
    narrower = [name for name in _FORMATS if BITS[name] < BITS[dtype]]
    in_operands, in_result = _largest(reference, *reference.arrays[:2]), _largest(reference, reference.y)
    for name in narrower:
        allowed = mode.operands >= 2.0 ** (1 - BITS[name])
        if not allowed and (
            in_operands <= 2.0 ** BITS[name]
            or _passes(rounded_operands(reference, _FORMATS[name]).y, reference, mode)
        ):
            yield name.lower()
    returned = [name for name in narrower if name != "TF32" and mode.output < 2.0 ** -BITS[name]]
    for name in returned:
        if in_result <= 2.0 ** BITS[name] or _passes(_FORMATS[name](reference.y), reference, mode):
            yield f"{name}-result"


def _largest(reference: Reference, *arrays: Array) -> float:
    """Return the largest integer in magnitude: up to 2**p all are numbers of a format with p bits.

    Of real numbers it is infinity.
    """
    return max(float(np.abs(each).max(initial=0.0)) for each in arrays) if reference.exact else np.inf


def _passes(y: Array, reference: Reference, mode: Mode) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        result: np.ndarray[Any, Any] = y.astype(numpy_dtype(reference.case.dtype))
    if reference.exact:
        return np.array_equal(result.astype(np.float64), reference.y)
    return keeps(result, reference, mode)
