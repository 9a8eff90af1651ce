"""A case's output, and how far a result may be from it, from their definitions and in fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from parity.cases.arrays import Array, Arrays
from parity.cases.case import Case
from parity.frameworks.precision import Mode
from tests.support import naive

UNITS = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}
"""Half the distance from 1 to the next number of each dtype."""

SMALLEST = {"float16": 2.0**-14, "bfloat16": 2.0**-126, "float32": 2.0**-126, "float64": 2.0**-1022}
"""The smallest normal number of each dtype."""

fraction = np.vectorize(Fraction, otypes=[object])


class _Item:
    """A number with the ``item`` that NumPy's own have."""

    def __init__(self, number: Fraction) -> None:
        self._number = number

    def item(self) -> Fraction:
        return self._number


def output(case: Case, arrays: Arrays) -> Array:
    """The output of float64 arrays."""
    x, w, bias = arrays.each(fraction)
    if bias is not None:
        bias = np.array([_Item(each) for each in bias])
    function = naive.conv_transpose if case.transposed else naive.conv
    return np.asarray(function(x, w, bias, **case.explicit))


def terms(case: Case, arrays: Arrays) -> Array:
    """How many products each element of the output adds up, and its bias."""
    return output(case, arrays.each(np.ones_like))


def taps(case: Case, arrays: Arrays) -> Array:
    """How many taps these are of, and its bias."""
    ones = arrays.each(np.ones_like)
    without = output(case, ones._replace(bias=None)) // (case.input[1] // case.groups)
    return np.asarray(without + (arrays.bias is not None))


def bounds(case: Case, arrays: Arrays, mode: Mode) -> Array:
    """How far each element of a result may be from exact that is computed in this mode."""
    operands, accumulator, unit = map(Fraction, (mode.operands, mode.accumulator, mode.output))
    count, magnitudes = terms(case, arrays), output(case, arrays.each(np.abs))
    roundoff = operands + count * accumulator + taps(case, arrays) * Fraction(mode.taps)
    bound = roundoff * magnitudes + unit * np.abs(output(case, arrays))
    if mode.bias_apart and arrays.bias is not None:  # rounded before it is added, and once more with it
        bound = bound + unit * (1 + unit) * np.abs(output(case, arrays._replace(bias=None)))
    lost = 4 if case.dtype == "float64" else 1  # of which the reference loses as much
    return np.asarray(bound + lost * count * _smallest_sum(case.dtype, mode) + _smallest(case.dtype, mode))


def errors(case: Case, arrays: Arrays, result: Array, mode: Mode) -> Array:
    """How far each element is from exact; or, if it is nearer, from the sum of operands that are flushed."""
    found = fraction(result)
    error = np.abs(found - output(case, arrays))
    if not mode.flushes:
        return np.asarray(error)
    flushed = arrays.each(lambda array: np.where(np.abs(array) < SMALLEST[case.dtype], 0.0, array))
    return np.asarray(np.minimum(error, np.abs(found - output(case, flushed))))


def _smallest_sum(dtype: str, mode: Mode) -> Fraction:
    """Below which partial sums lose digits: those of half types that are not kept in them are in float32."""
    in_its_own = dtype == "float64" or UNITS[dtype] in {mode.accumulator, mode.taps}
    return _smallest(dtype if in_its_own else "float32", mode)


def _smallest(dtype: str, mode: Mode) -> Fraction:
    """What underflow loses: the smallest number of all, or the smallest normal where they are flushed."""
    return Fraction(SMALLEST[dtype]) * (1 if mode.flushes else 2 * Fraction(UNITS[dtype]))
