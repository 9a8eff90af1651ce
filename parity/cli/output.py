"""Print JSON, tables and remarks, for a terminal, a file or a pipe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from parity.records.counts import Report
from parity.records.reader import is_torn

Json = Mapping[str, Any]


WIDE = 200
"""Columns of a table that is no terminal's: a pipe has no width to fit into."""


def json_document(value: object) -> None:
    """Print one JSON value, indented."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))


def json_line(value: msgspec.Struct) -> None:
    """Print one JSON value on one line."""
    click.echo(msgspec.json.encode(value).decode())


def note(message: str) -> None:
    """Print one line on stderr."""
    click.echo(message, err=True)


def spelling_text(spelling: str, output: str) -> str:
    """Name a spelling, and its gradient where it is one of those."""
    return spelling if output == "value" else f"{spelling} {output}"


def note_nothing_compared(counted: Report) -> None:
    """Say on stderr that nothing was compared, if so."""
    if not counted.comparisons:
        note("nothing was compared: no framework beside the NumPy core gave a value")


def show_stale(counted: Report) -> None:
    """Print the known differences that are gone."""
    for name, count in counted.stale.items():
        click.echo(f"stale: known difference {name}: due in {count} results, and seen in none")


def note_if_torn(file: Path) -> None:
    """Say on stderr that a record that was read has no end."""
    if is_torn(file):
        note(f"{file}: the last line is torn and was dropped; the sweep was interrupted")


def make_table(*columns: str, numbers: int = 0) -> Table:
    """Make a table whose last ``numbers`` columns are right-aligned."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place >= len(columns) - numbers else "left")
    return table


def print_table(table: Table) -> None:
    """Print a table for whoever reads it: a terminal, or a file."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
        table.box = box.ASCII2
    console.print(table)


def text(value: object) -> str:
    """Write a cell of a table: yes or no for a flag, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
