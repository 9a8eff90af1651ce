"""Markdown as GitHub reads it, of texts that are anybody's: they show as they are, and mark up nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from parity.cases.printable import printable

_MARKS = re.compile(r"([\\`*\[\]<>|~#&@$]|(?<!\w)_|_(?!\w))")
"""What begins markup, a table's cell, an entity, a mention, a reference or mathematics."""


def words(text: str) -> str:
    """Write a text of anybody's, on one line."""
    line = " ".join(printable(text).split())
    return _MARKS.sub(lambda found: f"&#{ord(found[0])};", line)


def code(text: str) -> str:
    """Write a text of anybody's as code, on one line."""
    line = " ".join(printable(text).split())
    escaped = _MARKS.sub(lambda found: f"&#{ord(found[0])};", line)
    return f"<code>{escaped}</code>" if escaped else ""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table of cells that are Markdown themselves."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def folded(summary: str, text: str) -> str:
    """Write a text that is shown when its summary, which is Markdown, is clicked."""
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"
