"""Mistakes in the values alone: computed in a narrower format, or off by a factor."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from parity.cases.arrays import SIGNIFICAND_BITS, Array, Arrays
from parity.verdict.compare import close
from parity.verdict.diagnosis.suspect import Output
from parity.verdict.formats import ROUNDINGS, to_dtype
from parity.verdict.reference import Reference


def reduced_precision(result: Array, reference: Reference) -> Iterator[Output]:
    """Try operands or results rounded to a narrower format."""
    x, w, bias = reference.arrays
    for name, rounded in ROUNDINGS.items():
        y = reference.compute(Arrays(rounded(x), rounded(w), None if bias is None else rounded(bias)))
        yield Output(f"the operands are rounded to {name}", y)
        yield Output(f"the result is rounded to {name}", _either_way(rounded, reference.y, result))
        text = f"the operands and the result are rounded to {name}"
        yield Output(text, _either_way(rounded, y, result))
    if SIGNIFICAND_BITS[reference.case.dtype] > SIGNIFICAND_BITS["float32"]:
        yield Output("the result is rounded to float32", to_dtype(np.float32)(reference.y))
        if not reference.exact:
            text = "it is computed in float32: within its tolerances, not within the case's"
            yield Output(text, _where_close(result, reference.y, "float32"))


def _where_close(result: Array, values: Array, dtype: str) -> Array:
    """Return the values, with the result's own in place of those that it is close to."""
    return np.where(close(result, values, dtype), result, values) if result.shape == values.shape else values


def _either_way(rounded: Callable[[Array], Array], values: Array, result: Array) -> Array:
    """Round the values; those that the last bits of a sum may push to either side, to the result's side."""
    down, up = rounded(values * (1 - 2**-20)), rounded(values * (1 + 2**-20))
    return up if result.shape != up.shape else np.where(result == down, down, up)


def scaled(result: Array, reference: Reference) -> Iterator[Output]:
    """Try the reference times a constant, rounded or not."""
    y, dtype = reference.y, reference.case.dtype
    if result.shape != y.shape or not np.isfinite(result).all():
        return
    largest = np.unravel_index(int(np.argmax(np.abs(y))), y.shape)
    if not y[largest]:
        yield Output("the values are zeros, as the reference's are", y)
        return
    factor = float(result[largest] / y[largest])
    if factor and not close(result, y, dtype).all():
        text = f"the values are {factor:.6g} times the reference's"
        yield Output(text, _where_close(result, factor * y, dtype))
