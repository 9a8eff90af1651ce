"""Print what changed from one record to another."""

from __future__ import annotations

import itertools
from pathlib import Path

import click

from parity.cli.options import json_option, markdown_option, refuse_both
from parity.cli.output import (
    count_of,
    json_document,
    note,
    note_if_torn,
)
from parity.cli.streams import say
from parity.cli.styled import tell
from parity.cli.summary import diff_summary
from parity.records.counts import Outcome
from parity.records.diff import Diff, Side, diff


@click.command("diff")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@markdown_option
@json_option
def command(old: Path, new: Path, markdown: bool, as_json: bool) -> Outcome:
    """Print what changed from one recorded sweep to another.

    \b
    Exit codes: 0 nothing changed, whatever became of the environment; 1 something did;
    2 a file is not there, or is no record; 4 there is no case in either.
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    refuse_both(markdown=markdown, as_json=as_json)
    found = diff(old, new)
    for side in (found.old, found.new):
        note_if_torn(side.file, side.torn)
    if as_json:
        json_document(found.to_dict())
    elif markdown:
        say(diff_summary(found))
    else:
        show_diff(found)
    return found.outcome


def show_diff(found: Diff) -> None:
    """Print the environment's changes, what only one side has, the changes, and the totals."""
    for side in (found.old, found.new):
        _note_repeated(side)
    for moved in found.environment:
        say(f"environment: {moved.words}: {moved.before} -> {moved.after}")
    for side in (found.old, found.new):
        _only_here(side)
    for group in found.groups:
        subject = f"{group.result}: " if group.result else ""
        first = group.cases[0]
        tell(f"{group.kind}, {count_of(len(group.cases))}: {subject}{group.how}{_named(first.name)}")
        say(f"    {first.command}")
    say(f"{found.changed} of {count_of(found.compared)} in both changed{_lone(found)}")


def _only_here(side: Side) -> None:
    for name in side.contestants:
        say(f"only in {side.file}: {name}")
    for suite, alone in itertools.groupby(side.cases, key=lambda lone: lone.suite):
        first, *others = alone
        say(f"only in {side.file}: {count_of(1 + len(others))} of suite {suite}{_named(first.name)}")
        say(f"    {first.command}")
    if side.drawn:
        say(f"only in {side.file}: {count_of(side.drawn)} that hypothesis drew; that is no change")


def _note_repeated(side: Side) -> None:
    if side.repeated:
        verb = "differs" if side.repeated == 1 else "differ"
        records = "1 record" if side.repeated == 1 else f"{side.repeated} records"
        note(f"{side.file}: {records} {verb} from an earlier one of the same case; the last one counts")


def _named(name: str) -> str:
    return f" ({name})" if name else ""


def _lone(found: Diff) -> str:
    alone = [f"{len(side.cases)} only in {side.file}" for side in (found.old, found.new) if side.cases]
    return "".join(f", {words}" for words in alone)
