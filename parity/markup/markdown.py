"""Markdown of texts that are anybody's, as GitHub reads it: they show as they are, and mark up nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from parity.cases.printable import printable

_MARKS = re.compile(r"([\\`*\[\]<>|~#&@$]|(?<!\w)_|_(?!\w))")
"""What begins markup, a table's cell, an entity, a mention, a reference or mathematics."""


def plain(text: str) -> str:
    """Write a text as words on one line: of a paragraph, a list or a table's cell.

    >>> print(plain("a|b <c>"))
    a&#124;b &#60;c&#62;
    """
    line = " ".join(printable(text).split())
    return _MARKS.sub(lambda found: f"&#{ord(found[0])};", line)


def code(text: str) -> str:
    """Write a text as code on one line, which may be that of a table's cell."""
    escaped = plain(text)
    return f"<code>{escaped}</code>" if escaped else ""


def fenced(text: str, language: str = "") -> str:
    """Write a text as a block of code, behind a fence longer than any in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{printable(text).rstrip()}\n{fence}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table of cells that are Markdown themselves."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def folded(summary: str, text: str) -> str:
    """Write a text that is shown when its summary, which is Markdown, is clicked."""
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"
