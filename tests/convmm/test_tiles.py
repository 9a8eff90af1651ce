"""The tiled routes, on limits that make many tiles and tasks of the smallest problem: equal to the loops."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from convmm import conv
from convmm.fast.plan import LIMITS, Limits, tiles
from convmm.geometry import conv_geometry, conv_transpose_geometry
from tests.convmm.strategies import Example, conv_transposes, convs
from tests.convmm.tiled import TINY, UNFOLDED, correlate, correlate_weights, spread
from tests.support import naive

Array = NDArray[Any]

ROUTES = {
    "phases": {"adding": 1e9, "adding_in_runs": 1e9},
    "scatter": {"adding": 0.0, "adding_in_runs": 0.0, "emptying": 0.0},
}

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


@pytest.mark.parametrize("limits", UNFOLDED.values(), ids=UNFOLDED.keys())
@given(example=convs(), kept=st.sampled_from(KEPT))
@settings(max_examples=100)
def test_conv_in_many_tiles_equals_the_loops(example: Example, kept: int, limits: Limits) -> None:
    x, w = example.arrays()
    (bias,) = example.integers((example.filters,))
    geometry = conv_geometry(example.x_shape, example.w_shape, **example.arguments)
    own = replace(limits, kept_kernel=kept)
    x32, w32, bias32 = (array.astype(np.float32) for array in (x, w, bias))
    result = correlate(x32, w32, bias32, geometry, own)
    np.testing.assert_array_equal(result, naive.conv(x, w, bias, **example.arguments))


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES.keys())
@pytest.mark.parametrize("limits", UNFOLDED.values(), ids=UNFOLDED.keys())
@given(example=conv_transposes(), kept=st.sampled_from(KEPT))
@hypothesis.example(example=BEYOND, kept=0)
@settings(max_examples=100)
def test_conv_transpose_in_many_tiles_equals_the_loops(
    example: Example, kept: int, limits: Limits, route: dict[str, Any]
) -> None:
    x, w = example.arrays()
    (bias,) = example.integers((example.filters,))
    expected = naive.conv_transpose(x, w, bias, **example.arguments)
    geometry = conv_transpose_geometry(example.x_shape, example.w_shape, **example.arguments)
    own = replace(limits, kept_kernel=kept, shortest_row=10**9, **route)
    for dtype in (np.float64, np.int64):
        result = spread(x.astype(dtype), w.astype(dtype), bias.astype(dtype), geometry, own)
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


@given(example=patchworks(), with_bias=st.booleans())
@settings(max_examples=200)
def test_patches_in_many_tiles_equal_the_loops(example: Example, *, with_bias: bool) -> None:
    x, w = example.arrays()
    (bias,) = example.integers((example.filters,)) if with_bias else (None,)
    expected = naive.conv_transpose(x, w, bias, **example.arguments)
    geometry = conv_transpose_geometry(example.x_shape, example.w_shape, **example.arguments)
    for dtype in (np.float64, np.float16, np.int64):
        added = None if bias is None else bias.astype(dtype)
        result = spread(x.astype(dtype), w.astype(dtype), added, geometry, replace(TINY, shortest_row=1))
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("partial_sums", [0, 10**9])
@pytest.mark.parametrize("limits", UNFOLDED.values(), ids=UNFOLDED.keys())
@given(example=convs(), few=st.sampled_from([0, 10**9]), dtype=st.sampled_from([np.float32, np.float64]))
@settings(max_examples=50)
def test_weight_gradients_in_many_tiles_are_adjoint(
    example: Example, partial_sums: int, few: int, dtype: type[np.floating], limits: Limits
) -> None:
    x, w = example.arrays()
    y = conv(x, w, **example.arguments)
    (dy, dw) = example.integers(y.shape, w.shape)
    geometry = conv_geometry(example.x_shape, example.w_shape, **example.arguments)
    own = replace(limits, partial_sums=partial_sums, few_columns_of_weights=few)
    grad = correlate_weights(x.astype(dtype), dy.astype(dtype), geometry, own)
    assert (grad * dw).sum() == (conv(x, dw, **example.arguments) * dy).sum()


@given(convs(zeros=[""]), st.integers(1, 40))
def test_tiles_cover_every_place_of_every_sample_once(example: Example, columns: int) -> None:
    arguments = example.arguments
    geometry = conv_geometry(example.x_shape, example.w_shape, **arguments)
    seen: Counter[tuple[int, ...]] = Counter()
    for tile in tiles.tiles(3, geometry.axes, columns, LIMITS):
        for place in np.ndindex(*(tiles.length(span) for span in (tile.samples, *tile.places))):
            seen[
                tuple(span.start + i for span, i in zip((tile.samples, *tile.places), place, strict=True))
            ] += 1
    assert set(seen) == set(np.ndindex(3, *geometry.coarse))
    assert set(seen.values()) == {1}


@given(st.integers(0, 50), st.integers(-2, 60))
def test_a_few_parts_are_even_in_number(size: int, most: int) -> None:
    parts = tiles.in_pairs(size, most, LIMITS)
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
