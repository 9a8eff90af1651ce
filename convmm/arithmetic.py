"""In which dtype a result is computed, and in which it is returned."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.geometry.arguments import GeometryError

HALF = frozenset({"float16", "bfloat16"})
_FLOATING = frozenset({"float32", "float64", "longdouble", np.dtype(np.longdouble).name})
_EXACT_IN_FLOAT64 = 2**53
_EXACT_IN_INT64 = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Dtypes:
    """The dtype to compute in, and the one to return."""

    working: np.dtype[Any]
    result: np.dtype[Any]

    @property
    def unrounded(self) -> Dtypes:
        """The same for sums that are added up further: returned in the dtype that they are computed in."""
        return Dtypes(self.working, self.working)

    def cast(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the array in the dtype to compute in, itself where it has that already."""
        return array.astype(self.working, copy=False)


def dtypes_for(*arrays: NDArray[Any], terms: int) -> Dtypes:
    """Choose the dtypes for a sum of products of these arrays.

    Half types are computed in float32 and rounded once. Integers are computed in float64, which is exact
    and has a fast matrix product, where no sum can exceed 2**53, and in int64 otherwise.

    Args:
        arrays: two to multiply, such as input and kernel, and perhaps a bias to add.
        terms: products that one output adds up, at most.

    Raises:
        GeometryError: a dtype that is neither floating (float16, bfloat16, float32, float64, longdouble)
            nor integer or boolean.
        OverflowError: integers whose sums could exceed int64.
    """
    common = _common_dtypes(*[array.dtype for array in arrays])
    return Dtypes(_exact_working_dtype(arrays, terms), np.dtype(np.int64)) if common is None else common


@functools.cache
def _common_dtypes(*dtypes: np.dtype[Any]) -> Dtypes | None:
    """Return the dtypes for sums of products of these; None for integers, whose values decide."""
    if all(dtype.kind in "iub" for dtype in dtypes):
        return None
    described = ", ".join(map(str, dtypes))
    try:
        common = np.result_type(*dtypes).newbyteorder("=")
    except TypeError:
        msg = f"dtypes {described} of the arrays have no common dtype; convert them first"
        raise GeometryError(msg) from None
    if common.name not in HALF | _FLOATING:
        msg = f"dtypes {described} of the arrays: allowed are float16, bfloat16, float32, float64, integers"
        raise GeometryError(msg)
    return Dtypes(np.dtype(np.float32) if common.name in HALF else common, common)


def _exact_working_dtype(arrays: Sequence[NDArray[Any]], terms: int) -> np.dtype[Any]:
    x, w, *rest = (_largest_magnitude(array) for array in arrays)
    largest = x * w * terms + sum(rest)
    if largest > _EXACT_IN_INT64:
        msg = f"integer sums of up to {largest} may exceed int64; convert the arrays to float64"
        raise OverflowError(msg)
    return np.dtype(np.float64 if largest <= _EXACT_IN_FLOAT64 else np.int64)


def _largest_magnitude(array: NDArray[Any]) -> int:
    return max(int(array.max()), -int(array.min())) if array.size else 0
