"""Sizes of 0: an empty sum is 0, plus the bias, and an output without elements has none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hypothesis import given, settings
from numpy.typing import DTypeLike, NDArray

from convmm import (
    conv,
    conv_input_grad,
    conv_output_size,
    conv_steps,
    conv_transpose,
    conv_transpose_input_grad,
    conv_transpose_output_size,
    conv_transpose_steps,
    conv_transpose_weight_grad,
    conv_weight_grad,
    explain_plan,
    input_sizes,
    unroll_kernel,
)
from convmm.geometry import Geometry, conv_geometry, conv_transpose_geometry
from convmm.reference import compensated, plain
from tests.convmm import tiled
from tests.convmm.strategies import ZEROS, Example, conv_transposes, convs
from tests.support import naive

Array = NDArray[Any]
DTYPES = (np.int64, np.float16, np.float32, np.float64)


def by_definition(example: Example, *, transposed: bool) -> tuple[Array, Array, Array, Array]:
    """Input, kernel and bias, and what the loops make of them."""
    x, w = example.arrays()
    (bias,) = example.integers((example.filters,))
    assert 0 in x.shape + w.shape
    return x, w, bias, (naive.conv_transpose if transposed else naive.conv)(x, w, bias, **example.arguments)


def check(found: Array, expected: Array, dtype: DTypeLike) -> None:
    assert found.dtype == dtype
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected.astype(dtype))


@given(convs(ZEROS))
def test_conv_is_the_definitions_on_every_route(example: Example) -> None:
    x, w, bias, expected = by_definition(example, transposed=False)
    geometry = conv_geometry(x.shape, w.shape, **example.arguments)
    for dtype in DTYPES:
        arrays = [array.astype(dtype) for array in (x, w, bias)]
        check(conv(*arrays, **example.arguments), expected, dtype)
    wide = x.astype(float), w.astype(float), bias.astype(float)
    for limits in tiled.UNFOLDED.values():
        check(tiled.correlate(*wide, geometry, limits), expected, np.float64)
    for steps in (conv_steps(*wide, **example.arguments, sparse=sparse) for sparse in (False, True)):
        check(np.asarray(steps[-1].array), expected, np.float64)
    check_sums(plain.correlate, compensated.correlate, wide, geometry, expected)


@given(conv_transposes(ZEROS))
def test_conv_transpose_is_the_definitions_on_every_route(example: Example) -> None:
    x, w, bias, expected = by_definition(example, transposed=True)
    geometry = conv_transpose_geometry(x.shape, w.shape, **example.arguments)
    for dtype in DTYPES:
        arrays = [array.astype(dtype) for array in (x, w, bias)]
        check(conv_transpose(*arrays, **example.arguments), expected, dtype)
    wide = x.astype(float), w.astype(float), bias.astype(float)
    for limits in tiled.UNFOLDED.values():
        check(tiled.spread(*wide, geometry, limits), expected, np.float64)
    for steps in (
        conv_transpose_steps(*wide, **example.arguments, sparse=sparse) for sparse in (False, True)
    ):
        check(np.asarray(steps[-1].array), expected, np.float64)
    check_sums(plain.spread, compensated.spread, wide, geometry, expected)


def check_sums(
    reference: Callable[[Array, Array, Geometry], Array],
    twice_the_digits: Callable[[Array, Array, Geometry], compensated.DoubleDouble],
    arrays: tuple[Array, Array, Array],
    geometry: Geometry,
    expected: Array,
) -> None:
    """The references, which add no bias, in float64."""
    x, w, bias = arrays
    without = expected - bias.astype(int).reshape(-1, *(1,) * (x.ndim - 2))
    check(reference(x, w, geometry), without, np.float64)
    high, low = twice_the_digits(x, w, geometry)
    check(high, without, np.float64)
    assert not low.any()


@given(convs(ZEROS))
def test_the_gradients_of_conv_are_the_sums_of_the_definition(example: Example) -> None:
    x, w, _, y = by_definition(example, transposed=False)
    (dy,) = example.integers(y.shape)
    geometry = conv_geometry(x.shape, w.shape, **example.arguments)
    by_x, by_w = (
        conv_input_grad(dy, w, example.sizes, **example.arguments),
        conv_weight_grad(x, dy, example.kernel, **example.arguments),
    )
    check_gradients(example, dy, by_x, by_w, transposed=False)
    for limits in tiled.UNFOLDED.values():
        check(tiled.correlate_weights(x, dy, geometry, limits), by_w, np.int64)
    floats = x.astype(float), dy.astype(float)
    check(plain.correlate_weights(*floats, geometry), by_w, np.float64)
    check(compensated.correlate_weights(*floats, geometry).high, by_w, np.float64)


@given(conv_transposes(ZEROS))
def test_the_gradients_of_conv_transpose_are_the_sums_of_the_definition(example: Example) -> None:
    x, w, _, y = by_definition(example, transposed=True)
    (dy,) = example.integers(y.shape)
    by_x = conv_transpose_input_grad(dy, w, example.sizes, **example.arguments)
    by_w = conv_transpose_weight_grad(x, dy, example.kernel, **example.arguments)
    check_gradients(example, dy, by_x, by_w, transposed=True)


def check_gradients(example: Example, dy: Array, by_x: Array, by_w: Array, *, transposed: bool) -> None:
    """Each element is the sum of dy times the output of that element alone."""
    operation = naive.conv_transpose if transposed else naive.conv
    x, w = example.arrays()
    for gradient, whole, of in ((by_x, x, 0), (by_w, w, 1)):
        assert gradient.shape == whole.shape
        for place in some_places(whole.shape, example.seed):
            one = np.zeros_like(whole)
            one[place] = 1
            operands = (one, w) if of == 0 else (x, one)
            assert gradient[place] == (operation(*operands, **example.arguments) * dy).sum()


def some_places(shape: tuple[int, ...], seed: int) -> Iterator[tuple[int, ...]]:
    """Three places of an array, if it has elements."""
    rng = np.random.default_rng(seed)
    for _ in range(3 if math.prod(shape) else 0):
        yield tuple(int(rng.integers(size)) for size in shape)


@given(convs(ZEROS))
def test_the_matrix_has_as_many_rows_and_columns_as_there_are_elements(example: Example) -> None:
    x, w, _, y = by_definition(example, transposed=False)
    for sparse in (False, True):
        matrix = unroll_kernel(w, example.sizes, **example.arguments, sparse=sparse)
        assert matrix.shape == (math.prod(x.shape[1:]), math.prod(y.shape[1:]))
        rows = x.reshape(len(x), matrix.shape[0]) @ matrix
        np.testing.assert_array_equal(rows.reshape(y.shape), naive.conv(x, w, **example.arguments))


@given(convs(ZEROS), conv_transposes(ZEROS))
@settings(max_examples=30)
def test_the_plan_is_one_product_of_no_operations(example: Example, transposed: Example) -> None:
    for name, each in (("conv", example), ("conv_transpose", transposed)):
        for what in ("", "_input_grad", "_weight_grad"):
            operation: Any = name + what
            text = explain_plan(each.x_shape, each.w_shape, operation=operation, **each.arguments)
            assert "route       " in text


@given(conv_transposes(["size"]))
def test_the_sizes_of_no_element_follow_from_the_formula(example: Example) -> None:
    sizes = conv_transpose_output_size(example.sizes, example.kernel, **example.without_groups)
    expected = naive.conv_transpose(*example.arrays(), **example.arguments)
    assert sizes == expected.shape[2:]


def test_no_elements_come_of_same_padding_and_elements_of_zeros_alone_come_of_pads() -> None:
    assert conv_output_size(0, 3, padding="same") == (0,)
    assert conv_output_size(0, 3, padding=2) == (2,)
    assert input_sizes(2, 3, padding=2) == ((0,),)
    assert input_sizes(0, 3, padding="same", stride=2) == ((0,),)
    assert input_sizes(0, 3) == ((),)
    assert conv_transpose_output_size(0, 3) == (2,)
    x, w = np.ones((2, 1, 0)), np.ones((1, 1, 3))
    assert conv(x, w, [7.0], padding=2).tolist() == [[[7.0, 7.0]]] * 2
    assert conv_transpose(x, w, [7.0]).tolist() == [[[7.0, 7.0]]] * 2


def test_without_channels_the_output_is_the_bias() -> None:
    x, w = np.ones((2, 0, 4)), np.ones((3, 0, 2))
    assert conv(x, w).tolist() == np.zeros((2, 3, 3)).tolist()
    assert conv(x, w, [1.0, 2.0, 3.0])[:, :, 0].tolist() == [[1.0, 2.0, 3.0]] * 2
