"""What the commands print: tables for a terminal, plain text elsewhere, or JSON."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import click
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from parity.cases.arrays import draw_arrays
from parity.cases.case import Case
from parity.cases.notation import format_shape
from parity.explain.sizes import AxisSizes
from parity.records.counts import COLUMNS, Report
from parity.records.result import CaseResult
from parity.translation.result import Translation, remarks

Json = Mapping[str, Any]

_WIDE = 200
"""Columns of a table that is no terminal's: a pipe has no width to fit into."""

_MOST_UNEXPLAINED = 20


def json_document(value: object) -> None:
    """One JSON value, indented."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))


def json_line(value: Json) -> None:
    """One JSON value on one line."""
    click.echo(json.dumps(value, allow_nan=False))


def error(message: str) -> None:
    """One sentence on stderr."""
    click.echo(f"parity: {' '.join(message.split())}", err=True)


def note(message: str) -> None:
    """One line on stderr."""
    click.echo(message, err=True)


def case_result(record: Json) -> None:
    """A case's results, its layers as code, and the verdict."""
    shape = format_shape(record["reference"]["shape"])
    click.echo(f"{record['command']}\nreference output: {shape}\n")
    table = make_table(
        "framework", "spelling", "status", "shape", "allclose", "exact", "max error", "relation", "offset"
    )
    for result in record["results"]:
        table.add_row(
            f"{result['framework']} {result['version'] or ''}".strip(),
            spelling_text(result["spelling"], result["output"]),
            result["status"],
            "" if result["shape"] is None else format_shape(result["shape"]),
            *(_text(result[key]) for key in ("allclose", "exact", "max_abs_error")),
            _text(result["relation"]) + ("" if result["explained"] else " (unexplained)"),
            "" if result["offset"] is None else ",".join(map(str, result["offset"])),
        )
    print_table(table)
    for result in record["results"]:
        remarks = [remark for remark in (result["error"], result["reason"], _repeats(result)) if remark]
        if remarks or result["output"] == "value":
            spelling = spelling_text(result["spelling"], result["output"])
            click.echo(f"{result['framework']} {spelling}: {result['layer'] or 'no layer'}")
        for remark in remarks:
            click.echo(f"    {remark}")
    _pairs(record["pairs"])
    counted = Report([record])
    stale(counted)
    click.echo(f"\nverdict: {record['verdict']}")
    note_nothing_compared(counted)


def self_check(document: Json) -> None:
    """What was checked, a line a law, and how many laws hold."""
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
        table.add_row(law["name"], law["status"], *map(_text, numbers), position)
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


def _repeats(result: Json) -> str | None:
    """How often a layer was run, and whether its bits changed."""
    repeats = result["repeats"]
    if repeats is None:
        return None
    counts = ", ".join(f"{count} with {threads}" for threads, count in repeats["distinct"].items())
    runs = f"{repeats['runs']} runs with each number of threads"
    return (
        f"{runs}: the same bits"
        if repeats["same"]
        else f"{runs}: different bits; outputs by threads: {counts}"
    )


def arrays(result: CaseResult) -> None:
    """The input, kernel and bias of a case, and every output."""
    named = {**_drawn(result), "reference": result.reference}
    if result.gradients:
        named |= {f"reference {name}": y for name, y in result.gradients.expected.items()}
    named |= {each.label: each.array for each in result.results}
    for name, array in named.items():
        if array is not None:
            click.echo(f"\n{name}, {format_shape(array.shape)}, {array.dtype}:")
            click.echo(np.array2string(array, threshold=sys.maxsize, max_line_width=_WIDE))


def with_arrays(record: Json, result: CaseResult) -> dict[str, Any]:
    """The record with the arrays in it, as nested lists; None for what JSON has no number for."""
    return {
        **record,
        "arrays": {name: _nested(array) for name, array in _drawn(result).items()},
        "reference": {**record["reference"], "array": _nested(result.reference)},
        "results": [
            {**each, "array": _nested(full.array)}
            for each, full in zip(record["results"], result.results, strict=True)
        ],
    }


def report(header: Json, counted: Report) -> None:
    """A sweep's counts as a table, what is unexplained, and the totals."""
    for used in header["frameworks"]:
        click.echo(" ".join(str(used[key]) for key in ("framework", "version", "backend") if used[key]))
    table = make_table("framework", "spelling", "op", *COLUMNS, numbers=len(COLUMNS))
    for (framework, spelling, output, op), counts in counted.rows:
        shown = (framework, spelling_text(spelling, output), op)
        table.add_row(*shown, *(str(count or "·") for count in counts))
    print_table(table)
    unexplained = counted.unexplained
    for command, label, reason in unexplained[:_MOST_UNEXPLAINED]:
        click.echo(f"unexplained: {label}: {reason}\n    {command}")
    if len(unexplained) > _MOST_UNEXPLAINED:
        click.echo(f"… and {len(unexplained) - _MOST_UNEXPLAINED} more unexplained results")
    stale(counted)
    click.echo(f"{counted.summary} ({', '.join(header['suites'])})")
    note_nothing_compared(counted)


def frameworks(found: Sequence[Json]) -> None:
    """What is installed, and what would be."""
    table = make_table("framework", "version", "backend", "ops", "dtypes", "to install")
    for each in found:
        install = "" if each["installed"] else f"pip install 'convparity[{each['extra']}]'"
        table.add_row(
            each["framework"],
            each["version"] or "not installed",
            each["backend"] or "",
            ", ".join(each["ops"]),
            ", ".join(each["dtypes"]),
            install,
        )
    print_table(table)


def sizes(op: str, tables: Sequence[AxisSizes], case: Case | None) -> None:
    """Each table of sizes; the ambiguous ones stand together in a row."""
    if case:
        click.echo(f"{op}: input {format_shape(case.input)} gives output {format_shape(case.output_shape)}\n")
    for each in tables:
        axes = ("axis " if len(each.axes) == 1 else "axes ") + ", ".join(map(str, each.axes))
        click.echo(f"{axes}: kernel {each.kernel}, stride {each.stride}, dilation {each.dilation}")
        names = list(each.rows[0].layers)
        columns = (
            "conv output",
            "conv input",
            "output_padding",
            *(f"restored in {name} by" for name in names),
        )
        table = make_table(*columns)
        for row in each.rows:
            for place, (size, added) in enumerate(zip(row.fine, row.output_padding, strict=True)):
                table.add_row(
                    "" if place else str(row.coarse),
                    f"{size}{' (ambiguous)' if row.ambiguous else ''}",
                    f"{'none' if added is None else added}{' (default)' if size == row.default else ''}",
                    *(row.layers[name][place] or "no layer alone" for name in names),
                )
        print_table(table)
    click.echo(
        "A transposed convolution restores any of the conv inputs that belong to its own input's size."
    )


def translation(found: Translation) -> None:
    """The code, and what there is to say of it as comments: all of it runs as it stands."""
    click.echo(found.code)
    for line in remarks(found):
        click.echo(f"# {line}")


def spelling_text(spelling: str, output: str) -> str:
    """A spelling, and what is looked at of it where that is a gradient."""
    return spelling if output == "value" else f"{spelling} {output}"


def _drawn(result: CaseResult) -> dict[str, Any]:
    """The arrays of a case by name, with the gradient by the output where there is one."""
    drawn = draw_arrays(result.case)
    named = {"x": drawn.x, "w": drawn.w, "bias": drawn.bias}
    return named if result.gradients is None else {**named, "dy": result.gradients.dy}


def note_nothing_compared(counted: Report) -> None:
    """Say on stderr that nothing was compared, if so."""
    if not counted.comparisons:
        note("nothing was compared: no framework beside the NumPy core gave a value")


def stale(counted: Report) -> None:
    """The known differences that are not there any more."""
    for name, count in counted.stale.items():
        click.echo(f"stale: known difference {name}: due in {count} results, and seen in none")


def _pairs(pairs: Sequence[Json]) -> None:
    if not pairs:
        return
    table = make_table("a", "b", "shape equal", "allclose")
    for pair in pairs:
        table.add_row(pair["a"], pair["b"], _text(pair["shape_equal"]), _text(pair["allclose"]))
    click.echo()
    print_table(table)


def make_table(*columns: str, numbers: int = 0) -> Table:
    """A table whose last ``numbers`` columns are right-aligned."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place >= len(columns) - numbers else "left")
    return table


def print_table(table: Table) -> None:
    """Print a table for whoever reads it: a terminal, or a file."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
        table.box = box.ASCII2
    console.print(table)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _nested(array: Any) -> Any:
    if array is None:
        return None
    wide = array.astype(np.float64)
    finite = wide.astype(object)
    finite[~np.isfinite(wide)] = None
    return finite.tolist()
