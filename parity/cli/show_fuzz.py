"""What `parity fuzz` prints: its findings as a table, and each with its script and its entry."""

from __future__ import annotations

import click

from parity.cli import show
from parity.records.counts import Report


def fuzz(document: show.Json, counted: Report) -> None:
    """The findings, if any, and how many cases came out how."""
    findings = document["findings"]
    if findings:
        _table(findings)
    for number, finding in enumerate(findings, 1):
        _finding(number, finding)
    show.stale(counted)
    causes = "1 cause" if len(findings) == 1 else f"{len(findings)} causes"
    click.echo(f"{counted.summary}; {causes}; seed {document['seed']}")
    show.note_nothing_compared(counted)


def _table(findings: list[show.Json]) -> None:
    table = show.make_table("", "cause", "dtypes", "cases", "shrunk", "smallest case")
    for number, finding in enumerate(findings, 1):
        table.add_row(
            str(number),
            finding["summary"],
            ", ".join(finding["dtypes"]),
            str(finding["count"]),
            "yes" if finding["shrunk"] else "no",
            finding["command"],
        )
    show.print_table(table)


def _finding(number: int, finding: show.Json) -> None:
    """What to run, what to send to whom it concerns, and what to write down."""
    click.echo(
        f"\n{number}. {finding['summary']}: {finding['result']['error'] or finding['result']['reason']}"
    )
    click.echo(f"    {finding['command']}")
    click.echo(f"\nA script that shows it:\n\n{finding['script']}")
    if finding["entry"] is None:
        click.echo("No known difference can explain it: a layer computed what its rules say it refuses.\n")
    else:
        click.echo(f"A draft for a file of known differences:\n\n{finding['entry']}\n")
