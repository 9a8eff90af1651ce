"""What is printed of a case: its results, its layers as code, the verdict, and its arrays."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from parity.cases.notation import format_shape
from parity.cases.own import arrays_of
from parity.cli.output import NOTHING_COMPARED, show_stale, spelling_text, text
from parity.cli.streams import say
from parity.cli.styled import tell, tell_code
from parity.cli.tables import WIDE, make_table, print_table
from parity.records.counts import Report
from parity.records.result import CaseResult, Pair, Record, Result


def show_result(record: Record) -> None:
    """Print a case's results, its layers as code, and the verdict."""
    shape = "not recorded" if record.reference is None else format_shape(record.reference.shape)
    tell(f"{record.command}\nreference output: {shape}\n")
    table = make_table(
        "framework",
        "spelling",
        "status",
        "shape",
        "allclose",
        "exact",
        "max error",
        "of bound",
        "relation",
        "offset",
        label=2,
        results=True,
    )
    for result in record.results:
        table.add_row(
            f"{result.framework} {result.version or ''}".strip(),
            spelling_text(result.spelling, result.output, result.variant),
            result.status,
            "" if result.shape is None else format_shape(result.shape),
            *(text(getattr(result, key)) for key in ("allclose", "exact", "max_abs_error", "bound_ratio")),
            text(result.relation) + ("" if result.explained else " (unexplained)"),
            "" if result.offset is None else ",".join(map(str, result.offset)),
        )
    print_table(table)
    said: set[tuple[str, str]] = set()
    shown = set()
    for result in record.results:
        remarks = [each for each in _remarks(result) if (result.layer or "", each) not in said]
        said |= {(result.layer or "", each) for each in remarks}
        about = (result.framework, result.spelling, result.layer)
        if remarks or about not in shown:
            shown.add(about)
            spelling = spelling_text(result.spelling, result.output, result.variant)
            label = f"{result.framework} {spelling}: "
            if result.layer is None:
                tell(f"{label}no layer")
            else:
                tell_code(result.layer, label=label)
        for remark in remarks:
            tell(f"    {remark}")
    _pairs(record.pairs)
    counted = Report([record])
    show_stale(counted)
    tell(f"\nverdict: {_verdict(record, counted)}")


def _remarks(result: Result) -> list[str]:
    """Return what there is to say of a result, each sentence once."""
    said = (*result.why, *result.notes, _tolerances(result), _repeats(result))
    return [each for each in dict.fromkeys(said) if each]


def _tolerances(result: Result) -> str | None:
    """Say why a result that is as it has to be is not close to the reference, as tolerances have it."""
    if result.relation != "identical" or result.allclose is not False or result.bound_ratio is None:
        return None
    if result.max_abs_error is None:
        return "allclose says no: it allows no infinity where the exact value is too large for the dtype"
    return (
        "allclose says no, since its tolerances do not grow with the number of products that are summed up: "
        f"the largest error is {result.bound_ratio:.2g} of what rounding them allows"
    )


def _verdict(record: Record, counted: Report) -> str:
    """Return the verdict in words; that there is none, where nothing was compared."""
    if record.verdict != "unexplained" and not counted.comparisons:
        return f"none, {NOTHING_COMPARED}"
    if record.verdict == "unexplained":
        return record.verdict
    weak = list(dict.fromkeys(name for result in record.results for name in result.not_ruled_out))
    return f"{record.verdict}{_not_ruled_out(weak)}"


def _not_ruled_out(names: Sequence[str]) -> str:
    """Say which narrower precisions the values of the case could not tell."""
    operands = [name for name in names if not name.endswith("-result")]
    results = [name.removesuffix("-result") for name in names if name.endswith("-result")]
    parts = [f"operands rounded to {' or '.join(operands)}"] if operands else []
    parts += [f"a result rounded to {' or '.join(results)}"] if results else []
    return f"; these values do not rule out {', nor '.join(parts)} (--values digits does)" if parts else ""


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
    table = make_table("a", "b", "shape equal", "allclose", label=2)
    for pair in pairs:
        table.add_row(pair.a, pair.b, text(pair.shape_equal), text(pair.allclose))
    say()
    print_table(table)


def show_arrays_of(result: CaseResult) -> None:
    """Print the input, kernel and bias of a case, and every output."""
    named = {**_operands(result), "reference": result.reference}
    if result.gradients:
        named |= {f"reference {name}": y for name, y in result.gradients.expected.items()}
    named |= {each.label: array for each, array in zip(result.results, result.arrays, strict=True)}
    for name, array in named.items():
        if array is not None:
            say(f"\n{name}, {format_shape(array.shape)}, {array.dtype}:")
            say(np.array2string(array, threshold=sys.maxsize, max_line_width=WIDE))


def with_arrays(result: CaseResult) -> dict[str, Any]:
    """Return the record with the arrays in it, as nested lists; None for what JSON has no number for."""
    record = result.to_dict()
    return {
        **record,
        "arrays": {name: _nested(array) for name, array in _operands(result).items()},
        "reference": {**record["reference"], "array": _nested(result.reference)},
        "results": [
            {**each, "array": _nested(array)}
            for each, array in zip(record["results"], result.arrays, strict=True)
        ],
    }


def _operands(result: CaseResult) -> dict[str, Any]:
    """Return the arrays of a case by name, with the gradient by the output where there is one."""
    named = arrays_of(result.case, result.own)._asdict()
    return named if result.gradients is None else {**named, "dy": result.gradients.dy}


def _nested(array: Any) -> Any:
    if array is None:
        return None
    wide = array.astype(np.float64)
    finite = wide.astype(object)
    finite[~np.isfinite(wide)] = None
    return finite.tolist()
