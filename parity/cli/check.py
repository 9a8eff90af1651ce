"""Hold one implementation against the laws of its operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import click

from parity.cases.case import Case
from parity.cases.op import OPS
from parity.cases.selection import Bounds, Selection
from parity.cli.contestants import FRAMEWORK_NAMES, FRAMEWORKS, impl_grad_option
from parity.cli.options import (
    Count,
    case_options,
    given_options,
    json_option,
    timeout_option,
)
from parity.cli.output import Json, json_document, note, text
from parity.cli.progress import progress
from parity.cli.selection import MOST_DRAWN, selection_of, selection_options
from parity.cli.streams import say
from parity.cli.styled import tell
from parity.cli.tables import make_table, print_table
from parity.frameworks.distributions import check_hypothesis
from parity.frameworks.function import usual_dtypes
from parity.frameworks.task import Submit
from parity.laws.check import self_check
from parity.laws.law import STATUSES
from parity.laws.subject import Subject, choose_subject
from parity.records.counts import Outcome
from parity.workers.interrupts import Interrupts
from parity.workers.shared import TIMEOUT
from parity.workers.workers import Workers


def show_laws(document: Json) -> None:
    """Print what was checked, one line per law, and how many laws hold."""
    used, laws = document["implementation"], document["laws"]
    words = (used["framework"], used["version"], used["spelling"])
    say(f"{document['command']}\n{' '.join(word for word in words if word)}: {used['layer'] or 'no layer'}")
    if used["adjoint"]:
        say(f"its opposite: {used['adjoint']}")
    table = make_table("law", "status", "difference", "sample", "channel", "position")
    for law in laws:
        where = law["where"] or {"sample": None, "channel": None, "position": []}
        position = ",".join(map(str, where["position"]))
        numbers = (law["max_difference"], where["sample"], where["channel"])
        table.add_row(law["name"], law["status"], *map(text, numbers), position)
    say()
    print_table(table)
    for law in laws:
        say(f"{law['name']}: {law['message']}")
    counts = Counter(law["status"] for law in laws)
    say(
        f"\n{len(laws)} laws: {counts['holds']} hold, {counts['broken']} broken, "
        f"{counts['not applicable']} not applicable"
    )
    if not counts["holds"] + counts["broken"]:
        note("nothing was checked: no law could be tried")


@click.command("check")
@case_options(values="integers", needed=False)
@click.option(
    "--examples",
    type=Count(),
    default=100,
    show_default=True,
    metavar="N",
    help="How many cases are drawn where no --input is given; --seed is that of the draws then.",
)
@selection_options(dtypes="all, but beside --impl float32 alone,", leave_out=("values",), most=MOST_DRAWN)
@click.option("--frameworks", type=FRAMEWORK_NAMES, help=f"One {FRAMEWORKS}.")
@click.option("--impl", metavar="MODULE:FUNCTION", help="A function of yours, in place of a framework.")
@click.option(
    "--adjoint", metavar="MODULE:FUNCTION", help="Beside --impl: your function of the opposite operation."
)
@impl_grad_option
@timeout_option(TIMEOUT)
@json_option
def command(
    examples: int,
    frameworks: Sequence[str] | None,
    impl: str | None,
    adjoint: str | None,
    impl_grad: str | None,
    timeout: float,
    as_json: bool,
    **chosen: Any,
) -> Outcome:
    """Hold one framework, or one function, against the laws of its operation, compared with nothing.

    One case where --input is given; without it, cases that are drawn, and a summary of them.
    """
    of_a_case = [each.name for each in fields(Case)]
    of_a_draw = {"examples", "ops", "dtypes", "padding_modes", *Bounds.__annotations__}
    given = given_options()
    subject = choose_subject(frameworks, impl, adjoint, impl_grad)
    if "input" in given:
        _refuse_any(given, of_a_draw, "beside --input, which is of one case")
        case = {name: chosen[name] for name in of_a_case if name in given}
        return check(Case.from_dict(case), subject, timeout=timeout, as_json=as_json)
    _refuse_any(given, {*of_a_case} - {"op", "seed"}, "without --input, where cases are drawn")
    if chosen["op"] is not None:
        _refuse_any(given, {"ops"}, f"beside OP, which is {chosen['op']}")
    ops = OPS if chosen["op"] is None else (chosen["op"],)
    among = selection_of({**chosen, "values": ("integers",)}, ops=ops, dtypes=usual_dtypes(subject.adapters))
    return check_many(
        among, subject, examples=examples, seed=chosen["seed"], timeout=timeout, as_json=as_json
    )


def _refuse_any(given: Mapping[str, str], names: Collection[str], when: str) -> None:
    for name, option in given.items():
        if name in names:
            raise click.UsageError(f"{option} is not allowed {when}")


def check(case: Case, subject: Subject, *, timeout: float, as_json: bool) -> Outcome:
    """Try the laws, and print what came of each."""
    with _processes(subject, timeout) as submits:
        checked = self_check(case, subject, *submits)
    (json_document if as_json else show_laws)(checked.to_dict())
    return checked.outcome


def check_many(
    among: Selection, subject: Subject, *, examples: int, seed: int, timeout: float, as_json: bool
) -> Outcome:
    """Draw cases, try the laws on each, and print how often each holds."""
    check_hypothesis("check without --input")
    # Hypothesis, which these need, is optional.
    from parity.laws.many import SelfChecks  # noqa: PLC0415
    from parity.strategies.cases import selected_cases  # noqa: PLC0415

    strategy = selected_cases(among)
    with _processes(subject, timeout) as submits:
        checks = SelfChecks(subject, among, strategy, *submits, examples=examples, seed=seed)
        with progress(checks, total=examples) as advance:
            checks.run(advance)
    (json_document if as_json else show_counts)(checks.to_dict())
    return checks.outcome


@contextmanager
def _processes(subject: Subject, timeout: float) -> Iterator[tuple[Submit, Submit]]:
    """Yield what hands tasks to processes of one thread, and of two."""
    with (
        Interrupts(),
        Workers(subject.adapters, timeout=timeout) as workers,
        Workers([subject.implementation], threads=2, timeout=timeout) as on_two,
    ):
        workers.switches()
        on_two.switches()
        yield workers.submit, on_two.submit


def show_counts(document: Json) -> None:
    """Print how often each law holds, why it could not be tried, and the smallest case that breaks it."""
    used, laws = document["implementation"], document["laws"]
    say(f"{document['command']}\n{used['framework']} {used['version'] or ''}".rstrip() + "\n")
    table = make_table("law", *STATUSES, numbers=len(STATUSES))
    for law in laws:
        table.add_row(law["name"], *(str(law[status] or "·") for status in STATUSES))
    print_table(table)
    for each in laws[0]["reasons"]:
        say(f"nothing to try a law on in {each['count']}: {each['reason']}")
    for law in laws:
        if law["smallest"] is not None:
            tell(f"broken: {law['name']}: {law['smallest']['message']}")
            say(f"    {law['smallest']['command']}")
    broken = sum(bool(law["broken"]) for law in laws)
    tell(f"\n{document['cases']} cases: {broken} laws broken; seed {document['seed']}")
    if not any(law["holds"] + law["broken"] for law in laws):
        note("nothing was checked: no law could be tried")
