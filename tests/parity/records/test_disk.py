"""Lists that are on the disk when they are long: what they say does not tell where they are."""

from __future__ import annotations

import errno
import tracemalloc
from typing import NamedTuple

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from parity.records import disk
from parity.records.disk import Disk, Listing, Place

without_deadline = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
texts = st.text(st.sampled_from("\0a\x01zé\N{GRINNING FACE}"), max_size=4)
numbers = st.integers(0, 2**40)


class Row(NamedTuple):
    text: str
    number: int


places = st.tuples(numbers, texts, texts, st.one_of(st.just(()), st.tuples(st.tuples(numbers, texts))))
rows = st.lists(st.tuples(places, st.builds(Row, texts, numbers)), max_size=12, unique_by=lambda row: row[0])


def listing(rows: list[tuple[Place, Row]]) -> Listing[Row]:
    found: Listing[Row] = Listing(Row)
    for place, value in rows:
        found.add(place, value)
    return found


@without_deadline
@given(rows=rows, most=st.sampled_from([1, 3, 100]), data=st.data())
def test_values_come_in_the_order_of_their_places_wherever_they_are(
    rows: list[tuple[Place, Row]], most: int, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    monkeypatch.setattr(disk, "MOST_ROWS", most)
    expected = [value for _, value in sorted(rows)]
    found = listing(data.draw(st.permutations(rows))).part()
    assert list(found) == expected
    assert found == expected
    assert len(found) == len(expected)
    some = data.draw(st.slices(len(expected)).filter(lambda each: (each.step or 1) > 0))
    assert found[some] == expected[some]
    assert [found[number] for number in range(-len(expected), len(expected))] == 2 * expected
    assert found.turned(Row._asdict).turned(len) == [2] * len(expected)


@given(rows=rows)
@without_deadline
def test_what_is_added_after_reading_is_there_when_it_is_read_again(
    rows: list[tuple[Place, Row]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "MOST_ROWS", 2)
    found = listing(rows[:5])
    list(found.part())
    for place, value in rows[5:]:
        found.add(place, value)
    assert found.part() == [value for _, value in sorted(rows)]


def test_a_full_disk_is_an_error_of_the_system() -> None:
    full = Disk()
    full.do("PRAGMA max_page_count = 4")
    full.do("CREATE TABLE a (b)")
    with pytest.raises(OSError, match="full") as error:
        full.insert("INSERT INTO a VALUES (?)", [(bytes(100_000),)])
    assert (error.value.errno, error.value.filename) == (errno.ENOSPC, "a temporary file")


def test_a_long_list_takes_no_more_memory_than_a_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "MOST_ROWS", 500)
    tracemalloc.start()
    try:
        found = listing([])
        for number in range(20_000):
            found.add((-number % 7919,), Row(f"{number:01000}", number))
        assert sum(1 for _ in found.part()) == 20_000
        assert tracemalloc.get_traced_memory()[1] < 3 * 500 * 1000
    finally:
        tracemalloc.stop()
