"""What is shown of results: numbers in words, and tables as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


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
    from parity.markup.templates import render  # noqa: PLC0415 - imported when it is looked at

    return render("parity.models", "table.html", {"columns": columns, "rows": rows, "notes": notes})
