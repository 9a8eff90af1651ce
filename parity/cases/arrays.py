"""Arrays of a case, and the dtypes that they are of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SIGNIFICAND_BITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
"""Width of the narrowest significand in which a framework may keep a partial sum of this dtype."""


class Arrays(NamedTuple):
    """Input (N, C, *spatial), kernel in convmm's layout and bias (O,) or None, all of the case's dtype."""

    x: Array
    w: Array
    bias: Array | None

    @property
    def weights(self) -> list[Array]:
        """The kernel, and the bias where there is one."""
        return [self.w] if self.bias is None else [self.w, self.bias]

    @property
    def nbytes(self) -> int:
        """Of all the arrays together."""
        return sum(array.nbytes for array in (self.x, *self.weights))

    def each(self, change: Callable[[Array], Array]) -> Arrays:
        """Return what ``change`` makes of each array; no bias stays none."""
        return Arrays(change(self.x), change(self.w), None if self.bias is None else change(self.bias))

    def copies(self) -> Arrays:
        """Return new arrays with the same values, which a callee may do with as it likes."""
        return self.each(np.copy)

    def widened(self) -> Arrays:
        """Return the same values in float64."""
        return self.each(lambda array: array.astype(np.float64))


def numpy_dtype(name: str) -> np.dtype[Any]:
    """Return the NumPy dtype of this name, bfloat16 included."""
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def quiet(array: Array) -> Array:
    """Make an array's signalling NaNs quiet ones, in place, and return it.

    Memory that nobody has written holds any bits, and arithmetic warns of a signalling NaN (IEEE 754-2019,
    6.2).
    """
    with np.errstate(invalid="ignore"):
        missing = np.isnan(array)
        if missing.any():
            array[missing] += 0
    return array


def limit_of(dtype: str, name: str) -> float:
    """Return a number of this floating dtype by its name in ``finfo``, such as "max"."""
    return float(getattr(ml_dtypes.finfo(numpy_dtype(dtype)), name))  # type: ignore[no-untyped-call] # it has no types


def is_constant(values: Array) -> bool:
    """Return whether a function that returns one number everywhere would give all finite elements."""
    finite = values[np.isfinite(values)]
    return not finite.size or bool((finite == finite.flat[0]).all())
