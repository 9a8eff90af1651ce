"""Run one case through the frameworks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from parity.cli.arrays import BiasOrFile, case_and_arrays
from parity.cli.contestants import run_options, select_frameworks
from parity.cli.options import Count, case_options
from parity.workers.interrupts import Interrupts
from parity.workers.workers import Workers

REPEATED_WITH = (1, 2)
"""Numbers of threads that a layer is run with where it is run more than once."""

MOST_REPEATS = 1_000
"""How often one is run with each of them at most: a layer's outputs are all kept until they are compared."""


@click.command("run", cls=BiasOrFile)
@case_options(values="integers", own=True)
@run_options
@click.option(
    "--repeat",
    type=Count(most=MOST_REPEATS),
    metavar="N",
    help="Run each layer N times with one thread and N times with two, and record whether bits change.",
)
@click.option("--show-arrays", is_flag=True, help="Print the input, the kernel and every output.")
@click.option(
    "--self-check",
    "alone",
    is_flag=True,
    help="The same as `parity check`, which takes its place.",
)
@click.option(
    "--adjoint",
    metavar="MODULE:FUNCTION",
    help="Beside --impl and --self-check: your function of the opposite operation.",
)
def command(
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
    repeat: int | None,
    show_arrays: bool,
    alone: bool,
    adjoint: str | None,
    **case: Any,
) -> int:
    """Run one case through the frameworks and compare the results."""
    asked, own = case_and_arrays(case)
    if alone:
        unused = {
            "--grad": grad,
            "--show-arrays": show_arrays,
            "--divergences": divergences,
            "--repeat": repeat,
            "--mode": mode,
            "--arrays": arrays,
            "--contestant": programs or None,
            "--device": device,
            **{f"--{name}": each.file for name, each in own.items()},
        }
        _refuse("with --self-check", unused)
        from parity.cli.check import check
        from parity.cli.output import note
        from parity.laws.subject import choose_subject

        subject = choose_subject(frameworks, impl, adjoint, impl_grad)
        note("parity check takes the place of parity run --self-check, with the same options")
        return check(asked, subject, timeout=timeout, as_json=as_json)
    _refuse("without --self-check", {"--adjoint": adjoint})
    adapters = select_frameworks(frameworks, impl, impl_grad, mode, arrays, programs, device, grad=grad)
    with ExitStack() as stack:
        stack.enter_context(Interrupts())
        started = {
            threads: stack.enter_context(Workers(adapters, threads=threads, timeout=timeout))
            for threads in (REPEATED_WITH if repeat else (1,))
        }
        # From here on the frameworks' processes import them, and this one all else.
        from parity.cli.case import show_arrays_of, show_result, with_arrays
        from parity.cli.following import following
        from parity.cli.output import json_document, note
        from parity.frameworks.known.registry import load_registry
        from parity.records.counts import Report
        from parity.running import Run
        from parity.workers.repeat import repeating

        known = load_registry(divergences) if divergences else ()
        submits = {threads: workers.submit for threads, workers in started.items()}
        submit = repeating(submits, repeat) if repeat else submits[1]
        run = Run(asked, adapters, grad=grad, submit=submit, divergences=known, own=own)
        run.begin()
        for workers in started.values():
            workers.switches()
        result = run.finish()
        for workers in started.values():
            workers.stop()
        if as_json:
            json_document(with_arrays(result) if show_arrays else result.to_dict())
        else:
            show_result(result.record)
            if show_arrays:
                show_arrays_of(result)
        counted = Report([result.record])
        if not as_json:
            step = following(result.record, compared=bool(counted.comparisons))
            note(f"next, {step.why}:\n    {step.command}")
        return counted.outcome


def _refuse(when: str, given: Mapping[str, object]) -> None:
    """Refuse options that mean nothing beside others, or without them."""
    for option, value in given.items():
        if value not in {None, False}:
            raise click.UsageError(f"{option} is not allowed {when}")
