"""What is shown of results: numbers in words, and tables as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def counted(number: int, what: str) -> str:
    """Write how many there are of something: "1 pair", "2 pairs"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], notes: Iterable[str] = ()) -> str:
    """Write a table as HTML, with sentences below it.

    Args:
        columns: their titles.
        rows: of cells, one for each column.
        notes: the sentences.
    """
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    said = "".join(f"<p>{escape(each)}</p>" for each in notes)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{said}"
