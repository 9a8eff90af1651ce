"""What every result is compared with: a case computed by the NumPy core, in float64.

Where a result is of float64 and not exact, in twice the digits: the reference's own rounding must not count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from convmm.geometry import Geometry
from convmm.reference import compensated, plain
from convmm.reference.compensated import DoubleDouble
from parity.cases.arrays import SIGNIFICAND_BITS, Array, Arrays
from parity.cases.case import Case
from parity.verdict.compare import close

_MOST_WORK = 2**32
"""Multiplications in which other outputs may be looked for, about: seconds."""

_OVERHEAD = 2**20
"""Multiplications in the time that it takes to compute the smallest output, about."""


@dataclass(frozen=True, eq=False)
class Reference:
    """A case's arrays in float64, what they give, and whether a result has to equal it bit by bit.

    Attributes:
        case: the case.
        arrays: its input, kernel and bias, widened to float64.
        y: the output, (N, O, *spatial), in float64.
        rest: what ``y`` lacks of the exact output, in the same shape: zeros but where results are of float64
            and not exact.
        exact: every framework's sums are exact, so that a tolerance would only hide errors.
    """

    case: Case
    arrays: Arrays
    y: Array
    rest: Array
    exact: bool

    def compute(self, arrays: Arrays | None = None, geometry: Geometry | None = None) -> Array:
        """Compute the output of other arrays, or by another geometry, in float64."""
        own = self.case
        return _compute(arrays or self.arrays, geometry or own.geometry, transposed=own.transposed)

    def judge_by(self, arrays: Arrays | None = None, geometry: Geometry | None = None) -> DoubleDouble:
        """Compute as :meth:`compute` does, with what float64 results are judged by beside it."""
        return _judge_by(self.case, arrays or self.arrays, geometry or self.case.geometry, exact=self.exact)

    @property
    def affordable(self) -> int:
        """How many outputs like this one may be computed in search of another one, at least 1."""
        case = self.case
        places, channels = (
            (case.input, case.filters) if case.transposed else (case.output_shape, case.input[1])
        )
        per_place = math.prod(case.kernel) * (channels // case.groups + 8)  # 8: each operand is moved as well
        return 1 + _MOST_WORK // (_OVERHEAD + math.prod(places) * per_place)

    def equal(self, a: Array, b: Array) -> Array:
        """Return where float64 ``a`` is ``b`` as this case tells: to the bit, or within tolerances.

        Other outputs of an exact case may have integers that are too large for the dtype, and are rounded.
        """
        if not self.exact:
            return close(a, b, self.case.dtype)
        same, too_large = a == b, np.abs(b) > 2 ** SIGNIFICAND_BITS[self.case.dtype]
        return np.asarray(same | (too_large & close(a, b, self.case.dtype)) if too_large.any() else same)

    def first_sample(self) -> Reference:
        """Return the reference of the first sample alone."""
        case = replace(self.case, input=(1, *self.case.input[1:]))
        arrays = self.arrays._replace(x=self.arrays.x[:1])
        return replace(self, case=case, arrays=arrays, y=self.y[:1], rest=self.rest[:1])

    def flipped(self) -> Reference:
        """Return the reference of the kernel flipped on every axis."""
        axes = tuple(range(2, 2 + self.case.rank))
        arrays = self.arrays._replace(w=np.ascontiguousarray(np.flip(self.arrays.w, axes)))
        y, rest = self.judge_by(arrays)
        return replace(self, arrays=arrays, y=y, rest=rest)

    def plane(self, sample: int, channel: int) -> Reference:
        """Return one output channel of one sample, and no more input channels than it is computed from."""
        group, filter_of_group = divmod(channel, self.case.filters // self.case.groups)
        count = self.case.input[1] // self.case.groups
        x, w, bias = self.arrays
        read = slice(group * count, (group + 1) * count)
        one = slice(channel, channel + 1)
        arrays = Arrays(
            x[sample : sample + 1, read],
            w[read, filter_of_group : filter_of_group + 1] if self.case.transposed else w[one],
            None if bias is None else bias[one],
        )
        case = replace(self.case, input=(1, count, *self.case.input[2:]), filters=1, groups=1)
        own = np.s_[sample : sample + 1, one]
        return replace(self, case=case, arrays=arrays, y=self.y[own], rest=self.rest[own])


def make_reference(case: Case, arrays: Arrays) -> Reference:
    """Compute the case with the NumPy core."""
    wide, exact = arrays.widened(), sums_are_exact(case, arrays)
    y, rest = _judge_by(case, wide, case.geometry, exact=exact)
    return Reference(case, wide, y, rest, exact)


def sums_are_exact(case: Case, arrays: Arrays) -> bool:
    """Return whether every partial sum, in any order, is an integer that the dtype has: bits are equal then.

    The condition is S = max over outputs of sum |x||w| + |b| <= 2**p, for integers (Higham, Accuracy and
    Stability of Numerical Algorithms, section 3.1: exact operations make no rounding error).
    """
    wide = [np.abs(a.astype(np.float64)) for a in arrays if a is not None]
    if not all(np.isfinite(a).all() and np.array_equal(a, np.rint(a)) for a in wide):
        return False
    most = 2.0 ** SIGNIFICAND_BITS[case.dtype]
    x, w, bias = (each.max(initial=0.0) for each in (*wide, np.zeros(0))[:3])
    products = case.input[1] // case.groups * math.prod(case.kernel)
    with np.errstate(over="ignore", invalid="ignore"):  # too large is not exact
        if products * x * w + bias <= most:  # an output adds up so many at most
            return True
        kernel = plain.spread if case.transposed else plain.correlate
        return bool(kernel(wide[0], wide[1], case.geometry).max(initial=0.0) + bias <= most)


def needs_twice_the_digits(dtype: str, *, exact: bool) -> bool:
    """Return whether float64 is too little to judge a result of this dtype by."""
    return dtype == "float64" and not exact


def in_float64(values: Array) -> DoubleDouble:
    """Widen values of which nothing more is known."""
    return DoubleDouble(values, np.broadcast_to(0.0, values.shape))


def along_channels(bias: Array, rank: int) -> Array:
    """Shape one value per channel so that it is broadcast over (N, O, *spatial)."""
    return bias.reshape(-1, *(1,) * rank)


def _judge_by(case: Case, arrays: Arrays, geometry: Geometry, *, exact: bool) -> DoubleDouble:
    if not needs_twice_the_digits(case.dtype, exact=exact):
        return in_float64(_compute(arrays, geometry, transposed=case.transposed))
    y = (compensated.spread if case.transposed else compensated.correlate)(arrays.x, arrays.w, geometry)
    return y if arrays.bias is None else y.plus(along_channels(arrays.bias, len(geometry.axes)))


def _compute(arrays: Arrays, geometry: Geometry, *, transposed: bool) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):  # infinities and NaN are IEEE results, not accidents
        y = (plain.spread if transposed else plain.correlate)(arrays.x, arrays.w, geometry)
        return y if arrays.bias is None else y + along_channels(arrays.bias, len(geometry.axes))
