"""Run every case of some suites."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from parity.cases.suites import DEFAULT
from parity.cli.contestants import run_options, select_frameworks
from parity.cli.options import jobs_option
from parity.cli.output import (
    json_line,
)
from parity.cli.progress import progress
from parity.cli.report import show_report
from parity.frameworks.known.registry import load_registry
from parity.frameworks.known.suite import suite
from parity.records.counts import Outcome, Report
from parity.records.result import Record
from parity.records.writer import RecordFile
from parity.sweep import header, remaining, select, sweep
from parity.workers.interrupts import Interrupts
from parity.workers.workers import Workers


@click.command("sweep")
@click.argument("suites", nargs=-1, metavar="[SUITE]...")
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="Record as JSON lines, in a new file."
)
@click.option("--resume", is_flag=True, help="Go on with the record in FILE; what is in it is not run again.")
@jobs_option
@click.option("--limit", type=click.IntRange(min=1), help="Run the first N cases only.")
@run_options
def command(
    suites: tuple[str, ...],
    output: Path | None,
    resume: bool,
    jobs: int,
    limit: int | None,
    frameworks: Sequence[str] | None,
    impl: str | None,
    mode: str | None,
    grad: bool,
    timeout: float,
    divergences: Path | None,
    as_json: bool,
) -> Outcome:
    """Run every case of the suites: article, zoo, grid, or TOML files; article and zoo by default."""
    if resume and output is None:
        raise click.UsageError("--resume: allowed with --output FILE, the record to go on with")
    loaded = [suite(name) for name in suites or DEFAULT]
    known = load_registry(divergences) if divergences else ()
    adapters = select_frameworks(frameworks, impl, mode, grad=grad)
    cases = select(loaded, limit)
    with ExitStack() as stack:
        stack.enter_context(Interrupts())
        workers = stack.enter_context(Workers(adapters, jobs=jobs, timeout=timeout))
        file = stack.enter_context(RecordFile(output, resume=resume)) if output else None
        first = header(loaded, adapters, workers.switches())
        recorded = file.begin(first) if file else None
        report = Report(header=first)
        cases = remaining(cases, report.adding(recorded or ()), grad=grad)
        keep: list[Callable[[Record], None]] = [file.write] if file else []
        if as_json:
            keep.append(json_line)
            json_line(first)
        advance = stack.enter_context(progress(report, total=len(cases)))
        for record in sweep(
            cases, adapters, workers.submit, ahead=workers.ahead, grad=grad, divergences=known
        ):
            for write in keep:
                write(record)
            report.add(record)
            advance(1)
    if not as_json:
        show_report(first, report)
    return report.outcome
