"""The gradients of a case: by which gradient of the output, and what convmm makes of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from convmm.extension import fold
from convmm.reference import compensated, plain
from convmm.reference.compensated import DoubleDouble
from parity.cases.arrays import SIGNIFICAND_BITS, Array, Arrays, numpy_dtype
from parity.cases.case import ZEROS, Case
from parity.cases.values.integers import LARGEST_INTEGER
from parity.frameworks.precision import Mode, accumulator_unknown, flushing
from parity.records.result import Gradients
from parity.verdict.bounds import Sums, only_finite, opposing, without_subnormals
from parity.verdict.compare import Comparison, close, compare
from parity.verdict.diagnosis.whereabouts import (
    differing_places,
    greatest_difference,
    patterns,
    shared_places,
)
from parity.verdict.reference import in_float64, needs_twice_the_digits
from parity.verdict.relation import NO_VERDICT, Observation

Gradient = Literal["input_grad", "weight_grad", "bias_grad"]

_STREAM = 1000
"""Of the seed's random numbers, far from those that the case's own arrays are drawn from."""


@dataclass(frozen=True)
class Expected:
    """What one gradient has to be.

    Attributes:
        sums: by the input (N, C, *spatial), by the kernel in convmm's layout, by the bias (O,).
        exact: every framework's sums are exact, so that a result has to equal it bit by bit.
        settled: where it is settled what a result has to be; broadcast over the gradient.
    """

    sums: Sums
    exact: bool
    settled: Array | bool = True

    @property
    def y(self) -> Array:
        """The gradient, in float64."""
        return self.sums.y

    @property
    def dtype(self) -> str:
        """The case's."""
        return self.sums.dtype

    def largest_errors(self, mode: Mode) -> Array:
        """Return how far each element may be from what it has to be; any distance where that is open."""
        return np.where(self.settled, self.sums.largest_errors(mode), np.inf)


@dataclass(frozen=True)
class Backward:
    """A case's backward pass.

    Attributes:
        dy: the gradient by the output, (N, O, *spatial), of the case's dtype.
        expected: the gradients of the sum of output * dy.
    """

    dy: Array
    expected: Mapping[Gradient, Expected]

    @property
    def gradients(self) -> Gradients:
        """What is kept of it beside the results."""
        return Gradients(self.dy, {name: each.y for name, each in self.expected.items()})


def make_backward(case: Case, arrays: Arrays) -> Backward:
    """Draw a gradient by the case's output, and take the others from it with the NumPy core.

    ``dy`` is of integers where the arrays are: so large that no sum of any gradient exceeds what the dtype
    has exactly. Where ones are too large already, some of its elements are zero. Where that does not help
    either (arrays of numbers that the dtype rounds), that gradient is judged by its bound, as real numbers
    are.
    """
    x, w, _ = wide = arrays.widened()
    integers = all(np.isfinite(a).all() and np.array_equal(a, np.rint(a)) for a in (x, w))
    generator = np.random.default_rng([case.seed, _STREAM])
    drawn = _integers(case, wide, generator) if integers else generator.standard_normal(case.output_shape)
    dy = drawn.astype(numpy_dtype(case.dtype))
    own = dy.astype(np.float64)
    magnitudes, terms = _magnitudes(case, wide, own), _terms(case, wide, own)
    budget = _budget(case)
    exact = {name: integers and bool(each.max(initial=0.0) <= budget) for name, each in magnitudes.items()}
    known = _judge_by(case, wide, own, exact=all(exact.values()))
    of_another_sign = _opposing(case, wide, own, known)
    flushed = _flushed(case, wide, own)
    settled: dict[Gradient, Array | bool] = {
        "input_grad": _settled_by_input(case, w),
        "weight_grad": _settled_by_kernel(case, x),
        "bias_grad": True,
    }
    expected = {
        name: Expected(
            Sums(
                y,
                rest,
                magnitudes[name],
                terms[name],
                terms[name],
                case.dtype,
                parts=_parts(case) if name == "input_grad" else 1,
                opposing=of_another_sign.get(name),
                flushed=flushed.get(name),
            ),
            exact[name],
            settled[name],
        )
        for name, (y, rest) in known.items()
    }
    return Backward(dy, expected)


def _judge_by(case: Case, arrays: Arrays, dy: Array, *, exact: bool) -> dict[Gradient, DoubleDouble]:
    """Return the gradients in float64, or in twice its digits where that is too little to judge by."""
    if not needs_twice_the_digits(case.dtype, exact=exact):
        return {name: in_float64(y) for name, y in gradients(case, arrays, dy).items()}
    by_input = compensated.correlate if case.transposed else compensated.spread
    fine, coarse = (dy, arrays.x) if case.transposed else (arrays.x, dy)
    found: dict[Gradient, DoubleDouble] = {
        "input_grad": by_input(dy, arrays.w, case.geometry),
        "weight_grad": compensated.correlate_weights(fine, coarse, case.geometry),
    }
    if arrays.bias is not None:
        found["bias_grad"] = _total(dy)
    return found


def _total(dy: Array) -> DoubleDouble:
    """Return the sum over all axes but the channels."""
    by_channel = np.moveaxis(dy, 1, 0).reshape(dy.shape[1], dy.size // max(dy.shape[1], 1))
    high = np.array([math.fsum(values) for values in by_channel])
    low = np.array([math.fsum((*values, -total)) for values, total in zip(by_channel, high, strict=True)])
    return DoubleDouble(high, low)


def gradients(case: Case, arrays: Arrays, dy: Array) -> dict[Gradient, Array]:
    """Return the gradients of the sum of output * ``dy``, each in the shape of what it is taken by."""
    by_input = plain.correlate if case.transposed else plain.spread
    fine, coarse = (dy, arrays.x) if case.transposed else (arrays.x, dy)
    with np.errstate(over="ignore", invalid="ignore"):  # infinities and NaN are IEEE results, not accidents
        found: dict[Gradient, Array] = {
            "input_grad": by_input(dy, arrays.w, case.geometry),
            "weight_grad": plain.correlate_weights(fine, coarse, case.geometry),
        }
    if arrays.bias is not None:
        found["bias_grad"] = dy.sum(axis=(0, *range(2, dy.ndim)))
    return found


def observe_gradient(
    name: Gradient, result: Array, expected: Expected, mode: Mode | None = None
) -> Observation:
    """Find out how a gradient relates to what it has to be; of mistakes, no diagnosis is made.

    Args:
        name: of the gradient.
        result: what was computed.
        expected: what it has to be.
        mode: in which precision it is computed; None for any of half types, with subnormals flushed or not.
    """
    comparison = compare(result, expected.y, expected.dtype)
    if not result.size:
        message = None if comparison.shape_equal else greatest_difference(result, expected.y)
        return Observation("empty", (), comparison, message)
    ratio = _ratio(result, expected, comparison, mode or flushing(accumulator_unknown(expected.dtype)))
    if ratio is None:
        return Observation("no verdict", (), comparison, NO_VERDICT)
    if ratio <= 1:
        return Observation("identical", (), comparison, bound_ratio=ratio)
    differing = _differing(name, result, expected, comparison)
    return replace(differing, bound_ratio=ratio if math.isfinite(ratio) else None)


def _differing(name: Gradient, result: Array, expected: Expected, comparison: Comparison) -> Observation:
    sides = greatest_difference(result, expected.y)
    if comparison.allclose:
        why = "but integers have to be exact" if expected.exact else "but beyond the bound of its precision"
        return Observation("numeric", (), comparison, f"it is close, {why}: {sides}")
    parts = ["its values are unrelated to the reference", sides]
    places: tuple[str, ...] = ()
    if comparison.shape_equal:
        wide = result.astype(np.float64)
        same = wide == expected.y if expected.exact else close(wide, expected.y, expected.dtype)
        parts.append(_places(name, ~same))
        places = patterns(shared_places(~same)) if name == "input_grad" else ()
    return Observation("unrelated", (), comparison, "; ".join(parts), places=places)


def _ratio(result: Array, expected: Expected, comparison: Comparison, mode: Mode) -> float | None:
    """Return the largest error over what is allowed."""
    if comparison.exact:
        return 0.0
    if expected.exact or not comparison.shape_equal:
        return math.inf
    return expected.sums.error_ratio(result, mode, expected.settled)


def _settled_by_input(case: Case, w: Array) -> Array | bool:
    """Return where every infinite or undefined weight of an input meets an element of the output.

    An implementation may multiply the others by zeros, which gives NaN, or leave them out.
    """
    wild = ~np.isfinite(w)
    if not wild.any():
        return True
    by_input = plain.correlate if case.transposed else plain.spread
    grids = case.geometry.extended
    met = by_input(np.ones((1, *case.output_shape[1:])), wild.astype(np.float64), grids)
    of_channels = wild if case.transposed else wild.reshape(case.groups, -1, *wild.shape[1:]).swapaxes(1, 2)
    everywhere = of_channels.reshape(case.input[1], -1).sum(axis=1)
    missed = (met != everywhere.reshape(-1, *(1,) * case.rank)).astype(np.float64)
    return np.asarray(fold(missed, case.geometry) == 0)


def _parts(case: Case) -> Array | int:
    """Return of how many gradients by the padded input each one by the input is the sum: (1, 1, *spatial)."""
    if case.filled_with == ZEROS:
        return 1
    geometry = replace(case.geometry, fine_channels=1)
    return fold(np.ones((1, 1, *geometry.extended.fine)), geometry)


def _settled_by_kernel(case: Case, x: Array) -> Array | bool:
    """Return where no infinite or undefined input meets the padding of the gradient by the output.

    An implementation may multiply such an input by the padding's zeros, which gives NaN, or leave it out.
    Only a transposed layer's kernel gradient reads the input on the grid that is not padded.
    """
    wild = ~np.isfinite(x)
    if not case.transposed or not wild.any():
        return True
    inside = plain.correlate_weights(np.ones(case.output_shape), wild.astype(np.float64), case.geometry)
    everywhere = wild.sum(axis=(0, *range(2, x.ndim)))
    return np.asarray(inside == everywhere.reshape(-1, *(1,) * (inside.ndim - 1)))


def _places(name: Gradient, differ: Array) -> str:
    """Say where a gradient differs; only the input's has samples and channels to name."""
    if name == "input_grad":
        return differing_places(differ)
    return f"{np.count_nonzero(differ)} of {differ.size} elements differ"


def _integers(case: Case, arrays: Arrays, generator: np.random.Generator) -> Array:
    """Draw integers with which every sum stays exact, if any do that, with zeros only if need be."""
    shape, budget = case.output_shape, _budget(case)
    signs: Array = generator.choice((-1, 1), shape)
    largest = int(budget // _most(case, arrays, np.ones(shape)))
    if largest:
        magnitudes = generator.integers(1, min(largest, LARGEST_INTEGER), shape, endpoint=True)
        return signs * magnitudes
    count = math.prod(shape)
    order = generator.permutation(count).reshape(shape)
    while count > 1 and _most(case, arrays, order < count) > budget:
        count //= 2
    return signs * (order < count)


def _most(case: Case, arrays: Arrays, dy: Array) -> float:
    """Return the largest sum of magnitudes in any of the gradients, at least 1."""
    sums = _magnitudes(case, arrays, dy.astype(np.float64))
    return max(1.0, *(float(each.max(initial=0.0)) for each in sums.values()))


def _terms(case: Case, arrays: Arrays, dy: Array) -> dict[Gradient, Array]:
    """Return how many products each gradient adds up."""
    return gradients(case, arrays.each(np.ones_like), np.ones_like(dy))


def _magnitudes(case: Case, arrays: Arrays, dy: Array) -> dict[Gradient, Array]:
    """Return each gradient's sums of magnitudes, in float64."""
    return gradients(case, arrays.each(np.abs), np.abs(dy))


def _flushed(case: Case, arrays: Arrays, dy: Array) -> dict[Gradient, DoubleDouble]:
    """Return the gradients where subnormal operands are zeros; none where no operand is subnormal."""
    flushed = arrays.each(lambda array: without_subnormals(array, case.dtype))
    flushed_dy = without_subnormals(dy, case.dtype)
    pairs = (arrays.x, flushed.x), (arrays.w, flushed.w), (dy, flushed_dy)
    if all(np.array_equal(own, other, equal_nan=True) for own, other in pairs):
        return {}
    return _judge_by(case, flushed, flushed_dy, exact=False)


def _opposing(
    case: Case, arrays: Arrays, dy: Array, known: Mapping[Gradient, DoubleDouble]
) -> dict[Gradient, Array]:
    """Return the magnitudes of each gradient's products of another sign than an infinite sum, if any is."""
    if not any(np.isinf(y).any() for y, _ in known.values()):
        return {}
    of_finite = arrays.each(only_finite)
    in_all, added = _magnitudes(case, of_finite, dy), gradients(case, of_finite, dy)
    return {name: opposing(y, in_all[name], added[name]) for name, (y, _) in known.items()}


def _budget(case: Case) -> int:
    """Return the integer up to which the dtype has all."""
    return int(2 ** SIGNIFICAND_BITS[case.dtype])
