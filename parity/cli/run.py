"""Run one case through the frameworks."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import numpy as np

from parity.cases.case import Case
from parity.cases.drawing import draw_arrays
from parity.cases.notation import format_shape
from parity.cli.contestants import run_options, select_frameworks
from parity.cli.options import case_options
from parity.cli.output import (
    WIDE,
    json_document,
    make_table,
    note,
    note_nothing_compared,
    print_table,
    show_stale,
    spelling_text,
    text,
)
from parity.frameworks.known.registry import load_registry
from parity.records.counts import Outcome, Report
from parity.records.result import CaseResult, Pair, Record, Result
from parity.running import run_with
from parity.workers.interrupts import Interrupts
from parity.workers.repeat import repeating
from parity.workers.workers import Workers

REPEATED_WITH = (1, 2)
"""Numbers of threads that a layer is run with where it is run more than once."""


@click.command("run")
@case_options(values="integers")
@run_options
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
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
    mode: str | None,
    grad: bool,
    timeout: float,
    divergences: Path | None,
    as_json: bool,
    repeat: int | None,
    show_arrays: bool,
    alone: bool,
    adjoint: str | None,
    **case: Any,
) -> Outcome:
    """Run one case through the frameworks and compare the results."""
    asked = Case.from_dict(case)
    if alone:
        unused = {
            "--grad": grad,
            "--show-arrays": show_arrays,
            "--divergences": divergences,
            "--repeat": repeat,
            "--mode": mode,
        }
        _refuse("with --self-check", unused)
        from parity.cli.check import check  # noqa: PLC0415 - a command of its own
        from parity.laws.subject import choose_subject  # noqa: PLC0415 - the same

        subject = choose_subject(frameworks, impl, adjoint)
        note("parity check takes the place of parity run --self-check, with the same options")
        return check(asked, subject, timeout=timeout, as_json=as_json)
    _refuse("without --self-check", {"--adjoint": adjoint})
    known = load_registry(divergences) if divergences else ()
    adapters = select_frameworks(frameworks, impl, mode, grad=grad)
    with ExitStack() as stack:
        stack.enter_context(Interrupts())
        submits = {}
        for threads in REPEATED_WITH if repeat else (1,):
            workers = stack.enter_context(Workers(adapters, threads=threads, timeout=timeout))
            workers.switches()
            submits[threads] = workers.submit
        submit = repeating(submits, repeat) if repeat else submits[1]
        result = run_with(asked, adapters, grad=grad, submit=submit, divergences=known)
    if as_json:
        json_document(with_arrays(result) if show_arrays else result.to_dict())
    else:
        show_result(result.record)
        if show_arrays:
            show_arrays_of(result)
    return Report([result.record]).outcome


def _refuse(when: str, given: Mapping[str, object]) -> None:
    """Refuse options that mean nothing beside others, or without them."""
    for option, value in given.items():
        if value not in {None, False}:
            raise click.UsageError(f"{option} is not allowed {when}")


def show_result(record: Record) -> None:
    """Print a case's results, its layers as code, and the verdict."""
    shape = "not recorded" if record.reference is None else format_shape(record.reference.shape)
    click.echo(f"{record.command}\nreference output: {shape}\n")
    table = make_table(
        "framework", "spelling", "status", "shape", "allclose", "exact", "max error", "relation", "offset"
    )
    for result in record.results:
        table.add_row(
            f"{result.framework} {result.version or ''}".strip(),
            spelling_text(result.spelling, result.output),
            result.status,
            "" if result.shape is None else format_shape(result.shape),
            *(text(getattr(result, key)) for key in ("allclose", "exact", "max_abs_error")),
            text(result.relation) + ("" if result.explained else " (unexplained)"),
            "" if result.offset is None else ",".join(map(str, result.offset)),
        )
    print_table(table)
    for result in record.results:
        remarks = [each for each in dict.fromkeys((result.error, result.reason, _repeats(result))) if each]
        if remarks or result.output == "value":
            spelling = spelling_text(result.spelling, result.output)
            click.echo(f"{result.framework} {spelling}: {result.layer or 'no layer'}")
        for remark in remarks:
            click.echo(f"    {remark}")
    _pairs(record.pairs)
    counted = Report([record])
    show_stale(counted)
    click.echo(f"\nverdict: {record.verdict}")
    note_nothing_compared(counted)


def _repeats(result: Result) -> str | None:
    """Say how often a layer was run, and whether its bits changed."""
    repeats = result.repeats
    if repeats is None:
        return None
    counts = ", ".join(f"{count} with {threads}" for threads, count in repeats.distinct.items())
    runs = f"{repeats.runs} runs with each number of threads"
    return (
        f"{runs}: the same bits" if repeats.same else f"{runs}: different bits; outputs by threads: {counts}"
    )


def _pairs(pairs: Sequence[Pair]) -> None:
    if not pairs:
        return
    table = make_table("a", "b", "shape equal", "allclose")
    for pair in pairs:
        table.add_row(pair.a, pair.b, text(pair.shape_equal), text(pair.allclose))
    click.echo()
    print_table(table)


def show_arrays_of(result: CaseResult) -> None:
    """Print the input, kernel and bias of a case, and every output."""
    named = {**_drawn(result), "reference": result.reference}
    if result.gradients:
        named |= {f"reference {name}": y for name, y in result.gradients.expected.items()}
    named |= {each.label: array for each, array in zip(result.results, result.arrays, strict=True)}
    for name, array in named.items():
        if array is not None:
            click.echo(f"\n{name}, {format_shape(array.shape)}, {array.dtype}:")
            click.echo(np.array2string(array, threshold=sys.maxsize, max_line_width=WIDE))


def with_arrays(result: CaseResult) -> dict[str, Any]:
    """Return the record with the arrays in it, as nested lists; None for what JSON has no number for."""
    record = result.to_dict()
    return {
        **record,
        "arrays": {name: _nested(array) for name, array in _drawn(result).items()},
        "reference": {**record["reference"], "array": _nested(result.reference)},
        "results": [
            {**each, "array": _nested(array)}
            for each, array in zip(record["results"], result.arrays, strict=True)
        ],
    }


def _drawn(result: CaseResult) -> dict[str, Any]:
    """Return the arrays of a case by name, with the gradient by the output where there is one."""
    drawn = draw_arrays(result.case)
    named = {"x": drawn.x, "w": drawn.w, "bias": drawn.bias}
    return named if result.gradients is None else {**named, "dy": result.gradients.dy}


def _nested(array: Any) -> Any:
    if array is None:
        return None
    wide = array.astype(np.float64)
    finite = wide.astype(object)
    finite[~np.isfinite(wide)] = None
    return finite.tolist()
