from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from convmm import conv, conv_transpose, conv_transpose_weight_grad, conv_weight_grad
from convmm.fast import (
    columns,
    correlation,
    factors,
    kernels,
    patches,
    scatter,
    threads,
    tiles,
    weights,
)
from convmm.geometry import conv_geometry
from tests.convmm.strategies import Example, conv_transposes, convs
from tests.support import naive

MODULES = (columns, correlation, factors, kernels, patches, scatter, threads, tiles, weights)

# Limits that make many tiles, blocks and tasks of the smallest problem, and leave no shortcut open.
TINY = {
    "COLUMNS": 7,
    "FEWEST_COLUMNS": 2,
    "GATHERED": 600,
    "PRODUCT": 300,
    "SMALL": -1,
    "SMALL_TILE": 40,
    "_TASKS": 5,
    "_WORK_OF_A_TASK": 20,
    "_FEWEST_TERMS": 2,
    "_FEWEST_PLACES": 2,
    "_FEWEST_WHOLE": 3,
    "_MOST_FILTERS": 1,
    "_MOST_COLUMNS": 1,
    "_WORTH_LIMITING": 0,
    "_WORTH_TASKS": 0,
}


@contextmanager
def limits(**values: int) -> Iterator[None]:
    """Other limits in every module that has them."""
    with ExitStack() as stack:
        for name, value in values.items():
            having = [module for module in MODULES if hasattr(module, name)]
            assert having, name
            for module in having:
                stack.enter_context(mock.patch.object(module, name, value))
        yield


@contextmanager
def unfolded(*, all_axes: bool) -> Iterator[None]:
    """All axes unfolded, where there may be a choice, or all but the first."""
    with ExitStack() as stack:
        for module in (correlation, weights):
            stack.enter_context(mock.patch.object(module, "are_short", return_value=all_axes))
        yield


# Places beyond the input, in tiles as wide as the input is.
BEYOND = Example(
    x_shape=(1, 4, 1, 2),
    w_shape=(4, 2, 1, 1),
    arguments={
        "stride": (1, 1),
        "padding": "valid",
        "dilation": (1, 2),
        "output_padding": (0, 1),
        "groups": 2,
    },
    filters=4,
    seed=0,
)

KEPT = (0, 10**9)  # bytes of a kernel up to which it is copied once, and not in each task

UNFOLDED = {"the first axis as it is": False, "all axes unfolded": True}


@pytest.mark.parametrize("all_axes", UNFOLDED.values(), ids=UNFOLDED.keys())
@given(example=convs(), kept=st.sampled_from(KEPT))
@settings(max_examples=100)
def test_conv_in_many_tiles_equals_the_loops(example: Example, kept: int, *, all_axes: bool) -> None:
    x, w = example.arrays()
    (bias,) = example.integers((example.filters,))
    with limits(**TINY, _KEPT=kept), unfolded(all_axes=all_axes):
        result = conv(
            x.astype(np.float32), w.astype(np.float32), bias.astype(np.float32), **example.arguments
        )
    np.testing.assert_array_equal(result, naive.conv(x, w, bias, **example.arguments))


@pytest.mark.parametrize("scatters", [False, True], ids=["phases", "scatter"])
@pytest.mark.parametrize("all_axes", UNFOLDED.values(), ids=UNFOLDED.keys())
@given(example=conv_transposes(), kept=st.sampled_from(KEPT))
@hypothesis.example(example=BEYOND, kept=0)
@settings(max_examples=100)
def test_conv_transpose_in_many_tiles_equals_the_loops(
    example: Example, kept: int, *, all_axes: bool, scatters: bool
) -> None:
    x, w = example.arrays()
    (bias,) = example.integers((example.filters,))
    expected = naive.conv_transpose(x, w, bias, **example.arguments)
    for dtype in (np.float64, np.int64):
        with (
            limits(**TINY, _KEPT=kept),
            unfolded(all_axes=all_axes),
            mock.patch.object(kernels, "_scatters", return_value=scatters),
        ):
            result = conv_transpose(x.astype(dtype), w.astype(dtype), bias.astype(dtype), **example.arguments)
        np.testing.assert_array_equal(result, expected)


@st.composite
def patchworks(draw: st.DrawFn) -> Example:
    """Transposed convolutions with kernels of the stride's size."""
    rank = draw(st.integers(1, 3))
    groups, channels, filters = (draw(st.integers(1, 3)) for _ in range(3))
    sizes = tuple(draw(st.integers(1, 4)) for _ in range(rank))
    kernel = tuple(draw(st.integers(1, 4)) for _ in range(rank))
    hypothesis.assume(math.prod(kernel) > 1)
    ones, zeros = (1,) * rank, (0,) * rank
    arguments = {
        "stride": kernel,
        "padding": ((0, 0),) * rank,
        "dilation": ones,
        "output_padding": zeros,
        "groups": groups,
    }
    return Example(
        x_shape=(draw(st.integers(1, 3)), groups * channels, *sizes),
        w_shape=(groups * channels, filters, *kernel),
        arguments=arguments,
        filters=groups * filters,
        seed=draw(st.integers(0, 100)),
    )


@given(example=patchworks(), with_bias=st.booleans(), shortest_row=st.sampled_from([1, 9]))
@settings(max_examples=200)
def test_patches_in_many_tiles_equal_the_loops(
    example: Example, shortest_row: int, *, with_bias: bool
) -> None:
    x, w = example.arrays()
    (bias,) = example.integers((example.filters,)) if with_bias else (None,)
    expected = naive.conv_transpose(x, w, bias, **example.arguments)
    for dtype in (np.float64, np.float16, np.int64):
        added = None if bias is None else bias.astype(dtype)
        with (
            limits(**TINY, _SHORTEST_ROW=shortest_row),
            mock.patch.object(kernels, "Scattering"),
            mock.patch.object(kernels, "correlations"),
        ):
            result = conv_transpose(x.astype(dtype), w.astype(dtype), added, **example.arguments)
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("partial_sums", [0, 10**9])
@pytest.mark.parametrize("all_axes", UNFOLDED.values(), ids=UNFOLDED.keys())
@given(example=convs(), few=st.sampled_from([0, 10**9]), dtype=st.sampled_from([np.float32, np.float64]))
@settings(max_examples=50)
def test_weight_gradients_in_many_tiles_are_adjoint(
    example: Example, partial_sums: int, few: int, dtype: type[np.floating], *, all_axes: bool
) -> None:
    x, w = example.arrays()
    y = conv(x, w, **example.arguments)
    (dy, dw) = example.integers(y.shape, w.shape)
    arguments = {**example.arguments}
    with limits(**TINY, _PARTIAL_SUMS=partial_sums, _FEW=few), unfolded(all_axes=all_axes):
        grad = conv_weight_grad(x.astype(dtype), dy.astype(dtype), example.kernel, **arguments)
        transposed = conv_transpose_weight_grad(
            dy.astype(dtype), x.astype(dtype), example.kernel, **arguments
        )
    assert (grad * dw).sum() == (conv(x, dw, **arguments) * dy).sum()
    np.testing.assert_array_equal(transposed, grad)


@given(convs(), st.integers(1, 40))
def test_tiles_cover_every_place_of_every_sample_once(example: Example, columns: int) -> None:
    arguments = example.arguments
    geometry = conv_geometry(example.x_shape, example.w_shape, **arguments)
    seen: Counter[tuple[int, ...]] = Counter()
    for tile in tiles.tiles(3, geometry.axes, columns):
        for place in np.ndindex(*(tiles.length(span) for span in (tile.samples, *tile.places))):
            seen[
                tuple(span.start + i for span, i in zip((tile.samples, *tile.places), place, strict=True))
            ] += 1
    assert set(seen) == set(np.ndindex(3, *geometry.coarse))
    assert set(seen.values()) == {1}


@given(st.integers(0, 50), st.integers(-2, 60))
def test_a_few_parts_are_even_in_number(size: int, most: int) -> None:
    parts = tiles.in_pairs(size, most)
    assert [i for part in parts for i in range(size)[part]] == list(range(size))
    assert max(map(tiles.length, parts), default=0) <= max(most, 1)
    assert len(parts) % 2 == 0 or len(parts) in {1, size} or len(parts) >= 9


@given(st.integers(0, 50), st.integers(-2, 60))
def test_spans_are_even_and_in_order(size: int, most: int) -> None:
    parts = tiles.spans(size, most)
    assert [i for part in parts for i in range(size)[part]] == list(range(size))
    lengths = {tiles.length(part) for part in parts}
    assert max(lengths, default=0) <= max(most, 1)
    assert max(lengths, default=0) - min(lengths, default=0) <= 1
