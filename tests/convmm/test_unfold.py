from __future__ import annotations

import numpy as np
import pytest

from convmm.unfold import insert_zeros, window


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
