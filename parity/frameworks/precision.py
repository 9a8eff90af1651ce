"""In which precision a result is computed: what its rounding errors follow from."""

from __future__ import annotations

from dataclasses import dataclass, replace

ROUNDOFF = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}
"""Unit roundoff of each dtype."""


@dataclass(frozen=True)
class Mode:
    """In which precision a result is computed.

    Attributes:
        name: in words.
        operands: relative error of each product by rounding its operands.
        accumulator: unit roundoff of the partial sums.
        output: unit roundoff of the result.
        bias_apart: the sum is rounded to the output's precision before the bias is added in it.
        taps: unit roundoff of each tap's sum of products, and of the sums of these; 0.0 where there are none.
        flushes: numbers below the smallest normal one may be taken for zeros, or become zeros.
        of_integers: integers are rounded, too, whose sums would be exact in the dtype: the framework itself
            has chosen a narrower one.
        products: unit roundoff of each product by itself; 0.0 where none is rounded before it is added.
    """

    name: str
    operands: float
    accumulator: float
    output: float
    bias_apart: bool = False
    taps: float = 0.0
    flushes: bool = False
    of_integers: bool = False
    products: float = 0.0


def accumulated_in_float32(dtype: str, *, bias_apart: bool = False) -> Mode:
    """Return the mode of what keeps half types' sums in float32, and others' in their own."""
    if dtype in {"float16", "bfloat16"}:
        name = f"{dtype}, sums in float32" + (", bias added after rounding" if bias_apart else "")
        return Mode(name, 0.0, ROUNDOFF["float32"], ROUNDOFF[dtype], bias_apart)
    return Mode(dtype, 0.0, ROUNDOFF[dtype], 0.0)


def accumulated_by_tap(dtype: str) -> Mode:
    """Return the mode of a float32 matrix product whose columns of a half type are added up in that type."""
    if dtype in {"float16", "bfloat16"}:
        name = f"{dtype}, sums of each tap in float32"
        return Mode(name, 0.0, ROUNDOFF["float32"], ROUNDOFF[dtype], bias_apart=True, taps=ROUNDOFF[dtype])
    return accumulated_in_float32(dtype)


def products_rounded(dtype: str) -> Mode:
    """Return the mode of products that are rounded to a half type, and then summed up in float32."""
    mode = accumulated_in_float32(dtype, bias_apart=True)
    if dtype not in {"float16", "bfloat16"}:
        return mode
    return replace(mode, name=f"{dtype}, rounded products, sums in float32", products=ROUNDOFF[dtype])


def accumulator_unknown(dtype: str) -> Mode:
    """Return the mode of an implementation that may keep sums in the narrow type itself."""
    if dtype in {"float16", "bfloat16"}:
        return Mode(f"{dtype}, sums in any precision", 0.0, ROUNDOFF[dtype], ROUNDOFF[dtype], bias_apart=True)
    return accumulated_in_float32(dtype)


def cut_off(dtype: str) -> Mode:
    """Return the mode of what sums half types up in float32 and drops the digits beyond them."""
    name = f"{dtype}, sums in float32, cut off instead of rounded"
    return Mode(name, 0.0, ROUNDOFF["float32"], 2 * ROUNDOFF[dtype])


def flushing(mode: Mode) -> Mode:
    """Return the mode of what computes so and flushes subnormal numbers to zero."""
    return replace(mode, name=f"{mode.name}, subnormals flushed to zero", flushes=True)


FLOAT32 = Mode("float32", 2 * 2.0**-24, 2.0**-24, 0.0)
TF32 = Mode("TF32", 2 * 2.0**-10, 2.0**-23, 0.0)
BFLOAT16 = Mode("bfloat16", 2 * 2.0**-8, 2.0**-24, 2.0**-8)
FLOAT16_SUMS = Mode("float16 sums", 2 * 2.0**-11, 2.0**-11, 2.0**-11)


def ladder(dtype: str) -> tuple[tuple[Mode, ...], ...]:
    """Return ways to compute less precise than a dtype's own: most precise first, equals together."""
    if dtype in {"float16", "bfloat16"}:
        return (
            (accumulated_in_float32(dtype, bias_apart=True), cut_off(dtype)),
            (accumulated_by_tap(dtype), accumulator_unknown(dtype)),
        )
    narrower = (TF32,), (BFLOAT16,), (FLOAT16_SUMS,)
    return ((FLOAT32,), *narrower) if dtype == "float64" else narrower
