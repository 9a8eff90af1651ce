from __future__ import annotations

import math
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.typing import DTypeLike

from convmm import (
    conv,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from tests.convmm.layouts import LAYOUTS
from tests.convmm.strategies import Example, Operation, conv_transposes, convs
from tests.support import naive


@given(convs())
def test_conv_equals_the_loops(example: Example) -> None:
    x, w = example.arrays()
    (bias,) = example.integers((example.filters,))
    expected = naive.conv(x, w, bias, **example.arguments)
    result = conv(x, w, bias, **example.arguments)
    assert result.dtype == np.int64
    np.testing.assert_array_equal(result, expected)
    assert result.shape == expected.shape


@given(conv_transposes())
def test_conv_transpose_equals_the_loops(example: Example) -> None:
    x, w = example.arrays()
    (bias,) = example.integers((example.filters,))
    expected = naive.conv_transpose(x, w, bias, **example.arguments)
    result = conv_transpose(x, w, bias, **example.arguments)
    assert result.dtype == np.int64
    np.testing.assert_array_equal(result, expected)
    assert result.shape == expected.shape


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
@given(example=convs())
def test_conv_of_floats_equals_the_loops_to_rounding(example: Example, dtype: type[Any]) -> None:
    rng = np.random.default_rng(example.seed)
    x, w = (rng.standard_normal(shape).astype(dtype) for shape in (example.x_shape, example.w_shape))
    result = conv(x, w, **example.arguments)
    assert result.dtype == dtype
    magnitude = naive.conv(abs(x), abs(w), **example.arguments).astype(np.float64)
    error = abs(result - naive.conv(x, w, **example.arguments).astype(np.float64))
    terms = math.prod(example.w_shape[1:])
    assert (error <= 2 * terms * np.finfo(dtype).eps * magnitude + 1e-14 * magnitude).all()


@given(convs())
def test_conv_transpose_is_the_adjoint_of_conv(example: Example) -> None:
    x, w = example.arrays()
    forward = conv(x, w, **example.arguments)
    (y,) = example.integers(forward.shape)
    back = conv_transpose(y, w, **example.arguments, output_size=example.sizes)
    assert (forward * y).sum() == (x * back).sum()


@given(convs())
def test_conv_is_linear_in_the_input_and_in_the_kernel(example: Example) -> None:
    x, w = example.arrays()
    x2, w2 = example.integers(example.w_shape, example.x_shape)[::-1]
    both = conv(3 * x + x2, w, **example.arguments)
    np.testing.assert_array_equal(
        both, 3 * conv(x, w, **example.arguments) + conv(x2, w, **example.arguments)
    )
    both = conv(x, w - 2 * w2, **example.arguments)
    np.testing.assert_array_equal(
        both, conv(x, w, **example.arguments) - 2 * conv(x, w2, **example.arguments)
    )


@given(conv_transposes())
def test_conv_transpose_is_linear_in_the_input(example: Example) -> None:
    x, w, x2 = example.integers(example.x_shape, example.w_shape, example.x_shape)
    both = conv_transpose(3 * x + x2, w, **example.arguments)
    expected = 3 * conv_transpose(x, w, **example.arguments) + conv_transpose(x2, w, **example.arguments)
    np.testing.assert_array_equal(both, expected)


@given(convs())
def test_groups_are_convolutions_side_by_side(example: Example) -> None:
    x, w = example.arrays()
    groups = example.arguments["groups"]
    each = [
        conv(part, kernel, **{**example.arguments, "groups": 1})
        for part, kernel in zip(np.split(x, groups, 1), np.split(w, groups, 0), strict=True)
    ]
    np.testing.assert_array_equal(conv(x, w, **example.arguments), np.concatenate(each, 1))


def test_the_transposed_convolution_of_the_worked_example() -> None:
    x = np.arange(4).reshape(1, 1, 2, 2)
    w = np.arange(9).reshape(1, 1, 3, 3)
    picture = [
        [0, 0, 0, 1, 2, 0],
        [0, 0, 3, 4, 5, 0],
        [0, 2, 10, 10, 14, 0],
        [6, 8, 19, 12, 15, 0],
        [12, 14, 34, 21, 24, 0],
        [0, 0, 0, 0, 0, 0],
    ]
    result = conv_transpose(x, w, stride=2, output_padding=1)
    assert result[0, 0].tolist() == picture
    same = conv_transpose(x, w, stride=2, padding="same")
    assert same[0, 0].tolist() == [row[:4] for row in picture[:4]]


def test_keras_same_and_torch_padding_1_give_equal_shapes_one_element_apart() -> None:
    x, w = np.arange(1, 6).reshape(1, 1, 5), np.array([[[1, 10, 100]]])
    full = conv_transpose(x, w, stride=2)
    keras = conv_transpose(x, w, stride=2, padding="same")
    torch = conv_transpose(x, w, stride=2, padding=1, output_padding=1)
    assert keras.shape == torch.shape == (1, 1, 10)
    np.testing.assert_array_equal(keras[0, 0], full[0, 0, :10])
    np.testing.assert_array_equal(torch[0, 0], full[0, 0, 1:11])


def test_every_form_of_padding_means_the_same() -> None:
    x, w = np.arange(50).reshape(1, 2, 5, 5), np.arange(54).reshape(3, 2, 3, 3)
    forms: list[Any] = [1, (1, 1), [1, 1], ((1, 1), (1, 1)), "same", np.int64(1)]
    results = [conv(x, w, padding=form) for form in forms]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
    np.testing.assert_array_equal(conv(x, w, padding="valid"), conv(x, w))


def test_lists_are_arrays_too() -> None:
    assert conv([[[1, 2, 3]]], [[[1, 1]]], [10]).tolist() == [[[13, 15]]]


RANKED: dict[Operation, tuple[Operation, ...]] = {
    conv: (conv1d, conv2d, conv3d),
    conv_transpose: (conv_transpose1d, conv_transpose2d, conv_transpose3d),
}


@pytest.mark.parametrize(("general", "ranked"), RANKED.items())
def test_the_ranked_functions_are_the_general_one(general: Operation, ranked: tuple[Operation, ...]) -> None:
    for rank, function in enumerate(ranked, start=1):
        x, w = np.arange(2 * 4**rank).reshape(1, 2, *(4,) * rank), np.ones((2, 2, *(2,) * rank), int)
        np.testing.assert_array_equal(function(x, w, stride=2), general(x, w, stride=2))
        np.testing.assert_array_equal(function(x=x, w=w, stride=2), general(x, w, stride=2))
        assert function.__name__ == f"{general.__name__}{rank}d"


@pytest.mark.parametrize("function", [conv, conv_transpose])
def test_an_empty_batch_gives_an_empty_output(function: Operation) -> None:
    x, w = np.zeros((0, 2, 5, 5)), np.ones((2, 2, 3, 3))
    assert function(x, w, padding=1).shape == (0, 2, 5, 5)
    assert function(x.astype(int), w.astype(int)).dtype == np.int64


def test_a_transposed_output_may_have_no_elements() -> None:
    result = conv_transpose(np.ones((2, 1, 1, 2)), np.ones((1, 3, 2, 2)), padding=((1, 1), (0, 0)))
    assert result.shape == (2, 3, 0, 3)


def test_an_output_may_lie_beyond_the_full_response() -> None:
    result = conv_transpose(
        np.ones((1, 1, 2)), np.ones((1, 1, 1)), stride=3, padding=((4, 0),), output_padding=2
    )
    assert result.tolist() == [[[0.0, 0.0]]]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("function", [conv, conv_transpose])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_a_layout_changes_nothing_and_inputs_are_only_read(
    function: Operation, layout: str, dtype: DTypeLike
) -> None:
    rng = np.random.default_rng(0)
    x, w, bias = (rng.integers(-9, 10, shape).astype(dtype) for shape in [(2, 4, 6, 5), (4, 2, 3, 2), (4,)])
    expected = function(x, w, bias, stride=2, padding=1, groups=2)
    laid_out = [LAYOUTS[layout](x), LAYOUTS[layout](w), bias]
    copies = [array.copy() for array in laid_out]
    for array in laid_out:
        array.flags.writeable = False
    result = function(*laid_out, stride=2, padding=1, groups=2)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == expected.dtype
    for array, copy in zip(laid_out, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("function", [conv, conv_transpose])
def test_the_result_is_the_callers_to_write(function: Operation) -> None:
    x, w = np.ones((1, 1, 3, 3)), np.ones((1, 1, 1, 1))
    result = function(x, w)
    result += 1
    assert (x == 1).all()
    assert (w == 1).all()


@given(convs(), st.integers(2, 4))
def test_samples_do_not_know_of_each_other(example: Example, copies: int) -> None:
    x, w = example.arrays()
    once = conv(x, w, **example.arguments)
    np.testing.assert_array_equal(
        conv(np.concatenate([x] * copies), w, **example.arguments), np.concatenate([once] * copies)
    )
