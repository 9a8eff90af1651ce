from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from parity.cases.notation import (
    NotationError,
    by_axes,
    format_ints,
    format_padding,
    format_shape,
    parse_ints,
    parse_padding,
)
from tests.support.strategies import examples

numbers = st.lists(st.integers(0, 99), min_size=1, max_size=3)
pads = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=3)


@examples(100)
@given(numbers)
def test_numbers_are_read_back_as_they_were_written(values: list[int]) -> None:
    parsed = parse_ints(format_ints(values))
    assert (parsed if isinstance(parsed, tuple) else (parsed,) * len(values)) == tuple(values)


@examples(100)
@given(pads)
def test_padding_is_read_back_as_it_was_written(values: list[tuple[int, int]]) -> None:
    parsed = parse_padding(format_padding(tuple(values)))
    each = parsed if isinstance(parsed, tuple) else (parsed,) * len(values)
    assert [item if isinstance(item, tuple) else (item, item) for item in each] == values


@pytest.mark.parametrize(
    ("text", "padding"),
    [
        ("1", 1),
        ("1,2", (1, 2)),
        ("same", "same"),
        ("valid", "valid"),
        ("1:2", ((1, 2),)),
        ("1:2,0:1", ((1, 2), (0, 1))),
        ("1:2,3", ((1, 2), (3, 3))),
    ],
)
def test_padding_has_these_forms(text: str, padding: object) -> None:
    assert parse_padding(text) == padding


@pytest.mark.parametrize("text", ["", "one", "1.5", "1,,2", "1;2", "1:2"])
def test_text_that_is_no_numbers_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(NotationError) as raised:
        parse_ints(text)
    assert repr(text) in str(raised.value)
    assert "2,1" in str(raised.value)


@pytest.mark.parametrize("text", ["", "full", "1:", ":1", "1:2:3", "1:x", "1,same"])
def test_text_that_is_no_padding_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(NotationError) as raised:
        parse_padding(text)
    assert repr(text) in str(raised.value)
    assert "1:2,0:1" in str(raised.value)


def test_a_shape_is_written_with_crosses() -> None:
    assert format_shape((5, 1, 6, 6)) == "5x1x6x6"
    assert format_shape(()) == "scalar"


@pytest.mark.parametrize(
    ("clauses", "text"),
    [
        (["A"], "A"),
        (["A", "A"], "A on each axis"),
        (["A", "B"], "A on axis 0, B on axis 1"),
        (["A", "B", "A"], "A on axes 0 and 2, B on axis 1"),
    ],
)
def test_an_equal_clause_is_written_once_for_its_axes(clauses: list[str], text: str) -> None:
    assert by_axes(clauses) == text
