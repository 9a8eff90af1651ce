"""Two arrays side by side: shape and dtype first, then the values, all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parity.cases.arrays import Array

TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
}
"""(rtol, atol) by dtype: those of ``torch.testing.assert_close``."""


@dataclass(frozen=True)
class Comparison:
    """What two arrays have in common.

    Attributes:
        shape_equal: the shapes are the same; nothing is ever broadcast.
        allclose: every element is within the dtype's tolerances of the reference, a NaN equal to a NaN;
            None where there is no element to compare. False where the shapes differ.
        exact: every element has the reference's value, -0.0 equal to 0.0; None as above.
        max_abs_error: the largest absolute difference; None where there is none to take: no element,
            another shape, or an infinite or undefined difference.
    """

    shape_equal: bool
    allclose: bool | None
    exact: bool | None
    max_abs_error: float | None


def compare(result: Array, reference: Array, dtype: str) -> Comparison:
    """Compare a result with a reference, in float64, under the tolerances of ``dtype``."""
    if result.shape != reference.shape:
        return Comparison(shape_equal=False, allclose=False, exact=False, max_abs_error=None)
    if not result.size:
        return Comparison(shape_equal=True, allclose=None, exact=None, max_abs_error=None)
    a, b = result.astype(np.float64), reference.astype(np.float64)
    exact = bool(equal(a, b).all())
    return Comparison(
        shape_equal=True,
        allclose=exact or bool(close(a, b, dtype).all()),
        exact=exact,
        max_abs_error=0.0 if exact else _max_abs_error(a, b),
    )


def close(a: Array, b: Array, dtype: str) -> Array:
    """Return where float64 ``a`` is within the dtype's tolerances of ``b``."""
    rtol, atol = TOLERANCES[dtype]
    with np.errstate(over="ignore"):  # a difference beyond the largest number is no close one
        return np.asarray(np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=True))


def equal(a: Array, b: Array) -> Array:
    """Return where two arrays have the same value, a NaN equal to a NaN and -0.0 to 0.0."""
    return np.asarray((a == b) | (np.isnan(a) & np.isnan(b)))


def distances(a: Array, b: Array) -> Array:
    """Return how far float64 ``a`` is from ``b``: 0 where they are equal, NaN where no number says it."""
    with np.errstate(invalid="ignore", over="ignore"):  # infinities, and numbers as large
        return np.where(equal(a, b), 0.0, np.abs(a - b))


def _max_abs_error(a: Array, b: Array) -> float | None:
    largest = float(distances(a, b).max())
    return largest if np.isfinite(largest) else None
