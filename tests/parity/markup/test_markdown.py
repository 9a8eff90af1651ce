"""Text of anybody's in Markdown is text, and ends nothing that it stands in."""

from __future__ import annotations

import html

from hypothesis import given
from hypothesis import strategies as st

from parity.markup.markdown import code, fenced, plain

TEXTS = st.text(st.sampled_from("ab `|<&*\\_[]~$#\n\r\t\u202e\x1b"))


def test_no_character_of_words_is_markup() -> None:
    written = plain("<b> | `a`\n*b* [c](d) &amp; $x$ ~~ #1 @all _d_ e_f")
    assert not set(written.replace("&#", "")) & set("<>|`*[]$~@")
    assert html.unescape(written) == "<b> | `a` *b* [c](d) &amp; $x$ ~~ #1 @all _d_ e_f"


@given(text=TEXTS)
def test_words_and_code_are_one_line_that_ends_no_cell(text: str) -> None:
    for written in (plain(text), code(text)):
        assert len(written.splitlines()) <= 1
        assert "|" not in written
        assert written.isprintable()


@given(text=TEXTS)
def test_a_block_ends_where_its_text_does(text: str) -> None:
    first, *inside, last = fenced(text, "text").splitlines()
    assert first == f"{last}text"
    assert not any(last in line for line in inside)


def test_code_is_text_between_its_marks() -> None:
    assert code("a|b") == "<code>a&#124;b</code>"
    assert fenced("````\nx\n") == "`````\n````\nx\n`````"
