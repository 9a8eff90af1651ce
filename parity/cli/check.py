"""Hold one implementation against the laws of its operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from parity.cases.case import Case
from parity.cli.options import (
    FRAMEWORKS,
    NAMES,
    case_options,
    json_option,
    timeout_option,
)
from parity.cli.output import (
    Json,
    json_document,
    make_table,
    note,
    print_table,
    text,
)
from parity.laws.check import self_check
from parity.laws.subject import Subject, choose_subject
from parity.records.counts import Outcome
from parity.workers.interrupts import Interrupts
from parity.workers.shared import TIMEOUT
from parity.workers.workers import Workers


def show_laws(document: Json) -> None:
    """Print what was checked, one line per law, and how many laws hold."""
    used, laws = document["implementation"], document["laws"]
    words = (used["framework"], used["version"], used["spelling"])
    click.echo(
        f"{document['command']}\n{' '.join(word for word in words if word)}: {used['layer'] or 'no layer'}"
    )
    if used["adjoint"]:
        click.echo(f"its opposite: {used['adjoint']}")
    table = make_table("law", "status", "difference", "sample", "channel", "position")
    for law in laws:
        where = law["where"] or {"sample": None, "channel": None, "position": []}
        position = ",".join(map(str, where["position"]))
        numbers = (law["max_difference"], where["sample"], where["channel"])
        table.add_row(law["name"], law["status"], *map(text, numbers), position)
    click.echo()
    print_table(table)
    for law in laws:
        click.echo(f"{law['name']}: {law['message']}")
    counts = Counter(law["status"] for law in laws)
    click.echo(
        f"\n{len(laws)} laws: {counts['holds']} hold, {counts['broken']} broken, "
        f"{counts['not applicable']} not applicable"
    )
    if not counts["holds"] + counts["broken"]:
        note("nothing was checked: no law could be tried")


@click.command("check")
@case_options(values="integers")
@click.option("--frameworks", type=NAMES, help=f"One {FRAMEWORKS}.")
@click.option("--impl", metavar="MODULE:FUNCTION", help="A function of yours, in place of a framework.")
@click.option(
    "--adjoint", metavar="MODULE:FUNCTION", help="Beside --impl: your function of the opposite operation."
)
@timeout_option(TIMEOUT)
@json_option
def command(
    frameworks: Sequence[str] | None,
    impl: str | None,
    adjoint: str | None,
    timeout: float,
    as_json: bool,
    **case: Any,
) -> Outcome:
    """Hold one framework, or one function, against the laws of its operation, compared with nothing."""
    subject = choose_subject(frameworks, impl, adjoint)
    return check(Case.from_dict(case), subject, timeout=timeout, as_json=as_json)


def check(case: Case, subject: Subject, *, timeout: float, as_json: bool) -> Outcome:
    """Try the laws, and print what came of each."""
    with Interrupts(), Workers(subject.adapters, timeout=timeout) as workers:
        workers.switches()
        checked = self_check(case, subject, workers.submit)
    (json_document if as_json else show_laws)(checked.to_dict())
    return checked.outcome
