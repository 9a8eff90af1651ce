"""How far two arrays are apart, as a whole."""

from __future__ import annotations

import math

import numpy as np

from parity.cases.arrays import Array

_LEAST, _MOST = 1e-25, 1e25
"""Of a sum of squares that float32 keeps well."""


def distance(a: Array, b: Array) -> float:
    """Return the norm of the difference over that of ``a``: 0.0 for equal arrays, infinite for other shapes.

    An infinity is equal to itself, and a NaN to a NaN.
    """
    if a.shape != b.shape:
        return math.inf
    if a.dtype == b.dtype == np.float32:
        with np.errstate(invalid="ignore", over="ignore"):
            apart, size = _squares(a - b), _squares(a)
        if _LEAST < apart < _MOST and _LEAST < size < _MOST:
            return math.sqrt(apart / size)
    return _distance(a.astype(np.float64), b.astype(np.float64))


def _squares(array: Array) -> float:
    flat = array.ravel()
    return float(np.dot(flat, flat))


def _distance(a: Array, b: Array) -> float:
    with np.errstate(invalid="ignore", over="ignore"):
        difference = a - b
        difference[(a == b) | (np.isnan(a) & np.isnan(b))] = 0
        finite = np.where(np.isfinite(a), a, 0)
        apart, size = float(np.linalg.norm(difference)), float(np.linalg.norm(finite))
    if math.isnan(apart):
        return math.inf
    return apart / size if size else (math.inf if apart else 0.0)
