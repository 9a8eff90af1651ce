"""Inputs in any layout, on the tiled route: the same results, and no copy of the whole."""

from __future__ import annotations

import tracemalloc
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from convmm import conv, conv_input_grad, conv_transpose, conv_weight_grad, set_threads
from convmm.fast import threads
from convmm.fast.plan import LIMITS, Limits
from tests.convmm.layouts import LAYOUTS
from tests.convmm.strategies import Operation

# Each with the shapes of its two operands.
OPERATIONS: dict[str, tuple[Operation, tuple[int, ...], tuple[int, ...]]] = {
    "conv": (partial(conv, padding=1), (2, 16, 20, 18), (24, 16, 3, 3)),
    "conv of single taps": (conv, (2, 64, 20, 18), (24, 64, 1, 1)),
    "conv in groups": (partial(conv, padding=1, groups=4, stride=2), (2, 64, 20, 18), (32, 16, 3, 3)),
    "transposed, by phases": (partial(conv_transpose, stride=2), (2, 32, 10, 9), (32, 24, 4, 4)),
    "transposed, scattered": (partial(conv_transpose, stride=2), (2, 64, 20, 18), (64, 2, 4, 4)),
    "transposed, in patches": (partial(conv_transpose, stride=4), (2, 32, 10, 9), (32, 24, 4, 4)),
    "input gradient": (partial(conv_input_grad, input_size=(22, 20)), (2, 24, 20, 18), (24, 16, 3, 3)),
    "weight gradient": (partial(conv_weight_grad, kernel_size=3), (2, 16, 22, 20), (2, 24, 20, 18)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_layout_changes_nothing_in_tiles_either(name: str, dtype: Any, layout: str) -> None:  # noqa: ANN401
    operation, *shapes = OPERATIONS[name]
    rng = np.random.default_rng(0)
    arrays = [rng.integers(-9, 10, shape).astype(dtype) for shape in shapes]
    expected = operation(*arrays)
    laid_out = [LAYOUTS[layout](array) for array in arrays]
    for array in laid_out:
        array.flags.writeable = False
    result = operation(*laid_out)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == expected.dtype
    for array, kept in zip(laid_out, arrays, strict=True):
        np.testing.assert_array_equal(array, kept)


LARGE: dict[str, tuple[Operation, tuple[int, ...], tuple[int, ...]]] = {
    "conv": (partial(conv, padding=1), (1, 64, 256, 256), (4, 64, 3, 3)),
    "transposed, scattered": (partial(conv_transpose, padding=1), (1, 64, 256, 256), (64, 1, 3, 3)),
    "weight gradient": (partial(conv_weight_grad, kernel_size=1), (1, 64, 256, 256), (1, 2, 256, 256)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", LARGE)
def test_a_large_input_is_not_copied_whole(name: str, layout: str) -> None:
    share = max(LIMITS.gathered / Limits().gathered, 1) / 2  # of a tile in proportion to the caches
    operation, *shapes = LARGE[name]
    x, other = (LAYOUTS[layout](np.ones(shape)) for shape in shapes)
    assert _beyond_result(partial(operation, x, other), workers=1) < share * x.nbytes


BOUNDED: dict[str, tuple[Operation, tuple[int, ...], tuple[int, ...]]] = {
    "conv": (partial(conv, padding=8), (1, 3, 512, 512), (8, 3, 16, 16)),
    "conv of many channels": (partial(conv, padding=8), (1, 16, 512, 512), (8, 16, 16, 16)),
    "transposed": (partial(conv_transpose, padding=8), (1, 8, 512, 512), (8, 3, 16, 16)),
    "transposed, by phases": (partial(conv_transpose, stride=2), (1, 8, 256, 256), (8, 8, 16, 16)),
    "transposed, in patches": (partial(conv_transpose, stride=16), (1, 64, 32, 32), (64, 3, 16, 16)),
    "weight gradient": (partial(conv_weight_grad, kernel_size=16), (1, 3, 512, 512), (1, 8, 497, 497)),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", BOUNDED)
def test_a_large_kernel_takes_no_more_memory_than_the_bound(name: str, dtype: Any) -> None:  # noqa: ANN401
    operation, *shapes = BOUNDED[name]
    arrays = [np.ones(shape, dtype) for shape in shapes]
    assert _beyond_result(partial(operation, *arrays), workers=2) < (4 + 2) * LIMITS.gathered


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_neither_do_many_channels_in_fortran_order(dtype: Any) -> None:  # noqa: ANN401
    x = np.ones((1, 512, 96, 112), dtype, order="F")
    call = partial(conv_transpose, x, np.ones((512, 2, 3, 3), dtype), padding=1)
    assert _beyond_result(call, workers=2) < (4 + 2) * LIMITS.gathered


def _beyond_result(call: partial[NDArray[Any]], workers: int) -> int:
    """Bytes at the peak, beyond those of the result."""
    set_threads(workers)
    threads._idle.clear()  # noqa: SLF001 - what earlier calls left is this call's, too
    tracemalloc.start()
    try:
        result = call()
        return tracemalloc.get_traced_memory()[1] - result.nbytes
    finally:
        tracemalloc.stop()
        set_threads(None)
