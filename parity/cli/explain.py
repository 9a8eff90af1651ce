"""Print the arithmetic of a case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from parity.cli.arrays import BiasOrFile, case_and_arrays
from parity.cli.options import case_options
from parity.cli.streams import say
from parity.explain.drawing.pictures import write_pictures
from parity.explain.steps import explain
from parity.records.counts import Outcome


@click.command("explain", cls=BiasOrFile)
@case_options(values="arange", own=True)
@click.option(
    "--html", type=click.Path(path_type=Path), metavar="OUT", help="Draw it on a page, too, to step through."
)
@click.option(
    "--svg", type=click.Path(path_type=Path), metavar="OUT", help="Draw it as one picture, too: SVG."
)
def command(html: Path | None, svg: Path | None, **case: Any) -> Outcome:
    """Print the arithmetic of a case, step by step."""
    if html is not None and svg is not None and html.resolve() == svg.resolve():
        raise click.UsageError(f"--html and --svg: allowed are two files, and both are {html}")
    read = case_and_arrays(case)
    if html is not None or svg is not None:
        write_pictures(*read, html=html, svg=svg)
    for line in explain(*read):
        say(line)
    return Outcome.EXPLAINED
