from __future__ import annotations

import sys

import pytest

from parity.cases.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("a\x08b\x7f", r"a\x08b\x7f"),
        ("over\rwritten", r"over\rwritten"),
        ("\u202eabc\u202c \u2066x\u2069", r"\u202eabc\u202c \u2066x\u2069"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("\ud800\udcff", r"\ud800\udcff"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_acts_on_a_terminal_or_cannot_be_seen_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("text", ["", "plain", "two\nlines\tand a tab", "… → × é 卷積", "👍"])
def test_what_can_be_seen_stays(text: str) -> None:
    assert printable(text) == text


def test_all_that_is_left_is_seen_or_lays_out_lines() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    left = set(printable(every))
    assert {each for each in left if not each.isprintable()} == {"\n", "\t"}
