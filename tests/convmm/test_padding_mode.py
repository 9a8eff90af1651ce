"""Padding with elements of the input: numpy.pad, then a convolution without padding; and the adjoint."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import ml_dtypes
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from numpy.typing import DTypeLike, NDArray

from convmm import (
    GeometryError,
    conv,
    conv1d,
    conv2d,
    conv3d,
    conv_input_grad,
    conv_steps,
    conv_transpose,
    conv_weight_grad,
    explain_plan,
    unroll_kernel,
)
from convmm.extension import extend, fold
from convmm.geometry import BORDER_MODES, Geometry, conv_geometry, element_at
from convmm.reference import compensated, plain
from tests.convmm.strategies import SELDOM, Example, convs
from tests.support import naive

Array = NDArray[Any]
Rule = Callable[..., Any]

NUMPY = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}

MODES = tuple(mode for mode in NUMPY if mode != "zeros")

with_elements = convs(tuple(zero for zero in SELDOM if zero != "size"))
"""Convolutions whose input has an element on each axis; the pads are often wider than it."""

extended_convs = st.builds(
    lambda example, mode: replace(example, arguments={**example.arguments, "padding_mode": mode}),
    with_elements,
    st.sampled_from(MODES),
)


def without_mode(example: Example) -> dict[str, Any]:
    return {name: value for name, value in example.arguments.items() if name != "padding_mode"}


def pads_of(example: Example) -> list[tuple[int, int]]:
    """The elements around each axis, "same" as the loops count them."""
    arguments: dict[str, Any] = example.arguments
    if not isinstance(arguments["padding"], str):
        return list(arguments["padding"])
    if arguments["padding"] == "valid":
        return [(0, 0)] * len(example.sizes)
    pads = []
    for size, taps, stride, dilation in zip(
        example.sizes, example.kernel, arguments["stride"], arguments["dilation"], strict=True
    ):
        before, count = naive.conv_row(size, taps, stride, "same", dilation)
        read = (count - 1) * stride + (taps - 1) * dilation + 1
        pads.append((before, max(read - before - size, 0)))
    return pads


def padded(x: Array, example: Example) -> Array:
    mode: Any = NUMPY[example.arguments["padding_mode"]]
    return np.pad(x, [(0, 0), (0, 0), *pads_of(example)], mode) if x.size else _empty(x, pads_of(example))


def _empty(x: Array, pads: Sequence[tuple[int, int]]) -> Array:
    """numpy.pad refuses some arrays without samples or channels."""
    sizes = (size + sum(pad) for size, pad in zip(x.shape[2:], pads, strict=True))
    return np.zeros((*x.shape[:2], *sizes), x.dtype)


def by_numpy(x: Array, w: Array, bias: Array | None, example: Example) -> Array:
    """The definition: numpy.pad, then the loops without padding."""
    arguments = {**without_mode(example), "padding": ((0, 0),) * len(example.sizes)}
    return naive.conv(padded(x, example), w, bias, **arguments)


def geometry_of(example: Example) -> Geometry:
    return conv_geometry(example.x_shape, example.w_shape, **example.arguments)


@given(extended_convs)
def test_conv_is_numpys_pad_and_the_loops_without_padding(example: Example) -> None:
    x, w = example.arrays()
    (bias,) = example.integers((example.filters,))
    result = conv(x, w, bias, **example.arguments)
    expected = by_numpy(x, w, bias, example)
    assert result.dtype == np.int64
    assert result.shape == expected.shape
    np.testing.assert_array_equal(result, expected)


@given(with_elements)
def test_zeros_are_what_no_mode_is(example: Example) -> None:
    x, w = example.arrays()
    y = conv(x, w, **example.arguments)
    (dy,) = example.integers(y.shape)
    named = {**example.arguments, "padding_mode": "zeros"}
    np.testing.assert_array_equal(conv(x, w, **named), y)
    np.testing.assert_array_equal(
        conv_input_grad(dy, w, example.sizes, **named),
        conv_input_grad(dy, w, example.sizes, **example.arguments),
    )
    np.testing.assert_array_equal(
        unroll_kernel(w, example.sizes, **named), unroll_kernel(w, example.sizes, **example.arguments)
    )


@given(extended_convs)
def test_the_gradients_are_adjoints(example: Example) -> None:
    x, w = example.arrays()
    y = conv(x, w, **example.arguments)
    dx, dw, dy = example.integers(x.shape, w.shape, y.shape)
    input_grad = conv_input_grad(dy, w, example.sizes, **example.arguments)
    weight_grad = conv_weight_grad(x, dy, example.kernel, **example.arguments)
    assert input_grad.shape == x.shape
    assert weight_grad.shape == w.shape
    assert input_grad.dtype == weight_grad.dtype == np.int64
    assert (conv(dx, w, **example.arguments) * dy).sum() == (dx * input_grad).sum()
    assert (conv(x, dw, **example.arguments) * dy).sum() == (dw * weight_grad).sum()


@given(extended_convs)
def test_conv_and_its_input_gradient_are_products_with_the_matrix(example: Example) -> None:
    x, w = example.arrays()
    y = conv(x, w, **example.arguments)
    (dy,) = example.integers(y.shape)
    matrix = unroll_kernel(w, example.sizes, **example.arguments)
    assert matrix.shape == (math.prod(x.shape[1:]), math.prod(y.shape[1:]))
    np.testing.assert_array_equal(as_rows(y), as_rows(x) @ matrix)
    gradient = conv_input_grad(dy, w, example.sizes, **example.arguments)
    np.testing.assert_array_equal(as_rows(gradient), as_rows(dy) @ matrix.T)
    sparse = unroll_kernel(w, example.sizes, **example.arguments, sparse=True)
    assert isinstance(sparse, scipy.sparse.csr_array)
    assert sparse.dtype == matrix.dtype
    np.testing.assert_array_equal(sparse.toarray(), matrix)


def as_rows(array: Array) -> Array:
    return array.reshape(len(array), math.prod(array.shape[1:]))


@given(extended_convs)
def test_the_matrix_gathers_and_then_is_that_without_padding(example: Example) -> None:
    _, w = example.arrays()
    shape = (1, *example.x_shape[1:])
    numbered = np.arange(math.prod(shape)).reshape(shape)
    read = padded(numbered, example)
    gather = np.arange(numbered.size)[:, None] == read.ravel()
    plain_matrix = unroll_kernel(w, read.shape[2:], **{**without_mode(example), "padding": 0})
    np.testing.assert_array_equal(
        unroll_kernel(w, example.sizes, **example.arguments), gather.astype(int) @ plain_matrix
    )


@given(extended_convs, st.booleans())
def test_the_steps_end_in_convs_result(example: Example, sparse: bool) -> None:  # noqa: FBT001 - drawn
    x, w = example.arrays()
    (bias,) = example.integers((example.filters,))
    steps = conv_steps(x, w, bias, **example.arguments, sparse=sparse)
    last, pad = steps[-1].array, steps[1].array
    assert isinstance(last, np.ndarray)
    assert isinstance(pad, np.ndarray)
    np.testing.assert_array_equal(last, conv(x, w, bias, **example.arguments))
    read = tuple(slice(size) for size in pad.shape)  # behind it, nothing is read
    np.testing.assert_array_equal(pad, padded(x, example)[read])


@given(extended_convs)
def test_the_reference_sums_the_same(example: Example) -> None:
    geometry = geometry_of(example)
    x, w = (array.astype(float) for array in example.arrays())
    y = plain.correlate(x, w, geometry)
    (dy,) = (array.astype(float) for array in example.integers(y.shape))
    np.testing.assert_array_equal(y, conv(x, w, **example.arguments))
    np.testing.assert_array_equal(
        plain.spread(dy, w, geometry), conv_input_grad(dy, w, example.sizes, **example.arguments)
    )
    np.testing.assert_array_equal(
        plain.correlate_weights(x, dy, geometry),
        conv_weight_grad(x, dy, example.kernel, **example.arguments),
    )


to_fractions = np.vectorize(Fraction, otypes=[object])


@given(extended_convs, st.integers(0, 60))
@settings(max_examples=60)  # loops over fractions are slow
def test_the_compensated_input_gradient_has_twice_the_digits(example: Example, span: int) -> None:
    geometry = geometry_of(example)
    rng = np.random.default_rng(example.seed)
    shapes = ((example.x_shape[0], example.filters, *geometry.coarse), example.w_shape)
    dy, w = (
        rng.standard_normal(shape) * 2.0 ** rng.integers(-span, span, shape, endpoint=True)
        for shape in shapes
    )
    found = compensated.spread(dy, w, geometry)
    rows, kernel = as_rows(to_fractions(dy)), to_fractions(w)
    exact, magnitude = (
        (factors @ unroll_kernel(taps, example.sizes, **example.arguments).T).reshape(found.high.shape)
        for factors, taps in ((rows, kernel), (abs(rows), abs(kernel)))
    )
    error = abs(to_fractions(found.high) + to_fractions(found.low) - exact)
    assert (error * 2**93 <= magnitude).all()
    np.testing.assert_array_equal(found.high, exact.astype(float))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_large_layer_goes_the_tuned_way_with_the_same_sums(mode: str, dtype: DTypeLike) -> None:
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-9, 10, shape).astype(dtype) for shape in ((2, 24, 50, 41), (32, 12, 3, 4)))
    arguments: dict[str, Any] = {"stride": (1, 2), "padding": ((3, 1), (2, 4)), "groups": 2}
    inner = np.pad(x, [(0, 0), (0, 0), (3, 1), (2, 4)], NUMPY[mode])  # type: ignore[call-overload] # of strings
    expected = conv(inner, w, **{**arguments, "padding": 0})
    y = conv(x, w, **arguments, padding_mode=mode)
    np.testing.assert_array_equal(y, expected)
    dy = rng.integers(-9, 10, y.shape).astype(dtype)
    geometry = conv_geometry(x.shape, w.shape, **arguments, padding_mode=mode)
    np.testing.assert_array_equal(
        conv_input_grad(dy, w, x.shape[2:], **arguments, padding_mode=mode), plain.spread(dy, w, geometry)
    )
    np.testing.assert_array_equal(
        conv_weight_grad(x, dy, (3, 4), **arguments, padding_mode=mode),
        conv_weight_grad(inner, dy, (3, 4), **{**arguments, "padding": 0}),
    )


@given(st.integers(1, 5), st.integers(0, 14), st.integers(0, 14), st.sampled_from(MODES))
def test_an_element_beyond_the_ends_is_numpys(size: int, before: int, after: int, mode: str) -> None:
    kind: Any = NUMPY[mode]
    each: Rule = element_at
    assert [each(place, size, mode) for place in range(-before, size + after)] == list(
        np.pad(np.arange(size), (before, after), kind)
    )


@given(extended_convs)
def test_folding_is_the_adjoint_of_extending_and_both_only_read(example: Example) -> None:
    geometry = geometry_of(example)
    x, _ = example.arrays()
    x.flags.writeable = False
    extended = extend(x, geometry)
    (gradient,) = example.integers(extended.shape)
    gradient.flags.writeable = False
    assert (extended * gradient).sum() == (x * fold(gradient, geometry)).sum()


@pytest.mark.parametrize("half", [np.float16, ml_dtypes.bfloat16])
def test_half_types_are_rounded_once(half: DTypeLike) -> None:
    rng = np.random.default_rng(1)
    w, dy = (rng.standard_normal(shape).astype(half) for shape in ((3, 2, 3), (2, 3, 4)))
    arguments: dict[str, Any] = {"padding": 3, "stride": 2, "padding_mode": "replicate"}
    wide = conv_input_grad(dy.astype(np.float32), w.astype(np.float32), 4, **arguments)
    gradient = conv_input_grad(dy, w, 4, **arguments)
    assert gradient.dtype == half
    np.testing.assert_array_equal(gradient, wide.astype(half))
    matrix = unroll_kernel(w, 4, **arguments)
    assert matrix.dtype == half
    wide_matrix = unroll_kernel(w.astype(np.float32), 4, **arguments)
    np.testing.assert_array_equal(matrix, wide_matrix.astype(half))
    assert unroll_kernel(w, 4, **arguments, sparse=True).dtype == np.float32


def test_small_integers_add_up_beyond_their_dtype() -> None:
    w = np.full((1, 1, 3), 100, np.int8)
    matrix = unroll_kernel(w, 1, padding=1, padding_mode="circular")
    assert matrix.dtype == np.int64
    assert matrix.tolist() == [[300]]
    flags = np.ones((1, 1, 3), bool)
    assert unroll_kernel(flags, 1, padding=1, padding_mode="reflect").tolist() == [[3]]


def test_integers_whose_copies_exceed_int64_are_refused() -> None:
    dy, w = np.full((1, 1, 8), 2**31), np.full((1, 1, 1), 2**30)
    assert conv_input_grad(dy, w, 8).max() == 2**61
    with pytest.raises(OverflowError, match="may exceed int64"):
        conv_input_grad(dy, w, 1, padding=((7, 0),), padding_mode="replicate")


@pytest.mark.parametrize(("ranked", "rank"), [(conv1d, 1), (conv2d, 2), (conv3d, 3)])
@pytest.mark.parametrize("mode", BORDER_MODES)
def test_the_ranked_functions_take_it(ranked: Rule, rank: int, mode: str) -> None:
    x, w = np.arange(3**rank).reshape(1, 1, *(3,) * rank), np.ones((1, 1, *(2,) * rank), int)
    np.testing.assert_array_equal(
        ranked(x, w, padding=2, padding_mode=mode), conv(x, w, padding=2, padding_mode=mode)
    )


def test_each_mode_in_numbers() -> None:
    x, w = np.array([[[1, 2, 3]]]), np.ones((1, 1, 1), int)
    read = {mode: conv(x, w, padding=3, padding_mode=mode)[0, 0].tolist() for mode in BORDER_MODES}
    assert read == {
        "zeros": [0, 0, 0, 1, 2, 3, 0, 0, 0],
        "reflect": [2, 3, 2, 1, 2, 3, 2, 1, 2],
        "replicate": [1, 1, 1, 1, 2, 3, 3, 3, 3],
        "circular": [1, 2, 3, 1, 2, 3, 1, 2, 3],
    }


X, W, DY = np.ones((1, 2, 5, 5)), np.ones((4, 2, 3, 3)), np.ones((1, 4, 5, 5))

ALLOWED = "allowed are 'zeros', 'reflect', 'replicate' and 'circular'"

CALLS: list[tuple[Rule, tuple[Any, ...]]] = [
    (conv, (X, W)),
    (conv2d, (X, W)),
    (conv_input_grad, (DY, W, 5)),
    (conv_weight_grad, (X, DY, 3)),
    (unroll_kernel, (W, 5)),
    (conv_steps, (X, W)),
    (explain_plan, (X.shape, W.shape)),
]


@pytest.mark.parametrize(("function", "args"), CALLS)
@pytest.mark.parametrize(
    "value", ["symmetric", "Reflect", "", None, 0, ["reflect"], np.zeros(2), "z" * 10**6], ids=range(8)
)
def test_another_mode_is_named_with_what_is_allowed(
    function: Rule, args: tuple[Any, ...], value: object
) -> None:
    with pytest.raises(GeometryError, match=re.escape(ALLOWED)) as caught:
        function(*args, padding=1, padding_mode=value)
    assert str(caught.value).startswith("padding_mode=")
    assert len(str(caught.value)) < 300


def test_the_value_is_in_the_message() -> None:
    with pytest.raises(GeometryError, match=re.escape(f"padding_mode='symmetric': {ALLOWED}")):
        conv(X, W, padding=1, padding_mode="symmetric")


@pytest.mark.parametrize("mode", MODES)
def test_an_axis_of_no_elements_can_be_padded_with_zeros_alone(mode: str) -> None:
    x, w = np.ones((1, 1, 4, 0)), np.ones((1, 1, 1, 3))
    assert conv(x, w, padding=((0, 0), (1, 2))).shape == (1, 1, 4, 1)
    message = f"padding_mode='{mode}' on axis 1: allowed is 'zeros' beside padding (1, 2), as the input has"
    with pytest.raises(GeometryError, match=re.escape(message)):
        conv(x, w, padding=((0, 0), (1, 2)), padding_mode=mode)


def test_transposed_operations_have_zeros_alone() -> None:
    transposed: Rule = conv_transpose
    with pytest.raises(TypeError, match="padding_mode"):
        transposed(X, np.ones((2, 4, 3, 3)), padding_mode="zeros")
    beside = "padding_mode='reflect' beside operation='conv_transpose'"
    with pytest.raises(GeometryError, match=re.escape(beside)):
        explain_plan(X.shape, (2, 4, 3, 3), operation="conv_transpose", padding_mode="reflect")


def test_a_plan_says_what_is_done_beside_it() -> None:
    shapes = (8, 64, 28, 28), (64, 64, 3, 3)
    arguments: dict[str, Any] = {"padding": 1, "padding_mode": "circular", "dtype": "float16"}
    text = explain_plan(*shapes, **arguments)
    assert "circular: x is extended from 28 x 28 to 30 x 30 elements first" in text
    assert "returned as float16" in text
    gradient = explain_plan(*shapes, **arguments, operation="conv_input_grad")
    assert "x extended from 28 x 28 to 30 x 30 elements, and folded last" in gradient
    inner = explain_plan((8, 64, 30, 30), shapes[1], dtype="float16")
    assert text.splitlines()[2:] == inner.splitlines()[1:]
