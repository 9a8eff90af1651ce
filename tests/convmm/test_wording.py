from __future__ import annotations

import pytest

from convmm.geometry import shorten, shown


@pytest.mark.parametrize("value", [1, "a", (1, 2), [[1, 2], None], {"a": 1.5}, 10**90])
def test_a_value_that_fits_a_line_is_written_as_code(value: object) -> None:
    assert shown(value) == repr(value)


@pytest.mark.parametrize("value", ["x" * 10**6, list(range(10**5)), 10**4000])
def test_a_longer_value_has_its_two_ends_and_its_length(value: object) -> None:
    text, whole = shown(value), repr(value)
    begin, _, end = text.partition("…")
    assert whole.startswith(begin)
    assert end == f"{whole[-20:]} ({len(whole)} characters)"
    assert len(text) < 130


def test_a_value_that_python_does_not_write_is_named_by_its_type() -> None:
    endless: list[object] = [10**5000]
    assert shown(10**5000) == "(int of too many digits or levels to write)"
    assert shown(endless) == "(list of too many digits or levels to write)"


def test_a_text_is_shortened_to_no_more_than_asked_for() -> None:
    assert shorten("a" * 30, 30) == "a" * 30
    assert shorten("a" * 31, 30) == "a" * 10 + "…" + "a" * 20 + " (31 characters)"
