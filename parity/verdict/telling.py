"""What values tell: those that a function which computes nothing would give as well tell nothing."""

from __future__ import annotations

import numpy as np

from parity.cases.arrays import Array, is_constant

_FEW = 1 / 2
"""The share of finite elements below which a comparison is said to be of few."""


def finite_share(values: Array) -> float | None:
    """Return the share of the elements that are finite; None of none."""
    return float(np.isfinite(values.astype(np.float64)).mean()) if values.size else None


def compared_values(result: Array, due: Array) -> Array:
    """Return those of the values that are due which, as the result beside them, are finite: flat."""
    values: Array = due[np.isfinite(result.astype(np.float64)) & np.isfinite(due)]
    return values


def nothing_told(finite: Array, size: int) -> str | None:
    """Say why a result that is as it is due tells nothing, if so: zeros, or no number at all, would do.

    Args:
        finite: the values of :func:`compared_values`.
        size: of the whole output.
    """
    if not finite.size:
        return f"nothing was compared: none of the {size} elements is finite"
    if not finite.any():
        return "nothing was compared: every finite element is zero, as of a function that returns zeros"
    return None


def little_told(finite: Array, size: int) -> str | None:
    """Say why a result that is as it is due tells little, if so; arguments as of :func:`nothing_told`."""
    if size == 1:
        return "a single element was compared"
    if is_constant(finite):
        return f"every element that was compared is {finite.flat[0]:.6g}, as of a function that returns that"
    if finite.size < _FEW * size:
        return f"few elements were compared: {finite.size} of {size} are finite"
    return None
