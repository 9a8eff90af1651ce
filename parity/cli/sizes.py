"""Print which sizes a layer gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from parity.cases.case import Case
from parity.cases.notation import format_shape
from parity.cli.options import (
    Count,
    case_options,
    json_option,
)
from parity.cli.output import (
    json_document,
    make_table,
    print_table,
)
from parity.cli.streams import say
from parity.explain.sizes import AxisSizes, size_tables
from parity.records.counts import Outcome


@click.command("sizes")
@case_options(values="integers", sized=False)
@click.option("--up-to", type=Count(), default=8, show_default=True, help="The largest coarse size.")
@json_option
def command(up_to: int, as_json: bool, **layer: Any) -> Outcome:
    """Print which sizes come out, which inputs are ambiguous, and what restores them.

    Takes the options of run; the arrays' sizes are optional here.
    """
    case = Case.from_dict(layer) if layer["input"] and layer["filters"] else None
    tables = size_tables(
        int(layer["op"][-2]),
        layer["kernel"],
        stride=layer["stride"],
        padding=layer["padding"],
        dilation=layer["dilation"],
        largest=max(up_to, *case.geometry.coarse) if case else up_to,
    )
    if as_json:
        json_document([table.to_dict() for table in tables])
    else:
        show_sizes(layer["op"], tables, case)
    return Outcome.EXPLAINED


def show_sizes(op: str, tables: Sequence[AxisSizes], case: Case | None) -> None:
    """Print each table of sizes; the ambiguous ones stand together in a row."""
    if case:
        say(f"{op}: input {format_shape(case.input)} gives output {format_shape(case.output_shape)}\n")
    for each in tables:
        axes = ("axis " if len(each.axes) == 1 else "axes ") + ", ".join(map(str, each.axes))
        say(f"{axes}: kernel {each.kernel}, stride {each.stride}, dilation {each.dilation}")
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
    say("A transposed convolution restores any of the conv inputs that belong to its own input's size.")
