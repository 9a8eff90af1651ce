from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from numpy.typing import DTypeLike, NDArray

from convmm import conv, conv_output_size, conv_transpose, unroll_kernel
from tests.convmm.strategies import Example, convs


@given(convs())
def test_conv_is_a_product_with_the_matrix_and_the_transposed_one_with_its_transpose(
    example: Example,
) -> None:
    x, w = example.arrays()
    matrix = unroll_kernel(w, example.sizes, **example.arguments)
    y = conv(x, w, **example.arguments)
    assert matrix.shape == (math.prod(example.x_shape[1:]), math.prod(y.shape[1:]))
    np.testing.assert_array_equal(as_rows(y), as_rows(x) @ matrix)
    back = conv_transpose(y, w, **example.arguments, output_size=example.sizes)
    assert back.shape == x.shape
    np.testing.assert_array_equal(as_rows(back), as_rows(y) @ matrix.T)


def as_rows(array: NDArray[Any]) -> NDArray[Any]:
    """One row per sample."""
    return array.reshape(len(array), math.prod(array.shape[1:]))


@given(convs())
def test_the_sparse_matrix_is_the_dense_one(example: Example) -> None:
    _, w = example.arrays()
    dense = unroll_kernel(w, example.sizes, **example.arguments)
    sparse = unroll_kernel(w, example.sizes, **example.arguments, sparse=True)
    assert isinstance(sparse, scipy.sparse.csr_array)
    assert sparse.dtype == dense.dtype == w.dtype
    np.testing.assert_array_equal(sparse.toarray(), dense)


def test_the_matrix_of_a_7x7_input_and_a_3x3_kernel() -> None:
    matrix = unroll_kernel(np.arange(9).reshape(1, 1, 3, 3), 7)
    assert matrix.shape == (49, 25)
    assert matrix.T.shape == (25, 49)
    assert conv_output_size((7, 7), 3) == (5, 5)
    first = matrix[:, 0].reshape(7, 7)
    assert first[:3, :3].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert first.sum() == 36


@pytest.mark.parametrize("half", [np.float16, ml_dtypes.bfloat16])
def test_a_half_matrix_keeps_its_dtype_and_its_sparse_one_is_float32(half: DTypeLike) -> None:
    w = np.arange(4).reshape(1, 1, 2, 2).astype(half)
    assert unroll_kernel(w, 3).dtype == half
    sparse = unroll_kernel(w, 3, sparse=True)
    assert sparse.dtype == np.float32
    np.testing.assert_array_equal(sparse.toarray(), unroll_kernel(w, 3).astype(np.float32))
