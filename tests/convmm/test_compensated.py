"""Sums in twice the digits: held against exact fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import assume, given, settings
from numpy.typing import NDArray

from convmm.geometry import Geometry, conv_geometry, conv_transpose_geometry
from convmm.reference import compensated, plain
from tests.convmm.strategies import Example, conv_transposes, convs
from tests.support import naive

Array = NDArray[Any]

to_fractions = np.vectorize(Fraction, otypes=[object])
to_floats = np.vectorize(float, otypes=[float])

few = settings(max_examples=60)
"""Loops over fractions are slow."""


def reals(example: Example, spans: tuple[int, int]) -> tuple[Array, Array]:
    """An input and a kernel of either sign, with exponents that are spread so far."""
    rng = np.random.default_rng(example.seed)
    shapes = example.x_shape, example.w_shape
    x, w = (
        rng.standard_normal(shape) * 2.0 ** rng.integers(-span, span, shape, endpoint=True)
        for shape, span in zip(shapes, spans, strict=True)
    )
    return x, w


def conv_of(example: Example) -> Geometry:
    return conv_geometry(example.x_shape, example.w_shape, **example.arguments)


def transposed_of(example: Example) -> Geometry:
    return conv_transpose_geometry(example.x_shape, example.w_shape, **example.arguments)


def check(found: compensated.DoubleDouble, exact: Array, magnitude: Array) -> None:
    """Rounded to nearest, and the rest so small an error that 40 more bits are right."""
    np.testing.assert_array_equal(found.high, to_floats(exact))
    error = abs(to_fractions(found.high) + to_fractions(found.low) - exact)
    assert (error <= Fraction(2) ** -93 * magnitude).all()


spans = st.tuples(st.integers(0, 60), st.integers(0, 60))


@few
@given(convs(), spans)
def test_correlate_has_twice_the_digits(example: Example, spans: tuple[int, int]) -> None:
    x, w = reals(example, spans)
    fractions = to_fractions(x), to_fractions(w)
    exact, magnitude = (naive.conv(*each, **example.arguments) for each in (fractions, map(abs, fractions)))
    check(compensated.correlate(x, w, conv_of(example)), exact, magnitude)


@few
@given(conv_transposes(), spans)
def test_spread_has_twice_the_digits(example: Example, spans: tuple[int, int]) -> None:
    x, w = reals(example, spans)
    fractions = to_fractions(x), to_fractions(w)
    exact, magnitude = (
        naive.conv_transpose(*each, **example.arguments) for each in (fractions, map(abs, fractions))
    )
    check(compensated.spread(x, w, transposed_of(example)), exact, magnitude)


@few
@given(convs(), spans)
def test_the_three_sums_are_of_the_same_products(example: Example, spans: tuple[int, int]) -> None:
    x, w = reals(example, spans)
    geometry = conv_of(example)
    y = np.random.default_rng(example.seed + 1).standard_normal(
        (len(x), geometry.coarse_channels, *geometry.coarse)
    )
    pairings = (
        (compensated.correlate(x, w, geometry), y),
        (compensated.spread(y, w, geometry), x),
        (compensated.correlate_weights(x, y, geometry), w),
    )
    totals = [
        ((to_fractions(found.high) + to_fractions(found.low)) * to_fractions(with_it)).sum()
        for found, with_it in pairings
    ]
    magnitude = (plain.correlate(np.abs(x), np.abs(w), geometry) * np.abs(y)).sum()
    assert max(totals) - min(totals) <= Fraction(2) ** -90 * Fraction(float(magnitude))


@few
@given(convs(), st.integers(-500, 500))
def test_a_power_of_two_changes_the_exponents_alone(example: Example, exponent: int) -> None:
    x, w = reals(example, (3, 3))
    geometry = conv_of(example)
    once, scaled = (compensated.correlate(np.ldexp(x, e), w, geometry) for e in (0, exponent))
    for before, after in zip(once, scaled, strict=True):
        np.testing.assert_array_equal(np.ldexp(before, exponent), after)


@given(convs())
def test_integers_leave_nothing_over(example: Example) -> None:
    x, w = (array.astype(float) for array in example.arrays())
    found = compensated.correlate(x, w, conv_of(example))
    np.testing.assert_array_equal(found.high, plain.correlate(x, w, conv_of(example)))
    assert not found.low.any()


@given(
    convs(),
    st.sampled_from([np.inf, -np.inf, np.nan, np.finfo(float).max, -np.finfo(float).max, 5e-324]),
    st.integers(0, 2**16),
    st.sampled_from([1.0, 1e-10, 1e10, 0.0]),
)
def test_what_is_not_finite_is_as_plain_float64_has_it_and_disturbs_nothing_else(
    example: Example, special: float, place: int, scale: float
) -> None:
    x, w = reals(example, (3, 3))
    assume(x.size)
    w = w * scale
    geometry = conv_of(example)
    calm = compensated.correlate(x, w, geometry)
    x.flat[place % x.size] = special
    found = compensated.correlate(x, w, geometry)
    with np.errstate(over="ignore", invalid="ignore"):
        expected = plain.correlate(x, w, geometry)
    wild = ~np.isfinite(expected)
    np.testing.assert_array_equal(found.high[wild], expected[wild])
    assert not found.low[wild].any()
    assert np.isfinite(found.low).all()
    apart = ~plain.correlate(
        (np.arange(x.size).reshape(x.shape) == place % x.size).astype(float), np.ones_like(w), geometry
    ).astype(bool)
    np.testing.assert_array_equal(found.high[apart], calm.high[apart])


@given(st.lists(st.floats(-1e300, 1e300), min_size=3, max_size=3))
def test_a_term_is_added_with_its_error(terms: list[float]) -> None:
    high, low, term = (np.array([each]) for each in terms)
    value = compensated.DoubleDouble(high, np.zeros(1)).plus(low * 2.0**-40)
    found = value.plus(term)
    exact = Fraction(terms[0]) + Fraction(float(low[0] * 2.0**-40)) + Fraction(terms[2])
    error = abs(Fraction(float(found.high[0])) + Fraction(float(found.low[0])) - exact)
    assert error <= Fraction(2) ** -100 * sum(map(abs, map(Fraction, terms)))


def test_a_sum_that_cancels_in_float64_does_not_here() -> None:
    x, w = np.array([[[1e16, 1.0, -1e16]]]), np.ones((1, 1, 3))
    geometry = conv_geometry(x.shape, w.shape)
    assert plain.correlate(x, w, geometry).item() in {0.0, 2.0}
    assert compensated.correlate(x, w, geometry).high.item() == 1


def test_sums_of_zeros_are_zero() -> None:
    geometry = conv_geometry((1, 2, 3), (2, 2, 2))
    found = compensated.correlate(np.zeros((1, 2, 3)), np.ones((2, 2, 2)), geometry)
    assert found.high.shape == found.low.shape == (1, 2, 2)
    assert not found.high.any()
    assert not found.low.any()
