"""A record, and what changed between two, as the summary of a CI job: in Markdown, what matters first."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import PurePath

from parity.cases.selection import words_of
from parity.cases.verdict import VERDICTS
from parity.cli.output import NOTHING_COMPARED, count_of
from parity.markup.markdown import code, folded, plain, table
from parity.records.counts import COLUMNS, Report
from parity.records.diff import Diff, Side
from parity.records.header import Header
from parity.records.result import ORACLE

_MOST = 50
"""Rows of a table; a service cuts a summary that is longer than a MB."""


def report_summary(header: Header, counted: Report) -> str:
    """Write a record's counts: the totals, what is unexplained, what explains the rest, and every row."""
    return "\n\n".join(_report(header, counted))


def diff_summary(found: Diff) -> str:
    """Write what changed from one record to another."""
    return "\n\n".join(_diff(found))


def _report(header: Header, counted: Report) -> Iterator[str]:
    within = f" within {shlex.join(words_of(header.selection))}" if header.selection else ""
    title = f"{counted.summary} ({', '.join(header.suites)}{within})"
    yield f"### {plain(title)}"
    if not counted.comparisons:
        yield plain(NOTHING_COMPARED)
    for name, count in counted.stale.items():
        yield f"- stale: known difference {plain(name)}: due in {count} results, and seen in none"
    wrong = counted.unexplained
    if wrong:
        rows = [
            (plain(each.name), plain(each.result), plain(each.reason), code(each.command))
            for each in wrong[:_MOST]
        ]
        yield f"#### {len(wrong)} unexplained"
        yield table(("case", "result", "why", "command"), rows) + _more(len(wrong))
    names = [each.framework for each in header.frameworks if each.framework != ORACLE]
    for suite, cases in counted.named.items():
        results = [[plain(name), *(plain(found.get(each, "")) for each in names)] for name, found in cases]
        yield folded(f"Suite {plain(suite)}, case by case", table(("case", *map(plain, names)), results))
    kinds = counted.explained
    if kinds:
        explained = [(plain(each.reason), str(each.count), code(each.command)) for each in kinds[:_MOST]]
        shown = table(("explained by", "cases", "such as"), explained) + _more(len(kinds))
        yield folded(f"What explains {counted.verdicts['explained']} cases", shown)
    counts = [(*map(plain, row), *(str(count or "") for count in numbers)) for row, numbers in counted.rows]
    yield folded("Counts", table(("framework", "spelling", "output", "op", *COLUMNS), counts))
    machines = [
        (plain(row.name), *map(str, (len(row.hosts), row.cases, *row.verdicts.values(), row.failed)))
        for row in counted.machines.rows
    ]
    if machines:
        shown = table(("machine", "hosts", "cases", *VERDICTS, "failed"), machines)
        yield folded(f"{len(machines)} kinds of machines", shown)
    about = ((each.framework, each.version, each.backend) for each in header.frameworks)
    yield plain("; ".join(" ".join(filter(None, parts)) for parts in about))


def _diff(found: Diff) -> Iterator[str]:
    yield f"### {found.changed} of {count_of(found.compared)} changed"
    if found.groups:
        rows = [
            (
                group.kind,
                str(len(group.cases)),
                plain(group.result or ""),
                plain(group.how),
                plain(group.cases[0].name),
                code(group.cases[0].command),
            )
            for group in found.groups[:_MOST]
        ]
        columns = ("what", "cases", "result", "how", "such as", "command")
        yield table(columns, rows) + _more(len(found.groups))
    alone = [row for side in (found.old, found.new) for row in _only_in(side)]
    if alone:
        yield table(("only in", "what", "such as", "command"), alone)
    if found.environment:
        moved = [
            (plain(each.words), plain(str(each.before)), plain(str(each.after))) for each in found.environment
        ]
        yield folded(f"Environment: {len(moved)} differences", table(("part", "before", "after"), moved))


def _only_in(side: Side) -> Iterator[tuple[str, str, str, str]]:
    file = plain(PurePath(side.file).name)
    for name in side.contestants:
        yield file, plain(name), "", ""
    if side.cases:
        first = side.cases[0]
        yield file, count_of(len(side.cases)), plain(first.name), code(first.command)


def _more(count: int) -> str:
    return f"\n\n… and {count - _MOST} more" if count > _MOST else ""
