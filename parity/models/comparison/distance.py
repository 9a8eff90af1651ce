"""How far two arrays are apart, as a whole."""

from __future__ import annotations

import math

import numpy as np

from parity.cases.arrays import Array


def distance(a: Array, b: Array) -> float:
    """Return the norm of the difference over that of ``a``: 0.0 for equal arrays, infinite for other shapes.

    An infinity is equal to itself, and a NaN to a NaN.
    """
    if a.shape != b.shape:
        return math.inf
    if a.dtype == b.dtype and np.array_equal(a, b):
        return 0.0
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        difference = wide_a - wide_b
        difference[(wide_a == wide_b) | (np.isnan(wide_a) & np.isnan(wide_b))] = 0
        finite = np.where(np.isfinite(wide_a), wide_a, 0)
        apart, size = float(np.linalg.norm(difference)), float(np.linalg.norm(finite))
    if math.isnan(apart):
        return math.inf
    return apart / size if size else (math.inf if apart else 0.0)
