"""Print JSON, tables and remarks, for a terminal, a file or a pipe."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from parity.cases.printable import printable
from parity.cli.streams import fitted, say
from parity.records.counts import Report
from parity.records.reader import is_torn

Json = Mapping[str, Any]


NOTHING_COMPARED = "nothing was compared: no framework beside the NumPy core gave values that tell"

WIDE = 200
"""Columns of a table that is no terminal's: a pipe has no width to fit into."""


def json_document(value: object) -> None:
    """Print one JSON value, indented."""
    say(_ascii(json.dumps(value, indent=2, allow_nan=False)))


def json_line(value: msgspec.Struct) -> None:
    """Print one JSON value on one line."""
    say(_ascii(msgspec.json.encode(value).decode()))


def _ascii(document: str) -> str:
    """Escape what is not ASCII, which JSON has in its texts alone, and DEL."""
    return _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1].replace("\x7f", "\\u007f"), document)


_NOT_ASCII = re.compile("[^\n\x20-\x7e]+")


def note(message: str) -> None:
    """Print one line on stderr."""
    say(message, err=True)


def spelling_text(spelling: str, output: str, variant: str = "") -> str:
    """Name a spelling, what tells it from others of its kind, and its gradient where it is one of those."""
    named = f"{spelling} ({variant})" if variant else spelling
    return named if output == "value" else f"{named} {output}"


def count_of(cases: int) -> str:
    """Say how many cases."""
    return "1 case" if cases == 1 else f"{cases} cases"


def note_nothing_compared(counted: Report) -> None:
    """Say on stderr that nothing was compared, if so."""
    if not counted.comparisons:
        note(NOTHING_COMPARED)


_MOST_REASONS = 5


def show_declined(counted: Report) -> None:
    """Print what functions said that they cannot do, the most frequent reasons first."""
    for label in dict.fromkeys(label for label, _ in counted.declined):
        reasons = [(why, count) for (name, why), count in counted.declined.most_common() if name == label]
        shown = [f"{why} ({count})" for why, count in reasons[:_MOST_REASONS]]
        more = [f"and {len(reasons) - _MOST_REASONS} more reasons"] if len(reasons) > _MOST_REASONS else []
        total = sum(count for _, count in reasons)
        say(f"unsupported, as it says: {label}, {total} results: {', '.join([*shown, *more])}")


def show_stale(counted: Report) -> None:
    """Print the known differences that are gone."""
    for name, count in counted.stale.items():
        say(f"stale: known difference {name}: due in {count} results, and seen in none")


def note_if_torn(file: Path) -> None:
    """Say on stderr that a record that was read has no end."""
    if is_torn(file):
        note(f"{file}: the last line is torn and was dropped; the sweep was interrupted")


class PlainTable(Table):
    """A table whose cells are what they say: no markup, and nothing that acts on a terminal."""

    def add_row(self, *cells: str) -> None:  # type: ignore[override] # texts are all that there is
        """Add a row."""
        super().add_row(*(fitted(printable(cell), sys.stdout) for cell in cells))


def make_table(*columns: str, numbers: int = 0) -> PlainTable:
    """Make a table whose last ``numbers`` columns are right-aligned."""
    table = PlainTable(box=box.SIMPLE, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place >= len(columns) - numbers else "left")
    return table


def print_table(table: Table) -> None:
    """Print a table for whoever reads it: a terminal, or a file; no name is markup."""
    is_terminal = Console().is_terminal
    console = Console(width=None if is_terminal else WIDE, markup=False, emoji=False, highlight=False)
    if not is_terminal or not console.encoding.startswith("utf"):
        table.box = box.ASCII2
    console.print(table)


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table of texts."""
    table = make_table(*columns)
    for cells in rows:
        table.add_row(*cells)
    print_table(table)


def text(value: object) -> str:
    """Write a cell of a table: yes or no for a flag, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
