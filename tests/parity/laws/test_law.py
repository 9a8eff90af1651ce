"""The laws, tried on plain functions."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from parity.cases.arrays import Array, Arrays
from parity.cases.values.drawing import draw_arrays
from parity.laws.law import (
    FACTOR,
    SIZES,
    Finding,
    NoValueError,
    adds_bias,
    find,
    is_adjoint,
    is_independent,
    is_independent_of_threads,
    is_linear,
    repeats,
    split,
)
from parity.verdict.reference import sums_are_exact
from tests.support.strategies import cases, examples

FEW = st.integers(1, 5)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def integers(*shape: int, seed: int = 1) -> Array:
    """Non-zero ones."""
    drawn = np.random.default_rng(seed).integers(1, 9, shape)
    return (drawn * np.where(drawn % 2, 1, -1)).astype(np.float32)


def given_arrays(samples: int = 2) -> Arrays:
    return Arrays(integers(samples, 2, 5), integers(2, 2, 1), integers(2, seed=2))


def scale(given: Arrays) -> Array:
    """A convolution of one tap and as many channels, each by its own number."""
    assert given.bias is not None
    return given.x * given.w[:, :1, 0].reshape(1, -1, 1) + given.bias.reshape(1, -1, 1)


# Parts


@given(arrays(np.float32, st.tuples(FEW, FEW), elements=st.integers(-256, 256)), FEW)
def test_the_parts_of_an_array_add_up_and_are_nowhere_larger(whole: Array, seed: int) -> None:
    first, second = split(whole, generator(seed))
    assert np.array_equal(FACTOR * first + second, whole)
    assert (np.abs(first) <= np.abs(whole)).all()
    assert (np.abs(second) <= np.abs(whole)).all()
    assert first.dtype == second.dtype == whole.dtype
    assert ((first != 0) | (second != 0))[whole != 0].all()
    assert (first != 0)[np.abs(whole) > 1].all()


@examples(100)
@given(cases(values=("integers",)), FEW)
def test_sums_of_the_parts_are_exact(case: Any, seed: int) -> None:  # noqa: ANN401 - a case
    given = draw_arrays(case)
    for x in split(given.x, generator(seed)):
        for w in split(given.w, generator(seed)):
            assert sums_are_exact(case, given._replace(x=x, w=w))


# Each law holds of what obeys it, and names the element of what does not


def test_a_right_function_obeys_every_law() -> None:
    whole = given_arrays()
    found = [
        repeats(scale, whole),
        is_independent(scale, whole),
        is_independent(scale, given_arrays(1)),
        is_independent_of_threads(scale, scale, whole),
        is_linear(lambda x: scale(Arrays(x, whole.w, np.zeros(2, np.float32))), whole.x, generator()),
        adds_bias(scale, whole),
    ]
    assert [finding.status for finding in found] == ["holds"] * 6
    assert [finding.max_difference for finding in found] == [0.0] * 6


@given(place=st.tuples(*(st.integers(0, size - 1) for size in (2, 2, 5))), by=st.integers(1, 100))
def test_a_law_names_the_element_that_breaks_it(place: tuple[int, ...], by: int) -> None:
    calls = 0

    def spoilt_later(given: Arrays) -> Array:
        nonlocal calls
        calls += 1
        y = scale(given)
        if calls > 1:
            y[place] += by
        return y

    finding = repeats(spoilt_later, given_arrays())
    assert finding.status == "broken"
    assert finding.where == place
    assert finding.max_difference == by
    assert f"at sample {place[0]}, channel {place[1]}, position ({place[2]})" in finding.message
    assert "1 of 20 elements" in finding.message


def test_bits_are_what_has_to_repeat() -> None:
    signs = iter((1, -1))
    finding = repeats(lambda given: 0 * scale(given) * next(signs), given_arrays())
    assert finding.status == "broken"
    assert finding.max_difference == 0


@pytest.mark.parametrize("values", [(np.nan, -np.nan), (0.0, -0.0)], ids=str)
def test_the_same_value_in_other_bits_is_said(values: tuple[float, float]) -> None:
    later = iter(values)
    finding = repeats(lambda given: np.full_like(given.x, next(later)), given_arrays())
    assert (finding.status, finding.max_difference) == ("broken", 0)
    assert "the same in other bits" in finding.message


@pytest.mark.parametrize("samples", [1, 2, 3, 5])
@pytest.mark.parametrize("size", SIZES)
def test_batches_of_several_sizes_are_tried_at_several_places(samples: int, size: int) -> None:
    for place in {0, 1, size // 2, size - 1}:

        def wrong(given: Arrays, place: int = place) -> Array:
            y = scale(given)
            if len(y) == size:
                y[place] += 1
            return y

        finding = is_independent(wrong, given_arrays(samples))
        assert finding.status == "broken"
        assert f"f of a batch of {size} is" in finding.message
        assert f"at place {place} of the batch is" in finding.message


@pytest.mark.parametrize("samples", [1, 2, 3, 5])
def test_every_sample_is_tried_at_more_than_one_place(samples: int) -> None:
    given = given_arrays(samples)
    places: set[tuple[int, int]] = set()

    def noted(now: Arrays) -> Array:
        for place, sample in enumerate(now.x if len(now.x) > 1 else ()):
            places.update(
                (number, place) for number, own in enumerate(given.x) if np.array_equal(own, sample)
            )
        return scale(now)

    assert is_independent(noted, given).status == "holds"
    for number in range(samples):
        assert len({place for which, place in places if which == number}) > 1


@pytest.mark.parametrize("size", SIZES)
def test_a_batch_of_every_size_begins_with_more_than_one_sample(size: int) -> None:
    given = given_arrays(5)

    def wrong(now: Arrays) -> Array:
        return scale(now) + (len(now.x) == size and not np.array_equal(now.x[0], given.x[0]))

    assert is_independent(wrong, given).status == "broken"


def test_a_large_case_is_tried_in_batches_of_its_own_samples_only() -> None:
    sizes = set()

    def noted(given: Arrays) -> Array:
        sizes.add(len(given.x))
        return given.x[..., :1]

    large = Arrays(np.ones((3, 1, 2**21), np.float32), np.ones((1, 1, 1), np.float32), None)
    finding = is_independent(noted, large)
    assert (finding.status, sizes) == ("holds", {1, 2, 3})
    assert finding.message.endswith("batches, of 2, 3")


@pytest.mark.parametrize("junk", [np.nan, 1.0])
@pytest.mark.parametrize("threads", [1, 2])
def test_bits_that_change_at_a_second_call_with_two_threads_are_found(junk: float, threads: int) -> None:
    calls = 0

    def later(given: Arrays) -> Array:
        nonlocal calls
        calls += 1
        return scale(given) + (junk if calls == threads else 0)

    finding = is_independent_of_threads(scale, later, given_arrays())
    assert finding.status == "broken"
    assert finding.message.startswith("its bits change with the number of threads: f with one thread is ")


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_samples_that_mix_are_not_independent(samples: int) -> None:
    finding = is_independent(
        lambda given: scale(given) + given.x.mean(axis=0, keepdims=True), given_arrays(samples)
    )
    assert finding.status == "broken"


@pytest.mark.parametrize(
    "change", [np.abs, lambda y: np.clip(y, -3, 3), lambda y: y + 1, np.square], ids=range(4)
)
def test_what_is_not_linear_is_found(change: Any) -> None:  # noqa: ANN401 - any function of an array
    finding = is_linear(change, integers(2, 3, 4), generator())
    assert finding.status == "broken"
    assert finding.where is not None
    assert finding.max_difference


@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_never_passes(junk: float) -> None:
    x = integers(2, 3, 4)
    finding = is_linear(lambda x: np.full_like(x, junk), x, generator())
    also = is_adjoint(lambda x: np.full_like(x, junk), lambda y: np.full_like(y, junk), x, x, generator())
    assert (finding.status, finding.max_difference) == ("broken", None)
    assert (also.status, also.max_difference) == ("broken", None)


@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf])
def test_a_difference_from_what_is_no_number_is_the_greatest(junk: float) -> None:
    outputs = [integers(2, 3, 4), integers(2, 3, 4) + 1]
    outputs[1][1, 2, 3] = junk
    later = iter(outputs)
    finding = repeats(lambda _: next(later), given_arrays())
    assert finding.where == (1, 2, 3)
    assert finding.max_difference is None
    assert "24 of 24 elements" in finding.message


@pytest.mark.parametrize("factor", [0, 2, -1])
def test_a_bias_is_added_once(factor: int) -> None:
    def biased(given: Arrays) -> Array:
        assert given.bias is not None
        return scale(given._replace(bias=factor * given.bias))

    finding = adds_bias(biased, given_arrays())
    assert finding.status == "broken"


def test_outputs_of_other_shapes_break_a_law() -> None:
    def longer(x: Array) -> Array:
        return np.resize(x, (1, 1, int(np.abs(x).sum()) + 1))

    finding = find(lambda: is_linear(longer, integers(1, 1, 4), generator()))
    assert finding.status == "broken"
    assert "has shape" in finding.message
    x = integers(1, 1, 4)
    finding = find(lambda: is_adjoint(lambda x: x[..., :-1], lambda y: y, x, x, generator()))
    assert finding == Finding("broken", "f(x) has shape 1x1x3, and y has 1x1x4")


# The adjoint

MATRICES = st.tuples(FEW, FEW).flatmap(lambda shape: arrays(np.float64, shape, elements=st.integers(-9, 9)))


def multiplied(x: Array, matrix: Array) -> Array:
    return np.asarray(x @ matrix)


@given(MATRICES, st.integers(1, 3))
def test_a_transposed_matrix_is_the_adjoint(matrix: Array, samples: int) -> None:
    n, m = matrix.shape
    x, y = integers(samples, 1, n), integers(samples, 1, m, seed=2)
    finding = is_adjoint(
        lambda x: multiplied(x, matrix), lambda y: multiplied(y, matrix.T), x, y, generator()
    )
    assert (finding.status, finding.max_difference) == ("holds", 0.0)


@given(MATRICES, st.integers(1, 3), st.data())
def test_one_wrong_element_of_the_adjoint_is_found(matrix: Array, samples: int, data: st.DataObject) -> None:
    n, m = matrix.shape
    i, j = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, m - 1))
    wrong = matrix.copy()
    wrong[i, j] += data.draw(st.integers(1, 5))
    x, y = integers(samples, 1, n), integers(samples, 1, m, seed=2)
    finding = is_adjoint(lambda x: multiplied(x, matrix), lambda y: multiplied(y, wrong.T), x, y, generator())
    assert finding.status == "broken"
    assert finding.where is not None
    assert finding.where[1:] == (0, j)
    assert f"({finding.where[0]}, 0, {i}) of x" in finding.message
    assert f"factor {matrix[i, j]:.0f} and f* {wrong[i, j]:.0f}" in finding.message


def test_errors_that_cancel_each_other_in_the_whole_are_mostly_found_in_its_parts() -> None:
    x, y = np.ones((1, 1, 16), np.float32), np.ones((1, 1, 1), np.float32)
    wrong = np.resize([1.0, -1.0], (16, 1))
    assert (x @ wrong).sum() == 0
    found = [
        is_adjoint(lambda x: 0 * x[..., :1], lambda y: multiplied(y, wrong.T), x, y, generator(seed))
        for seed in range(20)
    ]
    assert sum(finding.status == "broken" for finding in found) > 10


def test_where_halving_does_not_end_at_one_element_none_is_named() -> None:
    def odd(x: Array) -> Array:  # 0 for anything but a whole
        return x if np.count_nonzero(x) > 3 else np.zeros_like(x)

    x = np.ones((1, 1, 5), np.float32)
    finding = is_adjoint(odd, np.zeros_like, x, x, generator(3))
    assert finding.status == "broken"
    assert finding.where is None
    assert "between" not in finding.message


# What a call without a value does


def test_a_call_without_a_value_breaks_its_law() -> None:
    def nothing(_: Array) -> Array:
        raise NoValueError("it raised ValueError: no")

    finding = find(lambda: is_linear(nothing, integers(1, 1, 2), generator()))
    assert finding == Finding("broken", "it raised ValueError: no")
    assert finding.to_dict() == {
        "status": "broken",
        "max_difference": None,
        "where": None,
        "message": "it raised ValueError: no",
    }
