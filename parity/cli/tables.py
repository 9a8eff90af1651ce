"""Tables: as wide as they are in a file, as a terminal is wide there, or a block a row where none fits."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from parity.cases.printable import printable
from parity.cli.streams import fitted
from parity.cli.styled import styled

WIDE = 200
"""Columns of a table that is no terminal's: a pipe has no width to fit into."""

NARROW = 110
"""Columns of a terminal below which a result is a block of its own, however short its values are."""

NOTHING = ("", "·")
"""What cells without content hold."""


class PlainTable:
    """A table whose cells are what they say: no markup, and nothing that acts on a terminal.

    Args:
        columns: their names.
        numbers: how many of them, the last ones, are right-aligned.
        label: how many of them, the first ones, name the row.
        results: each row is a result, which a narrow terminal shows as a block.
    """

    def __init__(self, columns: Sequence[str], numbers: int, label: int, *, results: bool) -> None:
        self.columns = [_shown(column) for column in columns]
        self.numbers = numbers
        self.label = label
        self.results = results
        self.rows: list[tuple[str, ...]] = []

    def add_row(self, *cells: str) -> None:
        """Add a row."""
        self.rows.append(tuple(map(_shown, cells)))


def _shown(cell: str) -> str:
    """Return a text of anybody's as it looks in standard output."""
    return fitted(printable(cell), sys.stdout)


def make_table(*columns: str, numbers: int = 0, label: int = 1, results: bool = False) -> PlainTable:
    """Make a table, as :class:`PlainTable` has it."""
    return PlainTable(columns, numbers, label, results=results)


def print_table(table: PlainTable) -> None:
    """Print a table for whoever reads it: a terminal, or a file.

    On a terminal columns without content are left out, and where the rest does not fit, nothing is cut: each
    row is a block, its label and then its other cells by the names of their columns.
    """
    is_terminal = Console().is_terminal
    console = Console(width=None if is_terminal else WIDE, markup=False, emoji=False, highlight=False)
    plain = not is_terminal or not console.encoding.startswith("utf")
    if not is_terminal:
        console.print(_drawn(table, range(len(table.columns)), box.ASCII2))
        return
    kept = [
        place
        for place in range(len(table.columns))
        if not table.rows or any(row[place] not in NOTHING for row in table.rows)
    ]
    drawn = _drawn(table, kept, box.ASCII2 if plain else box.SIMPLE)
    fits = console.measure(drawn).maximum <= console.width and _width(table, kept) <= console.width
    if fits and not (table.results and console.width < NARROW):
        console.print(drawn)
        return
    console.print()
    for row in table.rows:
        _print_block(console, table, row)
    console.print()


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table of texts."""
    table = make_table(*columns)
    for cells in rows:
        table.add_row(*cells)
    print_table(table)


def _drawn(table: PlainTable, kept: Sequence[int], lines: box.Box) -> Table:
    drawn = Table(box=lines, pad_edge=False)
    first = len(table.columns) - table.numbers
    for place in kept:
        drawn.add_column(Text(table.columns[place]), justify="right" if place >= first else "left")
    for row in table.rows:
        drawn.add_row(*(styled(row[place]) for place in kept))
    return drawn


def _width(table: PlainTable, kept: Sequence[int]) -> int:
    """Return how many places a table takes in which nothing is broken: rich measures what it would break."""
    cells = [[table.columns, *table.rows][number] for number in range(len(table.rows) + 1)]
    widest = (max(cell_len(line) for row in cells for line in row[place].split("\n")) for place in kept)
    return sum(width + 3 for width in widest)


def _print_block(console: Console, table: PlainTable, row: Sequence[str]) -> None:
    """Print a row's label, and below it its other cells, as many in a line as there is room for."""
    label = " ".join(cell for cell in row[: table.label] if cell not in NOTHING)
    if label:
        console.print(Text(label, style="bold"), soft_wrap=True)
    line = ""
    for name, cell in zip(table.columns[table.label :], row[table.label :], strict=True):
        if cell in NOTHING:
            continue
        pair = f"{name}: {cell}"
        joined = f"{line}, {pair}" if line else f"    {pair}"
        if line and cell_len(joined) >= console.width:
            console.print(styled(f"{line},"), soft_wrap=True)
            joined = f"    {pair}"
        line = joined
    if line:
        console.print(styled(line), soft_wrap=True)
