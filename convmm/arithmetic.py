"""In which dtype a result is computed, and in which it is returned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from convmm.geometry import GeometryError

HALF = frozenset({"float16", "bfloat16"})
_FLOATING = frozenset({"float32", "float64", "longdouble", np.dtype(np.longdouble).name})
_EXACT_IN_FLOAT64 = 2**53
_EXACT_IN_INT64 = 2**63 - 1


def in_working_dtype(compute: Callable[..., NDArray[Any]], *operands: ArrayLike, terms: int) -> NDArray[Any]:
    """``compute(*operands)``, with every operand in the dtype that the sums are made in.

    Half types are computed in float32 and rounded once. Integers are computed in float64, which is exact
    and has a fast matrix product, where no sum can exceed 2**53, and in int64 otherwise.

    Args:
        compute: takes the operands, as arrays, and returns their result.
        operands: two to multiply, such as input and kernel, and perhaps a bias to add.
        terms: products that one output adds up, at most.

    Raises:
        GeometryError: a dtype that is neither floating (float16, bfloat16, float32, float64, longdouble)
            nor integer or boolean.
        OverflowError: integers whose sums could exceed int64.
    """
    arrays = [np.asarray(operand) for operand in operands]
    if all(array.dtype.kind in "iub" for array in arrays):
        return _exact_integers(compute, arrays, terms)
    common = _common_dtype(arrays)
    working = np.dtype(np.float32) if common.name in HALF else common
    with np.errstate(over="ignore", invalid="ignore"):  # infinities and NaN are IEEE results, not accidents
        return _in(working, compute, arrays).astype(common, copy=False)


def _common_dtype(arrays: list[NDArray[Any]]) -> np.dtype[Any]:
    described = ", ".join(str(array.dtype) for array in arrays)
    try:
        common = np.result_type(*(array.dtype for array in arrays)).newbyteorder("=")
    except TypeError:
        msg = f"dtypes {described} of the arrays have no common dtype; convert them first"
        raise GeometryError(msg) from None
    if common.name not in HALF | _FLOATING:
        msg = f"dtypes {described} of the arrays: allowed are float16, bfloat16, float32, float64, integers"
        raise GeometryError(msg)
    return common


def _exact_integers(
    compute: Callable[..., NDArray[Any]], arrays: list[NDArray[Any]], terms: int
) -> NDArray[Any]:
    x, w, *rest = (_largest_magnitude(array) for array in arrays)
    largest = x * w * terms + sum(rest)
    if largest <= _EXACT_IN_FLOAT64:
        return _in(np.float64, compute, arrays).astype(np.int64)
    if largest > _EXACT_IN_INT64:
        msg = f"integer sums of up to {largest} may exceed int64; convert the arrays to float64"
        raise OverflowError(msg)
    return _in(np.int64, compute, arrays)


def _largest_magnitude(array: NDArray[Any]) -> int:
    return max(int(array.max()), -int(array.min())) if array.size else 0


def _in(dtype: DTypeLike, compute: Callable[..., NDArray[Any]], arrays: list[NDArray[Any]]) -> NDArray[Any]:
    return compute(*(array.astype(dtype, copy=False) for array in arrays))
