"""A recorded map of errors has each error where it is, and as large as it is."""

from __future__ import annotations

import base64

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from parity.records.result import ErrorMap
from parity.verdict.error_map import MOST_CHANNELS, MOST_POSITIONS, error_map


def levels(told: ErrorMap | msgspec.UnsetType) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    assert isinstance(told, ErrorMap)
    return np.frombuffer(base64.b64decode(told.levels), np.uint8).reshape(told.shape)


@given(st.data())
def test_each_cell_has_the_largest_error_of_its_block(data: st.DataObject) -> None:
    sizes = st.integers(1, 40)
    shape = data.draw(st.tuples(st.integers(1, 2), sizes, sizes, sizes))
    element = st.tuples(*(st.integers(0, size - 1) for size in shape))
    where = data.draw(st.lists(element, min_size=1, max_size=5))
    due = np.zeros(shape)
    output = due.astype(np.float32)
    for number, place in enumerate(where, start=1):
        output[place] = number
    told = error_map(output, due)
    seen = levels(told)
    assert isinstance(told, ErrorMap)
    assert told.shape[0] <= MOST_CHANNELS
    assert np.prod(told.shape[1:]) <= MOST_POSITIONS
    for cell in np.ndindex(told.shape):
        parts = tuple(slice(at * block, (at + 1) * block) for at, block in zip(cell, told.block, strict=True))
        share = np.abs(output[(slice(None), *parts)]).max() / np.abs(output).max()
        assert seen[cell] == np.ceil(share * 255)


@given(hnp.arrays(np.float32, st.tuples(st.just(1), st.just(2), st.integers(1, 4))))
def test_equal_arrays_have_none(output: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    assert error_map(output, output.astype(np.float64)) is msgspec.UNSET


def test_what_is_no_number_is_the_largest_error() -> None:
    output = np.array([[[np.nan, np.inf, 1, 2, 0]]], np.float32)
    assert levels(error_map(output, np.zeros((1, 1, 5)))).tolist() == [[255, 255, 128, 255, 0]]
    assert levels(error_map(output[..., :1], np.zeros((1, 1, 1)))).tolist() == [[255]]


def test_another_shape_and_no_element_have_none() -> None:
    assert error_map(np.ones((1, 1, 2), np.float32), np.zeros((1, 1, 3))) is msgspec.UNSET
    assert error_map(np.ones((1, 0, 2), np.float32), np.zeros((1, 0, 2))) is msgspec.UNSET
