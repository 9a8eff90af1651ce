"""The precisions that a user may say a function of theirs computes in: the names that ``--mode`` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from parity.frameworks.precision import (
    BFLOAT16,
    TF32,
    Mode,
    accumulated_by_tap,
    accumulated_in_float32,
    accumulator_unknown,
    flushing,
)


def _where_float32_is_asked(mode: Mode) -> Callable[[str], Mode]:
    """Compute in this mode where arrays are of float32, and as frameworks do elsewhere."""
    return lambda dtype: mode if dtype == "float32" else accumulated_in_float32(dtype)


def _flushed(mode: Callable[[str], Mode]) -> Callable[[str], Mode]:
    """Compute in this mode, with subnormals flushed to zero."""
    return lambda dtype: flushing(mode(dtype))


ANY_SUMS = "any-sums"

_GRADUAL: Mapping[str, Callable[[str], Mode]] = {
    ANY_SUMS: accumulator_unknown,
    "float32-sums": accumulated_in_float32,
    "float32-sums-then-bias": partial(accumulated_in_float32, bias_apart=True),
    "float32-sums-by-tap": accumulated_by_tap,
    "tf32": _where_float32_is_asked(TF32),
    "bfloat16": _where_float32_is_asked(BFLOAT16),
}

MODES: Mapping[str, Callable[[str], Mode]] = {
    **_GRADUAL,
    **{f"{name}+flush": _flushed(mode) for name, mode in _GRADUAL.items()},
}
"""By name, the mode of each dtype.

"any-sums": sums of half types are kept in any precision, down to the type itself. "float32-sums": they are
kept in float32, the bias among them, and rounded once. "float32-sums-then-bias": they are rounded, and then
the bias is added. "float32-sums-by-tap": the products of each kernel tap are summed up in float32 and
rounded, and these sums added up in the type itself, as by a matrix product into columns and scattered
additions. "tf32" and "bfloat16": where float32 is asked for, operands are rounded to that; other dtypes are
as with "float32-sums". Else, float32 and float64 are summed up in themselves. With "+flush" behind a name,
subnormal numbers may be flushed to zero.
"""
