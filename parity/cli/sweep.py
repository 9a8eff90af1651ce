"""Run every case of some suites."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from click.shell_completion import CompletionItem

from parity.cases.selection import words_of
from parity.cases.suites import BUILT_IN, DEFAULT, KNOWN, Suite
from parity.cli.clusters import Running, Wanted, check_scheduler, on_cluster, scheduler_option
from parity.cli.contestants import run_options, select_frameworks
from parity.cli.diff import show_diff
from parity.cli.options import Count, jobs_option
from parity.cli.output import json_line, note
from parity.cli.progress import note_expected_time, progress
from parity.cli.report import show_report
from parity.cli.selection import selection_of, selection_options
from parity.frameworks.known.registry import load_registry
from parity.frameworks.known.suite import suite
from parity.records.counts import Outcome, Report, worst
from parity.records.diff import diff
from parity.records.reader import read_records
from parity.records.result import Record
from parity.records.writer import RecordFile
from parity.running import asked_of
from parity.sweep import header, remaining, select, sweep
from parity.workers.interrupts import Interrupts
from parity.workers.processes import ProcessError
from parity.workers.workers import Workers


def _complete_suite(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    param: click.Parameter,  # noqa: ARG001 - the same
    incomplete: str,
) -> list[CompletionItem]:
    """Complete the name of a built-in suite, or the path of a file."""
    named = [name for name in (*BUILT_IN, KNOWN) if name.startswith(incomplete)]
    return [*map(CompletionItem, named), CompletionItem(incomplete, type="file")]


@click.command("sweep")
@click.argument("suites", nargs=-1, metavar="[SUITE]...", shell_complete=_complete_suite)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Record as JSON lines, in a new file; packed where it ends in .jsonl.zst or .jsonl.gz.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="RECORD",
    help="Compare with this record at the end, as parity diff does; exit code 1 if anything changed.",
)
@click.option("--resume", is_flag=True, help="Go on with the record in FILE; what is in it is not run again.")
@jobs_option
@scheduler_option
@click.option("--limit", type=Count(), help="Run the first N cases only.")
@selection_options()
@run_options
def command(
    suites: tuple[str, ...],
    output: Path | None,
    baseline: Path | None,
    resume: bool,
    jobs: int,
    scheduler: str | None,
    limit: int | None,
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
    """Run every case of the suites: article, zoo, grid, or TOML files; article and zoo by default."""
    if resume and output is None:
        raise click.UsageError("--resume: allowed with --output FILE, the record to go on with")
    check_scheduler(scheduler)
    if baseline is not None:
        _check_baseline(baseline, output)
    loaded = [suite(name) for name in suites or DEFAULT]
    known = load_registry(divergences) if divergences else ()
    adapters = select_frameworks(frameworks, impl, impl_grad, mode, arrays, programs, device, grad=grad)
    among = selection_of(chosen)
    cases = select(loaded, among, limit, grad=grad)
    if not cases:
        names, words = ", ".join(each.name for each in loaded), shlex.join(words_of(among.given))
        note(f"nothing was compared: no case of {names} is within {words}")
        return Outcome.NOTHING_COMPARED
    with _recorded_in(output, compared=baseline is not None) as record:
        with ExitStack() as stack:
            stack.enter_context(Interrupts())
            file = stack.enter_context(RecordFile(record, resume=resume)) if record else None
            wanted = Wanted(adapters, among, known, timeout, jobs, grad=grad)
            place = _alone(loaded, wanted) if scheduler is None else on_cluster(scheduler, loaded, wanted)
            first, run, jobs = stack.enter_context(place)
            recorded = file.begin(first) if file else None
            report = Report(header=first)
            asked = asked_of(adapters, grad=grad, divergences=known)
            cases = remaining(cases, report.adding(recorded or ()), asked)
            keep: list[Callable[[Record], None]] = [file.write] if file else []
            if as_json:
                keep.append(json_line)
                json_line(first)
            note_expected_time(adapters, len(cases), jobs)
            advance = stack.enter_context(progress(report, total=len(cases)))
            try:
                for each in run(cases):
                    for write in keep:
                        write(each)
                    report.add(each)
                    advance(1)
            except ProcessError as error:
                kept = f"; {output} has all that was answered: go on with --resume" if output else ""
                raise ProcessError(f"{error}{kept}") from error
        if not as_json:
            show_report(first, report)
        if baseline is None or record is None:
            return report.outcome
        return worst((report.outcome, _compare(baseline, record, as_json=as_json)))


@contextmanager
def _alone(suites: Sequence[Suite], wanted: Wanted) -> Iterator[Running]:
    """Yield what runs cases in processes of this machine."""
    with Workers(wanted.adapters, jobs=wanted.jobs, timeout=wanted.timeout) as workers:
        first = header(suites, wanted.adapters, workers.switches(), wanted.among, wanted.known)
        run = partial(
            sweep,
            adapters=wanted.adapters,
            submit=workers.submit,
            ahead=workers.ahead,
            grad=wanted.grad,
            divergences=wanted.known,
        )
        yield Running(first, run, wanted.jobs)


@contextmanager
def _recorded_in(output: Path | None, *, compared: bool) -> Iterator[Path | None]:
    """Yield the file of the record: the user's, or where one is to be compared one that goes."""
    if output is not None or not compared:
        yield output
        return
    with TemporaryDirectory(prefix="parity-") as folder:
        yield Path(folder, "this sweep")


def _check_baseline(baseline: Path, output: Path | None) -> None:
    """Refuse what cannot be compared at the end before anything runs."""
    read_records(baseline)
    if output is not None and output.exists() and output.samefile(baseline):
        raise click.UsageError(f"--baseline {baseline}: allowed is another file than --output's")


def _compare(old: Path, new: Path, *, as_json: bool) -> Outcome:
    """Print what changed, as JSON on one line."""
    found = diff(old, new)
    if as_json:
        json_line(found.to_dict())
    else:
        show_diff(found)
    return found.outcome
