"""Write a record as a table for pandas, Polars and DuckDB."""

from __future__ import annotations

from pathlib import Path

import click

from parity.cli.output import count_of, note_if_torn
from parity.cli.streams import say
from parity.records.counts import Outcome
from parity.records.export import export


@click.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path), metavar="OUT.parquet")
def command(file: Path, out: Path) -> Outcome:
    """Write a record as a table: a Parquet file with one row a result."""
    found = export(file, out)
    note_if_torn(file, found.torn)
    say(f"{found.rows} results of {count_of(found.records)} in {out}")
    return Outcome.EXPLAINED
