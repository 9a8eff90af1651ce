from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from convmm import (
    columns,
    conv,
    conv_transpose,
    conv_transpose_weight_grad,
    conv_weight_grad,
    correlation,
    factors,
    kernels,
    scatter,
    threads,
    tiles,
    weights,
)
from convmm.geometry import conv_geometry
from tests import naive
from tests.convmm.strategies import Example, conv_transposes, convs

MODULES = (columns, correlation, factors, kernels, scatter, threads, tiles, weights)

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
    "_FEWEST_WHOLE": 3,
    "_MOST_FILTERS": 1,
    "_MOST_COLUMNS": 1,
    "_WORTH_LIMITING": 0,
    "_WORTH_TASKS": 0,
}


@contextmanager
def limits(**values: int) -> Iterator[None]:
    """Other limits in every module that has them."""
    patches = [
        mock.patch.object(module, name, value)
        for name, value in values.items()
        for module in MODULES
        if hasattr(module, name)
    ]
    assert len(patches) >= len(values)
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


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

UNFOLDED = {"the first axis as it is": 0, "all axes unfolded": 10**9}


@pytest.mark.parametrize("enough_terms", UNFOLDED.values(), ids=UNFOLDED.keys())
@given(example=convs(), kept=st.sampled_from(KEPT))
@settings(max_examples=100)
def test_conv_in_many_tiles_equals_the_loops(example: Example, enough_terms: int, kept: int) -> None:
    x, w = example.arrays()
    (bias,) = example.integers((example.filters,))
    with limits(**TINY, ENOUGH_TERMS=enough_terms, _KEPT=kept):
        result = conv(
            x.astype(np.float32), w.astype(np.float32), bias.astype(np.float32), **example.arguments
        )
    np.testing.assert_array_equal(result, naive.conv(x, w, bias, **example.arguments))


@pytest.mark.parametrize("scatters", [False, True], ids=["phases", "scatter"])
@pytest.mark.parametrize("enough_terms", UNFOLDED.values(), ids=UNFOLDED.keys())
@given(example=conv_transposes(), kept=st.sampled_from(KEPT))
@hypothesis.example(example=BEYOND, kept=0)
@settings(max_examples=100)
def test_conv_transpose_in_many_tiles_equals_the_loops(
    example: Example, enough_terms: int, kept: int, *, scatters: bool
) -> None:
    x, w = example.arrays()
    (bias,) = example.integers((example.filters,))
    expected = naive.conv_transpose(x, w, bias, **example.arguments)
    for dtype in (np.float64, np.int64):
        with (
            limits(**TINY, ENOUGH_TERMS=enough_terms, _KEPT=kept),
            mock.patch.object(kernels, "_scatters", return_value=scatters),
        ):
            result = conv_transpose(x.astype(dtype), w.astype(dtype), bias.astype(dtype), **example.arguments)
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("partial_sums", [0, 10**9])
@pytest.mark.parametrize("enough_terms", UNFOLDED.values(), ids=UNFOLDED.keys())
@given(example=convs(), few=st.sampled_from([0, 10**9]), dtype=st.sampled_from([np.float32, np.float64]))
@settings(max_examples=50)
def test_weight_gradients_in_many_tiles_are_adjoint(
    example: Example, enough_terms: int, partial_sums: int, few: int, dtype: type[np.floating]
) -> None:
    x, w = example.arrays()
    y = conv(x, w, **example.arguments)
    (dy, dw) = example.integers(y.shape, w.shape)
    arguments = {**example.arguments}
    with limits(**TINY, ENOUGH_TERMS=enough_terms, _PARTIAL_SUMS=partial_sums, _FEW=few):
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
def test_spans_are_even_and_in_order(size: int, most: int) -> None:
    parts = tiles.spans(size, most)
    assert [i for part in parts for i in range(size)[part]] == list(range(size))
    lengths = {tiles.length(part) for part in parts}
    assert max(lengths, default=0) <= max(most, 1)
    assert max(lengths, default=0) - min(lengths, default=0) <= 1
