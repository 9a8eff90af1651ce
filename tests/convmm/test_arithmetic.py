from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from numpy.typing import DTypeLike

from convmm import GeometryError, conv, conv_transpose
from tests.convmm.strategies import Example, Operation, conv_transposes, convs
from tests.support import naive

HALF = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16}


@pytest.mark.parametrize("half", HALF)
@given(example=convs())
def test_half_types_are_rounded_once(example: Example, half: str) -> None:
    x, w = example.arrays()
    exact = naive.conv(x, w, **example.arguments).astype(
        np.float64
    )  # far below 2**24: float32 sums are exact
    result = conv(x.astype(HALF[half]), w.astype(HALF[half]), **example.arguments)
    assert result.dtype == HALF[half]
    np.testing.assert_array_equal(result.astype(np.float64), exact.astype(HALF[half]).astype(np.float64))


@pytest.mark.parametrize("half", HALF)
@given(example=conv_transposes())
def test_half_types_are_computed_in_float32(example: Example, half: str) -> None:
    rng = np.random.default_rng(example.seed)
    x, w = (rng.standard_normal(shape).astype(HALF[half]) for shape in (example.x_shape, example.w_shape))
    wide = conv_transpose(x.astype(np.float32), w.astype(np.float32), **example.arguments)
    result = conv_transpose(x, w, **example.arguments)
    np.testing.assert_array_equal(result.astype(np.float32), wide.astype(HALF[half]).astype(np.float32))


def test_the_output_has_the_common_dtype() -> None:
    x, w, bias = np.ones((1, 1, 3)), np.ones((1, 1, 2)), np.ones(1)
    assert conv(x.astype(np.float16), w.astype(np.float32)).dtype == np.float32
    assert conv(x.astype(np.float32), w.astype(np.float32), bias).dtype == np.float64
    assert conv(x.astype(np.int8), w.astype(np.float32)).dtype == np.float32
    assert conv(x.astype(np.int8), w.astype(bool)).dtype == np.int64
    assert conv(x.astype(">f4"), w.astype(">f4")).dtype == np.dtype("=f4")


@pytest.mark.parametrize("function", [conv, conv_transpose])
def test_integers_beyond_float64_are_exact(function: Operation) -> None:
    x, w = np.array([[[2**53 + 1, -(2**53) - 3]]]), np.array([[[3]]])
    assert function(x, w, [1]).tolist() == [[[3 * 2**53 + 4, -3 * 2**53 - 8]]]


@pytest.mark.parametrize("function", [conv, conv_transpose])
def test_integers_that_float64_holds_are_exact_at_the_edge(function: Operation) -> None:
    assert function(np.array([[[2**53]]]), np.array([[[1]]])).tolist() == [[[2**53]]]
    assert function(np.array([[[2**53]]]), np.array([[[1]]]), [1]).tolist() == [[[2**53 + 1]]]


def test_signed_beside_unsigned_64_bit_integers_are_exact() -> None:
    x, w = np.array([[[2**62 + 1]]], np.uint64), np.array([[[-1]]], np.int64)
    result = conv(x, w)
    assert result.dtype == np.int64
    assert result.tolist() == [[[-(2**62) - 1]]]


@pytest.mark.parametrize("function", [conv, conv_transpose])
def test_integers_that_may_exceed_int64_are_refused(function: Operation) -> None:
    with pytest.raises(OverflowError, match=str(2**63)):
        function(np.array([[[2**32]]]), np.array([[[2**31]]]))
    with pytest.raises(OverflowError, match=str(2**64 - 1)):
        function(np.array([[[2**64 - 1]]], np.uint64), np.array([[[1]]], np.uint64))


def test_infinities_and_nan_are_values_without_warnings() -> None:
    x = np.array([[[np.inf, 1.0, np.nan]]])
    result = conv(x, np.array([[[2.0]]]))
    np.testing.assert_array_equal(result, [[[np.inf, 2.0, np.nan]]])
    big = np.full((1, 1, 2), np.finfo(np.float64).max)
    assert conv(big, np.array([[[2.0, 2.0]]])).tolist() == [[[np.inf]]]


@pytest.mark.parametrize("dtype", [np.complex64, object, "U3", "M8[s]"])
def test_other_dtypes_are_refused_by_name(dtype: DTypeLike) -> None:
    with pytest.raises(GeometryError, match=r"dtypes .*float64.* allowed|dtypes .* no common dtype"):
        conv(np.ones((1, 1, 3)), np.ones((1, 1, 2), int).astype(dtype))
