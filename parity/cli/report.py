"""Print a recorded sweep as tables."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from parity.cases.selection import words_of
from parity.cases.verdict import VERDICTS
from parity.cli.options import json_option, markdown_option, refuse_both
from parity.cli.output import (
    count_of,
    json_document,
    note_if_torn,
    note_nothing_compared,
    show_declined,
    show_stale,
    spelling_text,
)
from parity.cli.streams import say
from parity.cli.styled import tell
from parity.cli.summary import report_summary
from parity.cli.tables import make_table, print_table
from parity.page.page import write_page
from parity.records.counts import COLUMNS, Outcome, Report
from parity.records.header import Header
from parity.records.junit import write_junit
from parity.records.reader import read_records
from parity.records.result import ORACLE

_MOST_UNEXPLAINED = 20

_MOST_EXPLAINED = 20
"""Kinds of reasons that are printed, each with a command."""


@click.command("report")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--junit", type=click.Path(path_type=Path), metavar="OUT", help="Write JUnit XML too, for a CI service."
)
@click.option(
    "--html", type=click.Path(path_type=Path), metavar="OUT", help="Write a page to look at, too: one file."
)
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="OLD",
    help="An older record, which the page shows beside this one.",
)
@markdown_option
@json_option
def command(
    file: Path, junit: Path | None, html: Path | None, against: Path | None, markdown: bool, as_json: bool
) -> Outcome:
    """Print a recorded sweep as tables."""
    refuse_both(markdown=markdown, as_json=as_json)
    if against is not None and html is None:
        raise click.UsageError("--against OLD: allowed beside --html OUT")
    if html is not None and junit is not None and html.resolve() == junit.resolve():
        raise click.UsageError(f"--html and --junit: allowed are two files, and both are {html}")
    first, records = read_records(file)
    report = Report(records, first)
    if junit:
        write_junit(junit, first, records, file)
    if html:
        write_page(html, file, against)
    note_if_torn(file, records.torn)
    if as_json:
        json_document(report.to_dict(first))
    elif markdown:
        say(report_summary(first, report))
    else:
        show_report(first, report)
    return report.outcome


def show_report(header: Header, counted: Report) -> None:
    """Print a sweep's counts as a table, what is unexplained, and the totals."""
    for used in header.frameworks:
        tell(" ".join(part for part in (used.framework, used.version, used.backend) if part))
    _show_named(header, counted)
    table = make_table("framework", "spelling", "op", *COLUMNS, numbers=len(COLUMNS), label=3)
    for (framework, spelling, output, op), counts in counted.rows:
        shown = (framework, spelling_text(spelling, output), op)
        table.add_row(*shown, *(str(count or "·") for count in counts))
    print_table(table)
    _show_machines(counted)
    unexplained = counted.unexplained
    for each in unexplained[:_MOST_UNEXPLAINED]:
        name = f"{each.name}: " if each.name else ""
        tell(f"unexplained: {name}{each.result}: {each.reason}\n    {each.command}")
    if len(unexplained) > _MOST_UNEXPLAINED:
        tell(f"… and {len(unexplained) - _MOST_UNEXPLAINED} more unexplained results")
    for name, label, found, reason in counted.apart[:_MOST_UNEXPLAINED]:
        tell(f"{name}: {label}: {found}{f': {reason}' if reason else ''}")
    if len(counted.apart) > _MOST_UNEXPLAINED:
        tell(f"… and {len(counted.apart) - _MOST_UNEXPLAINED} more native layers that do not agree")
    show_declined(counted)
    show_stale(counted)
    _show_explained(counted)
    within = f" within {shlex.join(words_of(header.selection))}" if header.selection else ""
    tell(f"{counted.summary} ({', '.join(header.suites)}{within})")
    note_nothing_compared(counted)


def _show_named(header: Header, counted: Report) -> None:
    """Print the cases of small suites one by one, by name, with what came of each framework's layer."""
    frameworks = [each.framework for each in header.frameworks if each.framework != ORACLE]
    for suite, cases in counted.named.items():
        table = make_table(suite, *frameworks, results=True)
        for name, results in cases:
            table.add_row(name, *(results.get(framework, "") for framework in frameworks))
        print_table(table)


def _show_machines(counted: Report) -> None:
    """Print by kind of machine what came of the cases, where a cluster has several kinds."""
    rows = counted.machines.rows
    if rows:
        table = make_table("machine", "hosts", "cases", *VERDICTS, "failed", numbers=6)
        for row in rows:
            counts = (row.cases, *row.verdicts.values(), row.failed)
            table.add_row(row.name, str(len(row.hosts)), *(str(count or "·") for count in counts))
        print_table(table)


def _show_explained(counted: Report) -> None:
    """Print by what the cases that are explained are, each kind with a case of it."""
    for each in counted.explained[:_MOST_EXPLAINED]:
        tell(f"explained by {each.reason}: {count_of(each.count)}\n    {each.command}")
    if len(counted.explained) > _MOST_EXPLAINED:
        tell(f"… and {len(counted.explained) - _MOST_EXPLAINED} more kinds of reasons, which --json lists")
