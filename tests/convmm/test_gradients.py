from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from numpy.typing import DTypeLike, NDArray

from convmm import (
    GeometryError,
    conv,
    conv_input_grad,
    conv_transpose,
    conv_transpose_input_grad,
    conv_transpose_weight_grad,
    conv_weight_grad,
)
from tests.convmm.strategies import Example, Operation, conv_transposes, convs


@given(convs())
def test_the_gradients_of_conv_are_its_adjoints(example: Example) -> None:
    x, w = example.arrays()
    y = conv(x, w, **example.arguments)
    dx, dw, dy = example.integers(x.shape, w.shape, y.shape)
    input_grad = conv_input_grad(dy, w, example.sizes, **example.arguments)
    weight_grad = conv_weight_grad(x, dy, example.kernel, **example.arguments)
    assert input_grad.shape == x.shape
    assert weight_grad.shape == w.shape
    assert (conv(dx, w, **example.arguments) * dy).sum() == (dx * input_grad).sum()
    assert (conv(x, dw, **example.arguments) * dy).sum() == (dw * weight_grad).sum()


@given(conv_transposes())
def test_the_gradients_of_conv_transpose_are_its_adjoints(example: Example) -> None:
    x, w = example.arrays()
    y = conv_transpose(x, w, **example.arguments)
    dx, dw, dy = example.integers(x.shape, w.shape, y.shape)
    input_grad = conv_transpose_input_grad(dy, w, example.sizes, **example.arguments)
    weight_grad = conv_transpose_weight_grad(x, dy, example.kernel, **example.arguments)
    assert input_grad.shape == x.shape
    assert weight_grad.shape == w.shape
    assert (conv_transpose(dx, w, **example.arguments) * dy).sum() == (dx * input_grad).sum()
    assert (conv_transpose(x, dw, **example.arguments) * dy).sum() == (dw * weight_grad).sum()


@given(convs())
@settings(max_examples=30)
def test_the_gradients_of_conv_are_its_finite_differences(example: Example) -> None:
    check_differences(example, conv, conv_input_grad, conv_weight_grad)


@given(conv_transposes())
@settings(max_examples=30)
def test_the_gradients_of_conv_transpose_are_its_finite_differences(example: Example) -> None:
    check_differences(example, conv_transpose, conv_transpose_input_grad, conv_transpose_weight_grad)


def check_differences(
    example: Example, operation: Operation, input_grad: Operation, weight_grad: Operation
) -> None:
    """The loss's difference quotient along one element of input and kernel each, in float64."""
    assume(0 not in example.x_shape + example.w_shape)
    rng = np.random.default_rng(example.seed)
    x, w = rng.standard_normal(example.x_shape), rng.standard_normal(example.w_shape)
    dy = rng.standard_normal(operation(x, w, **example.arguments).shape)

    def loss(x: NDArray[Any], w: NDArray[Any]) -> float:
        return float((operation(x, w, **example.arguments) * dy).sum())

    step = 0.5  # the loss is linear in each, so that a large step is exact and rounds least
    for at, gradient, moved in [
        (_place(x.shape, rng), input_grad(dy, w, example.sizes, **example.arguments), 0),
        (_place(w.shape, rng), weight_grad(x, dy, example.kernel, **example.arguments), 1),
    ]:
        operands = [x, w]
        change = np.zeros_like(operands[moved])
        change[at] = step
        up, down = (
            [*operands[:moved], operands[moved] + d, *operands[moved + 1 :]] for d in (change, -change)
        )
        np.testing.assert_allclose(
            gradient[at], (loss(*up) - loss(*down)) / (2 * step), rtol=1e-9, atol=1e-10
        )


def _place(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(rng.integers(size)) for size in shape)


@given(conv_transposes())
def test_dy_alone_tells_the_output_size_of_a_transposed_convolution(example: Example) -> None:
    x, w = example.arrays()
    y = conv_transpose(x, w, **example.arguments)
    arguments = {k: v for k, v in example.arguments.items() if k not in {"output_padding", "output_size"}}
    try:
        conv_transpose(x, w, **arguments, output_size=y.shape[2:])
    except GeometryError:
        return  # a size that conv maps to another input: output_padding has to say it
    sizes = (example.sizes, None) if 0 not in example.sizes else (example.sizes,)  # conv leaves no size 0
    for size in sizes:
        np.testing.assert_array_equal(
            conv_transpose_input_grad(y, w, size, **arguments),
            conv_transpose_input_grad(y, w, example.sizes, **example.arguments),
        )
    np.testing.assert_array_equal(
        conv_transpose_weight_grad(x, y, example.kernel, **arguments),
        conv_transpose_weight_grad(x, y, example.kernel, **example.arguments),
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32])
def test_the_gradients_have_the_common_dtype(dtype: DTypeLike) -> None:
    x, w, dy = np.ones((2, 2, 5), dtype), np.ones((3, 2, 3), dtype), np.ones((2, 3, 3), dtype)
    expected = np.int64 if dtype is np.int32 else dtype
    assert conv_input_grad(dy, w, 5).dtype == expected
    assert conv_weight_grad(x, dy, 3).dtype == expected
    assert conv_transpose_input_grad(x, w).dtype == expected
    assert conv_transpose_weight_grad(dy, x, 3).dtype == expected


def test_many_samples_are_summed_exactly() -> None:
    ones = np.full((300, 1, 4), 2**24, np.int64)
    assert conv_weight_grad(ones, ones, 1).item() == 1200 * 2**48
    with pytest.raises(OverflowError, match="may exceed int64"):
        conv_weight_grad(ones * 2**4, ones * 2**4, 1)


def test_an_empty_batch_has_zero_weight_gradients() -> None:
    x, dy = np.ones((0, 2, 5)), np.ones((0, 3, 3))
    np.testing.assert_array_equal(conv_weight_grad(x, dy, 3), np.zeros((3, 2, 3)))
    np.testing.assert_array_equal(conv_transpose_weight_grad(dy, x, 3), np.zeros((3, 2, 3)))
    assert conv_input_grad(dy, np.ones((3, 2, 3)), 5).shape == (0, 2, 5)


X, W, DY = np.ones((1, 2, 5, 5)), np.ones((4, 2, 3, 3)), np.ones((1, 4, 3, 3))

BAD: list[tuple[Operation, tuple[Any, ...], dict[str, Any], str]] = [
    (conv_input_grad, (DY, W, 6), {}, "dy has shape (1, 4, 3, 3): allowed is (1, 4, 4, 4), the output's"),
    (conv_input_grad, (X, W, 5), {}, "dy has shape (1, 2, 5, 5): allowed is (1, 4, 3, 3)"),
    (conv_input_grad, (DY[0], W, 5), {}, "dy has shape (4, 3, 3): allowed are 4 axes"),
    (conv_input_grad, (DY, W, -1), {}, "input_size=-1: allowed is an int of at least 0"),
    (conv_input_grad, (DY, W[0, 0], 5), {}, "w has shape (3, 3): allowed is (O, C/groups, *kernel)"),
    (conv_input_grad, (DY, W, 5), {"groups": 3}, "groups=3: allowed is a divisor of the 4 output channels"),
    (conv_weight_grad, (X, DY, 2), {}, "dy has shape (1, 4, 3, 3): allowed is (1, 4, 4, 4)"),
    (
        conv_weight_grad,
        (X, np.ones((2, 4, 3, 3)), 3),
        {},
        "dy has shape (2, 4, 3, 3): allowed is (1, 4, 3, 3)",
    ),
    (conv_weight_grad, (X, DY[0], 3), {}, "dy has shape (4, 3, 3): allowed are 4 axes"),
    (conv_weight_grad, (X, DY, (3, 0)), {}, "kernel_size=(3, 0) on axis 1: allowed is an int of at least 1"),
    (conv_weight_grad, (X, DY, 3), {"groups": 4}, "groups=4: allowed is a divisor of the 2 input channels"),
    (conv_weight_grad, (X[0, 0], DY, 3), {}, "x has shape (5, 5): allowed is (N, C, *spatial)"),
    (conv_transpose_input_grad, (X, W, 4), {}, "dy has shape (1, 2, 5, 5): allowed is (1, 2, 6, 6)"),
    (conv_transpose_input_grad, (DY, W), {}, "dy has shape (1, 4, 3, 3): allowed is (1, 2, 3, 3)"),
    (
        conv_transpose_input_grad,
        (X, W, 2),
        {"stride": 2, "output_padding": 1},
        "dy has shape (1, 2, 5, 5): allowed is (1, 2, 6, 6)",
    ),
    (conv_transpose_weight_grad, (DY, X, 4), {}, "dy has shape (1, 2, 5, 5): allowed is (1, 2, 6, 6)"),
    (conv_transpose_weight_grad, (DY, X, 3), {"groups": 4}, "groups=4: allowed is a divisor of the 2 output"),
]


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "message"),
    BAD,
    ids=[f"{bad[0].__name__}-{n}" for n, bad in enumerate(BAD)],
)
def test_a_bad_argument_is_named_with_its_value_and_what_is_allowed(
    function: Operation, args: tuple[Any, ...], kwargs: dict[str, Any], message: str
) -> None:
    with pytest.raises(GeometryError, match=re.escape(message)):
        function(*args, **kwargs)
