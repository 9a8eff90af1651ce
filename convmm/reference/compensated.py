"""The three sums in about twice the digits of float64: what a float64 result can be judged by.

Each operand is cut into slices of so few significant bits that every sum of products of two slices is exact
in float64, in any order, with fused multiplications or without. The exact sums, one for each pair of slices,
are then added up with the error of every addition kept (Ozaki, Ogita, Oishi and Rump, "Error-free
transformations of matrix multiplication by using fast routines of matrix multiplication", Numerical
Algorithms 59 (2012); Ogita, Rump and Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26 (2005)).

So the cost is that of 16 to 25 matrix products, where a compensated dot product passes over all outputs that
often for each single term. ``np.longdouble`` is no substitute: it has 64 bits on x86, on other machines no
more than float64, and nowhere a fast matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convmm.geometry.grids import Geometry
from convmm.reference import plain

Array = NDArray[Any]

_SIGNIFICAND_BITS = 53
"""Of float64, which has every integer up to 2**53."""


class DoubleDouble(NamedTuple):
    """An unevaluated sum of two float64 arrays of one shape.

    ``high`` is the value rounded to float64 and ``low`` what that lacks. Where a value is infinite or
    undefined, or finite operands overflow on the way to it, ``high`` is what plain float64 gives, ``low`` 0.
    """

    high: Array
    low: Array

    def plus(self, term: Array) -> DoubleDouble:
        """Return the sum of the value and a float64 array, which is broadcast to its shape."""
        with np.errstate(over="ignore", invalid="ignore"):
            high, error = _two_sum(self.high, term)
            return _settled(high, self.low + error, self.high + term)


def correlate(x: Array, w: Array, geometry: Geometry) -> DoubleDouble:
    """Sum as :func:`convmm.reference.plain.correlate` does, of float64 arrays."""
    return _summed(plain.correlate, x, w, geometry, geometry.most_terms)


def spread(y: Array, w: Array, geometry: Geometry) -> DoubleDouble:
    """Sum as :func:`convmm.reference.plain.spread` does, of float64 arrays."""
    return _summed(plain.spread, y, w, geometry, geometry.most_terms)


def correlate_weights(fine: Array, coarse: Array, geometry: Geometry) -> DoubleDouble:
    """Sum as :func:`convmm.reference.plain.correlate_weights` does, of float64 arrays."""
    return _summed(plain.correlate_weights, fine, coarse, geometry, len(fine) * math.prod(geometry.coarse))


def _summed(
    kernel: Callable[[Array, Array, Geometry], Array], a: Array, b: Array, geometry: Geometry, terms: int
) -> DoubleDouble:
    """Compute one of the three sums, each of at most so many terms."""
    bits = (_SIGNIFICAND_BITS - (terms - 1).bit_length()) // 2  # so that terms * 2**bits * 2**bits <= 2**53
    with np.errstate(over="ignore", invalid="ignore"):  # infinities and NaN are IEEE results, not accidents
        fallback = kernel(a, b, geometry)
        high, low = np.zeros_like(fallback), np.zeros_like(fallback)
        for one in _slices(a, bits):
            for other in _slices(b, bits):  # anew, as they may be many
                high, error = _two_sum(high, kernel(one, other, geometry))
                low += error
        return _settled(high, low, fallback)


def _slices(array: Array, bits: int) -> Iterator[Array]:
    """Yield arrays that add up to this one's finite elements, each of integers below 2**bits in some unit.

    The unit follows from the largest element that is left: where the elements lie in few clusters, there are
    few slices, however far apart the clusters are.
    """
    rest = np.where(np.isfinite(array), array, 0.0)
    while largest := float(np.abs(rest).max(initial=0.0)):
        unit = math.frexp(largest)[1] - bits
        cut = np.ldexp(np.trunc(np.ldexp(rest, -unit)), unit)
        yield cut
        rest = rest - cut


def _two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Return the rounded sum and its error, together exact (Knuth's TwoSum)."""
    total = a + b
    of_b = total - a
    return total, (a - (total - of_b)) + (b - of_b)


def _settled(high: Array, low: Array, fallback: Array) -> DoubleDouble:
    """Return the two normalised; the fallback where one of the three is infinite or undefined."""
    high, low = _two_sum(high, low)
    wild = ~(np.isfinite(high) & np.isfinite(low) & np.isfinite(fallback))
    return DoubleDouble(np.where(wild, fallback, high), np.where(wild, 0.0, low))
