from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

from parity.cases.arrays import Array, numpy_dtype
from parity.cases.case import DTYPES
from parity.verdict.compare import TOLERANCES, Comparison, close, compare
from tests.support.strategies import examples

shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4)
any_floats = hnp.arrays(np.float64, shapes, elements=st.floats(width=64))
pairs_of_one_shape = shapes.flatmap(
    lambda shape: st.tuples(*[hnp.arrays(np.float64, shape, elements=st.floats(width=64))] * 2)
)


def compare_values(a: Any, b: Any, dtype: str = "float64") -> Comparison:  # noqa: ANN401 - whatever makes an array
    return compare(np.asarray(a, np.float64), np.asarray(b, np.float64), dtype)


@examples(200)
@given(any_floats, st.sampled_from(DTYPES))
def test_an_array_equals_itself_whatever_is_in_it(values: Array, dtype: str) -> None:
    assert compare(values, values.copy(), dtype) == Comparison(
        shape_equal=True, allclose=True, exact=True, max_abs_error=0.0
    )


@examples(300)
@given(pairs_of_one_shape, st.sampled_from(DTYPES))
def test_what_is_exact_is_close_and_without_error(pair: tuple[Array, Array], dtype: str) -> None:
    found = compare(*pair, dtype)
    assert found.exact == (found.max_abs_error == 0.0)
    assert not (found.exact and not found.allclose)


@examples(200)
@given(any_floats, st.data())
def test_one_changed_element_among_many_is_seen(values: Array, data: st.DataObject) -> None:
    changed = values.copy()
    position = data.draw(st.integers(0, values.size - 1))
    changed.flat[position] = 1.0 if values.flat[position] != 1.0 else 2.0
    found = compare(changed, values, "float64")
    assert found.exact is False
    assert found.max_abs_error != 0.0


@examples(100)
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, min_dims=1, max_dims=4, min_side=1))
def test_nothing_is_broadcast(shapes: hnp.BroadcastableShapes) -> None:
    one, other = shapes.input_shapes
    found = compare(np.ones(one), np.ones(other), "float64")
    assert found.shape_equal == (one == other)
    assert found.allclose == (one == other)
    assert found.exact == (one == other)


def test_a_scalar_equals_no_array_of_its_value() -> None:
    expected = Comparison(shape_equal=False, allclose=False, exact=False, max_abs_error=None)
    assert compare_values(1.0, np.ones((4, 4))) == expected
    assert compare_values(np.ones((4, 4)), 1.0) == expected
    assert compare_values([1.0], np.ones((4, 4))) == expected


def test_arrays_of_the_same_size_and_another_shape_differ() -> None:
    assert not compare_values(np.zeros((2, 3)), np.zeros((3, 2))).shape_equal
    assert not compare_values(np.zeros((2, 0)), np.zeros((0, 2))).shape_equal


@pytest.mark.parametrize("shape", [(0,), (2, 0, 3)])
def test_nothing_compared_is_neither_equal_nor_close(shape: tuple[int, ...]) -> None:
    found = compare(np.zeros(shape), np.zeros(shape), "float32")
    assert found == Comparison(shape_equal=True, allclose=None, exact=None, max_abs_error=None)


def test_a_nan_equals_a_nan_and_nothing_else() -> None:
    nan = float("nan")
    assert compare_values([nan, 1], [nan, 1]).exact
    for other in (0.0, 1.0, float("inf")):
        for a, b in ((nan, other), (other, nan)):
            found = compare_values([a, 1], [b, 1])
            assert (found.exact, found.allclose, found.max_abs_error) == (False, False, None)


def test_an_infinity_equals_the_one_of_its_sign_and_nothing_else() -> None:
    inf = float("inf")
    assert compare_values([inf, -inf], [inf, -inf]) == Comparison(
        shape_equal=True, allclose=True, exact=True, max_abs_error=0.0
    )
    for other in (-inf, 1.0, 1e308):
        for a, b in ((inf, other), (other, inf)):
            found = compare_values([a, 1], [b, 1])
            assert (found.exact, found.allclose, found.max_abs_error) == (False, False, None)


def test_the_difference_of_the_largest_numbers_is_no_finite_error() -> None:
    found = compare_values([1.7e308], [-1.7e308])
    assert (found.exact, found.allclose, found.max_abs_error) == (False, False, None)


def test_zeros_of_either_sign_are_equal() -> None:
    assert compare_values([0.0, -0.0], [-0.0, 0.0]).exact


def test_a_subnormal_that_one_side_flushed_to_zero_is_not_exact() -> None:
    found = compare_values([0.0], [5e-324])
    assert (found.exact, found.allclose, found.max_abs_error) == (False, True, 5e-324)


def test_the_largest_error_is_the_largest() -> None:
    assert compare_values([1, -5, 3], [1, 2, 4]).max_abs_error == 7.0


def test_the_result_of_a_narrow_dtype_is_compared_in_the_wide_one() -> None:
    result = np.array([0.1], np.float32)
    assert not compare(result, np.array([0.1]), "float32").exact
    assert compare(result, np.array([0.1]), "float32").allclose
    assert compare(result, result.astype(np.float64), "float32").exact


def test_integers_beyond_the_significand_are_told_apart() -> None:
    half = np.array([257], np.float64).astype(ml_dtypes.bfloat16)
    assert not compare(half, np.array([257.0]), "bfloat16").exact


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_tolerances_are_those_of_torch_testing(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    expected = torch.testing._comparison._DTYPE_PRECISIONS  # noqa: SLF001 - they are public nowhere else
    assert TOLERANCES[dtype] == expected[getattr(torch, dtype)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_close_ends_where_the_tolerance_does(dtype: str) -> None:
    rtol, atol = TOLERANCES[dtype]
    reference = np.array([100.0, 0.0])
    inside, outside = ([100 + f * (atol + rtol * 100), f * atol] for f in (0.99, 1.01))
    assert close(np.array(inside), reference, dtype).tolist() == [True, True]
    assert close(np.array(outside), reference, dtype).tolist() == [False, False]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("same", [0.0, 1.0, np.nan, np.inf, -np.inf])
def test_equal_elements_are_close_and_add_nothing_to_the_error(same: float, dtype: str) -> None:
    found = compare_values([same, 1.0], [same, 1 + 2**-24], dtype)
    assert found == Comparison(shape_equal=True, allclose=True, exact=False, max_abs_error=2**-24)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_reference_is_never_changed(dtype: str) -> None:
    result, reference = np.ones(3, numpy_dtype(dtype)), np.arange(3.0)
    compare(result, reference, dtype)
    assert result.astype(np.float64).tolist() == [1, 1, 1]
    assert reference.tolist() == [0, 1, 2]
