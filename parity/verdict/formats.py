"""Narrower formats that a framework may compute in, and the rounding to each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from parity.cases.arrays import SIGNIFICAND_BITS, Array


def to_bits(bits: int) -> Callable[[Array], Array]:
    """Make the rounding to so many significant bits, the first included, halves to even."""

    def rounded(values: Array) -> Array:
        fraction, exponent = np.frexp(values)
        scaled: Array = np.ldexp(np.rint(np.ldexp(fraction, bits)), exponent - bits)
        return scaled

    return rounded


def to_dtype(dtype: Any) -> Callable[[Array], Array]:  # noqa: ANN401 - all that NumPy takes for one
    """Make the rounding to this dtype, in float64; beyond its largest number stands infinity."""

    def rounded(values: Array) -> Array:
        with np.errstate(over="ignore"):
            there: Array = values.astype(dtype).astype(np.float64)
        return there

    return rounded


BITS = {**SIGNIFICAND_BITS, "TF32": 11}
"""Significant bits of each format, those of the dtypes among them."""

ROUNDINGS: dict[str, Callable[[Array], Array]] = {
    "bfloat16": to_dtype(ml_dtypes.bfloat16),
    "float16": to_dtype(np.float16),
    "TF32": to_bits(BITS["TF32"]),
}
