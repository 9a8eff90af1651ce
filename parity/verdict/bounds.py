"""How far apart two correct results may be: a bound that follows from the case itself.

For every output element, with y the exact sum, A = |x| * |w| + |b| and n the number of its terms, all by the
case's own operation,

    |result - y| <= (alpha + n * u_acc + m * u_tap) * A + u_out * |y| + n * (smallest normal)

where the mode says how operands are rounded (alpha), in what the sum is kept (u_acc) and in what it is
returned (u_out). Where the products of each of the m taps are summed up apart, the taps' sums are rounded and
added up in another precision (u_tap). Of a float64 result y is known in twice its digits, of others in
float64. That n * u may stand for n * u / (1 - n * u) is Rump, Bünger and Jeannerod, "Improved error bounds
for floating-point products and Horner's scheme", BIT 56 (2016). Where n * u_acc + m * u_tap exceeds 0.1 the
bound says nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from convmm.geometry import Geometry
from parity.cases.arrays import Array, Arrays, limit_of
from parity.frameworks.precision import ROUNDOFF, Mode, ladder
from parity.verdict.compare import equal
from parity.verdict.formats import ROUNDINGS
from parity.verdict.reference import Reference, along_channels

_MOST_ROUNDOFF = 0.1
"""Of n * u_acc + m * u_tap, beyond which a bound says nothing."""


@dataclass(frozen=True)
class Sums:
    """Sums of products, and what their rounding errors depend on.

    Attributes:
        y: the sums, in float64.
        rest: what they lack of the exact sums; broadcast over them.
        magnitude: the sums of the products' magnitudes.
        terms: how many products each has; broadcast over the sums.
        taps: how many taps these are of; broadcast over the sums.
        dtype: in which a result is returned.
        before_bias: the sums without the bias, where there is one.
    """

    y: Array
    rest: Array
    magnitude: Array
    terms: Array
    taps: Array
    dtype: str
    before_bias: Array | None = None

    def error_ratio(self, result: Array, mode: Mode, settled: Array | bool = True) -> float | None:  # noqa: FBT001, FBT002 - NumPy's own `where`
        """Return the largest error over its bound, where it is settled; None where that says nothing."""
        roundoff = self._roundoff(mode)
        if roundoff.max(initial=0.0) > _MOST_ROUNDOFF:
            return None
        y, found = self.y, result.astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            bound = self._bound(mode, roundoff)
            difference = np.where(equal(found, y), 0.0, found - y)
            error = np.abs(difference - self.rest)
            overflown = _overflows(found, np.abs(y) + bound, self.dtype) & (np.sign(found) == np.sign(y))
        error[np.isnan(error)] = np.inf
        error[overflown] = 0
        bound[~np.isfinite(bound)] = np.finfo(np.float64).tiny  # beside infinities only equality will do
        with np.errstate(over="ignore"):
            return float(np.max(error / bound, initial=0.0, where=settled))

    def largest_errors(self, mode: Mode) -> Array:
        """Return how far from its sum an element of a result may be: not at all beside infinities."""
        with np.errstate(invalid="ignore", over="ignore"):
            bound = self._bound(mode, self._roundoff(mode))
        return np.where(np.isfinite(bound), bound, 0.0)

    def _roundoff(self, mode: Mode) -> Array:
        """Return the roundoff of the partial sums, relative to the magnitude."""
        return self.terms * mode.accumulator + self.taps * mode.taps

    def _bound(self, mode: Mode, roundoff: Array) -> Array:
        bound = (mode.operands + roundoff) * self.magnitude
        bound = bound + mode.output * np.abs(self.y) + _underflow(self.dtype, mode, self.terms)
        if mode.bias_apart and self.before_bias is not None:
            bound += mode.output * (1 + mode.output) * np.abs(self.before_bias)
        return bound


def error_ratio(
    result: Array, reference: Reference, mode: Mode, geometry: Geometry | None = None
) -> float | None:
    """Return the largest error of a result over its bound; None where the bound says nothing.

    A NaN is equal to a NaN and an infinity to itself; any other difference from them is infinite. Elements
    at which an infinite or undefined input stands in a hole of the kernel, beside no tap, do not count: an
    implementation may or may not multiply it by zero.

    Args:
        result: of the shape that the geometry gives.
        reference: of the case.
        mode: in which precision the result is computed.
        geometry: of another window, in place of the case's own.
    """
    sums = _sums(reference, geometry or reference.case.geometry)
    return sums.error_ratio(result, mode, _settled(reference, geometry or reference.case.geometry))


def largest_errors(reference: Reference, mode: Mode) -> Array:
    """Return how far each element may be from the reference; any distance where it does not count."""
    sums = _sums(reference, reference.case.geometry)
    return np.where(_settled(reference, reference.case.geometry), sums.largest_errors(mode), np.inf)


def keeps(result: Array, reference: Reference, mode: Mode, geometry: Geometry | None = None) -> bool:
    """Return whether a result is within the bound of this mode; arguments as of :func:`error_ratio`."""
    ratio = error_ratio(result, reference, mode, geometry)
    return ratio is not None and ratio <= 1


def narrower_precision(result: Array, reference: Reference, mode: Mode) -> str | None:
    """Name what a result beyond its own mode's bound was computed in, as far as that can be told.

    Rounded operands explain it best: with them, it keeps its own bound. Next is a result that has none but
    a narrower format's numbers, where the right one has others. Else it is the most precise of the narrower
    modes whose bound it keeps.
    """
    operands = [
        name for name, rounded in ROUNDINGS.items() if keeps(result, _rounded(reference, rounded), mode)
    ]
    if operands:
        return f"its operands are rounded to {' or '.join(operands)}"
    with np.errstate(over="ignore"):
        right = reference.y.astype(result.dtype)
    results = [name for name, rounded in ROUNDINGS.items() if _is_rounded(result, right, rounded)]
    if results:
        return f"its result is rounded to {' or '.join(results)}"
    for step in ladder(reference.case.dtype):
        fitting = [each.name for each in step if keeps(result, reference, each)]
        if fitting:
            return f"it is within the bound of {' or of '.join(fitting)}"
    return None


def _is_rounded(result: Array, right: Array, rounded: Callable[[Array], Array]) -> bool:
    """Return whether a rounding leaves the result as it is, changes the right one, and overflows with it."""
    found, due = result.astype(np.float64), right.astype(np.float64)
    cut = rounded(due)
    return (
        np.array_equal(rounded(found), found, equal_nan=True)
        and not np.array_equal(cut, due, equal_nan=True)
        and np.array_equal(np.isfinite(found), np.isfinite(cut))
    )


def _rounded(reference: Reference, rounded: Callable[[Array], Array]) -> Reference:
    """Return the reference of operands in a narrower format."""
    x, w, bias = reference.arrays
    arrays = Arrays(rounded(x), rounded(w), bias)
    y, rest = reference.judge_by(arrays)
    return replace(reference, arrays=arrays, y=y, rest=rest)


def _sums(reference: Reference, geometry: Geometry) -> Sums:
    arrays = reference.arrays
    own = geometry == reference.case.geometry
    y, rest = (reference.y, reference.rest) if own else reference.judge_by(geometry=geometry)
    before = None if arrays.bias is None else y - along_channels(arrays.bias, len(geometry.axes))
    magnitude = reference.compute(arrays.each(np.abs), geometry)
    terms, taps = _terms(reference, geometry)
    return Sums(y, rest, magnitude, terms, taps, reference.case.dtype, before)


def _overflows(found: Array, magnitude: Array, dtype: str) -> Array:
    """Return where a result is infinite because the dtype ends below the exact value."""
    return np.asarray(np.isinf(found) & (magnitude >= limit_of(dtype, "max")))


def _underflow(dtype: str, mode: Mode, terms: Array) -> Array:
    """Return what is lost where partial sums, or the result, fall below the smallest normal number."""
    sums = limit_of("float64" if dtype == "float64" else "float32", "smallest_normal")
    smallest = limit_of(dtype, "smallest_normal")
    kept_narrow = ROUNDOFF[dtype] in {mode.accumulator, mode.taps}
    return terms * (smallest if kept_narrow else sums) + smallest


def _terms(reference: Reference, geometry: Geometry) -> tuple[Array, Array]:
    """Return how many products each output element adds up, and of how many taps; and its bias, in both.

    The same in all samples and channels.
    """
    count = reference.case.input[1] // reference.case.groups
    taps = _over_one_channel(np.ones((1, 1, *reference.case.input[2:])), reference, geometry)
    bias = reference.arrays.bias is not None
    return taps * count + bias, taps + bias


def _settled(reference: Reference, geometry: Geometry) -> Array:
    """Return where no infinite or undefined input stands in a hole of the kernel; broadcast."""
    x = reference.arrays.x
    wild = ~np.isfinite(x)
    if not wild.any() or max(geometry.dilation) == 1:
        return np.ones((1,) * x.ndim, bool)
    near = np.asarray(wild.any(axis=(0, 1), keepdims=True), np.float64)
    met = _over_one_channel(near, reference, geometry)
    spanned = _over_one_channel(near, reference, _without_holes(geometry))
    return np.asarray(met == spanned)


def _without_holes(geometry: Geometry) -> Geometry:
    """Return the same windows under a kernel that has a tap wherever the own one has a hole."""
    axes = (replace(axis, kernel=axis.extent, dilation=1) for axis in geometry.axes)
    return replace(geometry, axes=tuple(axes))


def _over_one_channel(x: Array, reference: Reference, geometry: Geometry) -> Array:
    """Return the operation with a kernel of ones on one channel: (1, 1, *sizes)."""
    one = replace(geometry, fine_channels=1, coarse_channels=1, groups=1)
    return reference.compute(reference.arrays._replace(x=x, w=np.ones((1, 1, *one.kernel)), bias=None), one)
