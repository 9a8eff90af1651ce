"""Search random cases for what nothing explains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from parity.cli.clusters import Wanted, check_scheduler, scheduler_option, search_on_cluster
from parity.cli.contestants import contestant_options, select_frameworks
from parity.cli.options import Count, Seconds, divergences_option, jobs_option, json_option, timeout_option
from parity.cli.output import Json, json_document, note_nothing_compared, show_declined, show_stale
from parity.cli.progress import progress
from parity.cli.selection import MOST_DRAWN, selection_of, selection_options
from parity.cli.streams import say
from parity.cli.styled import tell_code
from parity.cli.tables import make_table, print_table
from parity.frameworks.distributions import check_hypothesis
from parity.frameworks.function import usual_dtypes
from parity.frameworks.known.registry import load_registry
from parity.fuzz.budget import Budget
from parity.fuzz.contest import Contest
from parity.records.counts import Outcome, Report
from parity.records.header import Header
from parity.sweep import header
from parity.workers.interrupts import Interrupts
from parity.workers.shared import Shared
from parity.workers.workers import Workers

SECONDS_OF_A_SEARCH = 60
"""Where neither the time nor the number of cases is given."""


@click.command("fuzz")
@click.option(
    "--seconds",
    type=Seconds(),
    metavar="S",
    help="How long to search; shrinking, and trying the findings on less of the machine, may take longer.  "
    "[default: 60, without --examples]",
)
@click.option(
    "--examples",
    type=Count(),
    metavar="N",
    help="How many cases to search: equal seeds give equal findings.",
)
@click.option("--seed", type=Count(0), default=0, show_default=True, help="Of the cases.")
@selection_options(dtypes="all, but beside --impl float32 alone,", most=MOST_DRAWN)
@click.option(
    "--database",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".hypothesis", "examples"),
    show_default=True,
    metavar="DIR",
    help="Where the smallest cases are kept, to begin the next search with.",
)
@jobs_option
@scheduler_option
@contestant_options
@timeout_option(20)
@divergences_option
@json_option
def command(
    seconds: float | None,
    examples: int | None,
    seed: int,
    database: Path,
    jobs: int,
    scheduler: str | None,
    frameworks: Sequence[str] | None,
    impl: str | None,
    impl_grad: str | None,
    mode: str | None,
    arrays: str | None,
    programs: tuple[str, ...],
    device: str | None,
    grad: bool,
    timeout: float,
    divergences: Path | None,
    as_json: bool,
    **chosen: Any,
) -> Outcome:
    """Search random cases for what nothing explains, and shrink each cause to its smallest case."""
    check_hypothesis("fuzz")
    check_scheduler(scheduler)
    # Hypothesis, which these need, is optional.
    from parity.fuzz.corpus import Corpus  # noqa: PLC0415
    from parity.fuzz.document import document  # noqa: PLC0415
    from parity.fuzz.search import Search  # noqa: PLC0415
    from parity.strategies.cases import selected_cases  # noqa: PLC0415

    if seconds is None and examples is None:
        seconds = SECONDS_OF_A_SEARCH
    known = load_registry(divergences) if divergences else ()
    adapters = select_frameworks(frameworks, impl, impl_grad, mode, arrays, programs, device, grad=grad)
    among = selection_of(chosen, dtypes=usual_dtypes(adapters))
    strategy = selected_cases(among)
    wanted = Wanted(adapters, None, known, timeout, jobs, grad=grad)
    with _alone(wanted) if scheduler is None else _on_cluster(scheduler, wanted) as (first, contest):
        budget = Budget(seconds, examples)
        search = Search(among, strategy, contest, seed=seed, budget=budget, corpus=Corpus(database))
        try:
            with Interrupts(), progress(search, total=examples, seconds=seconds) as advance:
                search.run(advance)
        finally:  # an interrupted search has found what it has found
            found = document(search.report, search.findings, first, contest, seed)
            if as_json:
                json_document(found)
            else:
                show_findings(found, search.report)
    return search.report.outcome


@contextmanager
def _alone(wanted: Wanted) -> Iterator[tuple[Header, Contest]]:
    """Yield who runs cases in processes of this machine."""
    adapters = wanted.adapters
    with Workers(adapters, jobs=wanted.jobs, timeout=wanted.timeout) as workers:
        contest = Contest(
            adapters, workers.submit, workers.ahead, wanted.known, timeout=wanted.timeout, grad=wanted.grad
        )
        yield header((), adapters, workers.switches()), contest


@contextmanager
def _on_cluster(address: str, wanted: Wanted) -> Iterator[tuple[Header, Contest]]:
    """Yield who runs cases on a cluster; what is shrunk, one case after another, is run here."""
    from parity.fuzz.search import ROUND  # noqa: PLC0415 - hypothesis, as above

    with closing(Shared(wanted.timeout)) as here, search_on_cluster(address, wanted, ROUND) as (first, run):
        yield (
            first,
            Contest(
                wanted.adapters,
                here.submit,
                divergences=wanted.known,
                timeout=wanted.timeout,
                grad=wanted.grad,
                elsewhere=run,
            ),
        )


def show_findings(document: Json, counted: Report) -> None:
    """Print the findings, if any, and how many cases came out how."""
    findings = document["findings"]
    if findings:
        _table(findings)
    for number, finding in enumerate(findings, 1):
        _finding(number, finding)
    show_declined(counted)
    show_stale(counted)
    causes = "1 cause" if len(findings) == 1 else f"{len(findings)} causes"
    say(f"{counted.summary}; {causes}; seed {document['seed']}")
    note_nothing_compared(counted)


def _table(findings: list[Json]) -> None:
    table = make_table("", "cause", "dtypes", "cases", "shrunk", "smallest case", label=2)
    for number, finding in enumerate(findings, 1):
        table.add_row(
            str(number),
            finding["summary"],
            ", ".join(finding["dtypes"]),
            str(finding["count"]),
            "yes" if finding["shrunk"] else "no",
            finding["command"],
        )
    print_table(table)


def _finding(number: int, finding: Json) -> None:
    """Print what to run, what to send to whom it concerns, and what to write down."""
    say(f"\n{number}. {finding['summary']}: {finding['result']['error'] or finding['result']['reason']}")
    say(f"    {finding['command']}")
    if finding["script"] is not None:
        say("\nA script that shows it:\n")
        tell_code(finding["script"])
    if finding["entry"] is None:
        say("No known difference can explain it: a layer computed what its rules say it refuses.\n")
    else:
        say("A draft for a file of known differences:\n")
        tell_code(f"{finding['entry']}\n", "toml")
