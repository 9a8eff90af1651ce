"""What each gradient has to be, and what one is found to be beside it."""

from __future__ import annotations

import numpy as np
import pytest

from parity import Case
from parity.cases.arrays import Array, Arrays, numpy_dtype
from parity.cases.values.drawing import draw_arrays
from parity.verdict.compare import compare
from parity.verdict.gradients import Expected, Gradient, make_backward, observe_gradient
from parity.verdict.relation import NO_VERDICT, Observation
from tests.support.strategies import changed

LAYER = Case("conv2d", (2, 2, 4, 4), 3, 2, bias=True)
ONE = Case("conv1d", (1, 1, 1), 1, 1, values="normal")


def expected_of(case: Case, name: Gradient) -> Expected:
    return make_backward(case, draw_arrays(case)).expected[name]


def of_one_tap(values: Array, dtype: str) -> tuple[Case, Arrays]:
    """A kernel of a single 1 on these values."""
    case = Case("conv1d", (1, 1, len(values)), 1, 1, dtype=dtype)
    x = np.asarray(values, numpy_dtype(dtype)).reshape(case.input)
    return case, Arrays(x, np.ones_like(x, shape=(1, 1, 1)), None)


# The gradient by the output


@pytest.mark.parametrize("values", ["normal", "wide", "special"])
def test_real_numbers_have_a_real_gradient_by_the_output(values: str) -> None:
    case = changed(LAYER, values=values)
    dy = make_backward(case, draw_arrays(case)).dy
    assert not np.array_equal(dy, np.rint(dy))


def test_the_gradient_by_the_output_is_not_one_of_the_arrays_again() -> None:
    case = Case("conv1d", (1, 1, 17), 1, 9, bias=True, values="normal")
    arrays = draw_arrays(case)
    drawn = make_backward(case, arrays).dy.ravel()
    for array in (arrays.x, *arrays.weights):
        first = array.ravel()[: drawn.size]
        assert not np.array_equal(drawn[: first.size], first)


def test_integers_are_drawn_from_all_that_keep_the_sums_exact() -> None:
    case, arrays = of_one_tap(np.eye(1, 200)[0], "bfloat16")
    backward = make_backward(case, arrays)
    magnitudes = np.abs(backward.dy.astype(int))
    assert magnitudes.min() >= 1
    assert 128 < magnitudes.max() <= 256
    assert len(np.unique(magnitudes)) > 100
    assert all(each.exact for each in backward.expected.values())


@pytest.mark.parametrize(
    ("values", "left"),
    [([2048] * 2, 1), ([1024] * 4, 2), ([512] * 8, 4), ([600] * 5, 2)],
    ids=str,
)
def test_half_of_the_ones_are_left_until_the_sums_are_exact(values: list[int], left: int) -> None:
    case, arrays = of_one_tap(np.array(values), "float16")
    backward = make_backward(case, arrays)
    assert np.abs(backward.dy).sum() == np.count_nonzero(backward.dy) == left
    assert all(each.exact for each in backward.expected.values())


# What a gradient is found to be


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_gradient_of_more_terms_than_the_bound_can_speak_of_has_no_verdict(dtype: str) -> None:
    expected = expected_of(Case("conv1d", (1, 1, 300), 1, 3, dtype=dtype, values="normal"), "weight_grad")
    result = expected.y + 1
    comparison = compare(result, expected.y, dtype)
    found = observe_gradient("weight_grad", result, expected)
    assert found == Observation("no verdict", (), comparison, NO_VERDICT)


def test_a_gradient_at_its_bound_is_identical() -> None:
    zero, half = np.zeros((1, 1, 1), np.float32), np.full((1, 1, 1), 1.5, np.float32)
    expected = make_backward(ONE, Arrays(zero, half, None)).expected["weight_grad"]
    result = np.full((1, 1, 1), 2.0**-125, np.float32)
    comparison = compare(result, expected.y, "float32")
    found = observe_gradient("weight_grad", result, expected)
    assert found == Observation("identical", (), comparison, bound_ratio=1.0)
    assert observe_gradient("weight_grad", 2 * result, expected).relation == "numeric"


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (changed(ONE, values="integers"), "it is close, but integers have to be exact: greatest difference "),
        (ONE, "it is close, but beyond the bound of its precision: greatest difference "),
    ],
    ids=["integers", "normal"],
)
def test_a_gradient_that_is_close_says_why_that_is_not_enough(case: Case, said: str) -> None:
    expected = expected_of(case, "input_grad")
    result = expected.y * (1 + 2**-20)
    comparison = compare(result, expected.y, "float32")
    assert comparison.allclose
    found = observe_gradient("input_grad", result, expected)
    ratio = None if expected.exact else pytest.approx(16, rel=1e-3)
    assert found == Observation("numeric", (), comparison, found.message, ratio)  # type: ignore[arg-type] # equal to one
    assert str(found.message).startswith(said)


@pytest.mark.parametrize(("values", "differing"), [("integers", 2), ("normal", 1)])
@pytest.mark.parametrize("name", ["input_grad", "weight_grad"])
def test_an_unrelated_gradient_says_what_is_not_as_it_has_to_be(
    name: Gradient, values: str, differing: int
) -> None:
    expected = expected_of(changed(LAYER, values=values), name)
    result = expected.y.copy()
    result[0, 0, 0, 1] += 7
    result[-1, -1, -1, -1] *= 1 + 2**-22  # within tolerances, which integers do not have
    found = observe_gradient(name, result, expected)
    assert (found.relation, found.offsets) == ("unrelated", ())
    text = "its values are unrelated to the reference; greatest difference 7 at index (0, 0, 0, 1): "
    counted = f"; {differing} of {result.size} elements differ"
    assert str(found.message).startswith(text)
    assert counted in str(found.message)
    places = str(found.message).partition(counted)[2]
    assert ("first at index (0, 0, 0, 1)" in places) == (name == "input_grad")
    assert places == "" or name == "input_grad"


def test_an_infinite_error_has_no_ratio() -> None:
    expected = expected_of(ONE, "input_grad")
    found = observe_gradient("input_grad", np.full_like(expected.y, np.nan), expected)
    assert (found.relation, found.bound_ratio) == ("unrelated", None)
