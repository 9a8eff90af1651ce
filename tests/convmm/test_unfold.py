from __future__ import annotations

import numpy as np
import pytest

from convmm.unfold import insert_zeros, tap_view, window


@pytest.mark.parametrize(
    ("start", "size", "expected"),
    [
        (0, 3, [1, 2, 3]),
        (1, 2, [2, 3]),
        (-2, 3, [0, 0, 1]),
        (2, 3, [3, 0, 0]),
        (-1, 5, [0, 1, 2, 3, 0]),
        (3, 2, [0, 0]),
        (7, 2, [0, 0]),
        (-5, 2, [0, 0]),
        (1, 0, []),
        (5, 0, []),
    ],
)
def test_a_window_reads_zero_outside_of_the_array(start: int, size: int, expected: list[int]) -> None:
    assert window(np.array([[[1, 2, 3]]]), [start], [size]).tolist() == [[expected]]


def test_zeros_are_inserted_between_neighbours_only() -> None:
    assert insert_zeros(np.array([[[1, 2, 3]]]), [3]).tolist() == [[[1, 0, 0, 2, 0, 0, 3]]]


@pytest.mark.parametrize("step", [1, 2])
def test_what_taps_read_is_a_view_that_cannot_be_written(step: int) -> None:
    x = np.arange(10.0 * step)[None, None, ::step]
    view = tap_view(x, taps=[3], dilation=[2], places=[2], stride=[3])
    assert view.tolist() == [[[[0, 3 * step], [2 * step, 5 * step], [4 * step, 7 * step]]]]
    assert np.shares_memory(view, x)
    with pytest.raises(ValueError, match="read-only"):
        view[...] = 0
