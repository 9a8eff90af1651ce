"""Print which sizes a layer gives, or which arguments give a size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from parity.cases.case import Case
from parity.cases.errors import InputError
from parity.cases.notation import format_shape
from parity.cli.options import (
    INTS,
    Count,
    case_options,
    given_options,
    json_option,
)
from parity.cli.output import json_document
from parity.cli.streams import say
from parity.cli.tables import make_table, print_table
from parity.explain.sizes import AxisSizes, size_tables
from parity.explain.wanted import Answers, Wanted, find_wanted
from parity.records.counts import Outcome

_USUAL = 8
"""The largest coarse size, where nobody says another and no input has more."""

_MOST_LAYERS = 8
"""Of one framework that are printed; JSON has all."""


class WantedError(InputError):
    """Options that do not go with ``--want``; the message names one and says what is allowed."""


@click.command("sizes")
@case_options(values="integers", sized=False)
@click.option(
    "--up-to",
    type=Count(),
    show_default=f"{_USUAL}, or the input's where that is more",
    help="The largest coarse size.",
)
@click.option(
    "--want",
    type=INTS,
    metavar="N[,N...]",
    help="The output's sizes: print the arguments that give them from --input.",
)
@json_option
def command(up_to: int | None, want: int | tuple[int, ...] | None, as_json: bool, **layer: Any) -> Outcome:
    """Print which sizes come out, which inputs are ambiguous, and what restores them.

    Takes the options of run; the arrays' sizes are optional here, and --filters is as many as the input's
    channels. With --want, prints which arguments of each framework give that size.
    """
    if want is not None:
        _answer(layer, want, as_json=as_json)
        return Outcome.EXPLAINED
    case = _case(layer) if layer["input"] else None
    tables = size_tables(
        int(layer["op"][-2]),
        layer["kernel"],
        stride=layer["stride"],
        padding=layer["padding"],
        dilation=layer["dilation"],
        largest=up_to or max([_USUAL, *(case.geometry.coarse if case else ())]),
    )
    if as_json:
        json_document([table.to_dict() for table in tables])
    else:
        show_sizes(layer["op"], tables, case)
    return Outcome.EXPLAINED


def _case(layer: Mapping[str, Any], **other: Any) -> Case:
    """Make the case; without filters it has as many as input channels."""
    data = {**layer, **other}
    channels = data["input"][1] if len(data["input"]) > 1 else 1
    return Case.from_dict({**data, "filters": channels if data["filters"] is None else data["filters"]})


def _answer(layer: Mapping[str, Any], want: int | tuple[int, ...], *, as_json: bool) -> None:
    given = given_options()
    beside = [given[name] for name in ("padding", "output_padding", "up_to") if name in given]
    if beside:
        raise WantedError(f"{beside[0]} beside --want: allowed is one of the two, as --want finds paddings")
    if not layer["input"]:
        raise WantedError("--want without --input: allowed is --want beside the input's sizes, N,C,...")
    # "same" fits any input: what padding there is to be is the question.
    wanted = find_wanted(_case(layer, padding="same", output_padding=None), want)
    if as_json:
        json_document(wanted.to_dict())
    else:
        show_wanted(wanted)


def show_sizes(op: str, tables: Sequence[AxisSizes], case: Case | None) -> None:
    """Print a table of sizes; the ambiguous ones stand together in a row."""
    if case:
        say(f"{op}: input {format_shape(case.input)} gives output {format_shape(case.output_shape)}\n")
    for each in tables:
        say(f"{_axes(each)}: kernel {each.kernel}, stride {each.stride}, dilation {each.dilation}")
    names = list(tables[0].rows[0].layers)
    table = make_table(
        "conv output",
        "conv input",
        "output_padding",
        *(f"restored in {name} by" for name in names),
        *(["of"] if len(tables) > 1 else []),
    )
    for each in tables:
        for row in each.rows:
            for place, (size, added) in enumerate(zip(row.fine, row.output_padding, strict=True)):
                table.add_row(
                    "" if place else str(row.coarse),
                    f"{size}{' (ambiguous)' if row.ambiguous else ''}",
                    f"{'none' if added is None else added}{' (default)' if size == row.default else ''}",
                    *(row.layers[name][place] or "no layer alone" for name in names),
                    *([_axes(each)] if len(tables) > 1 else []),
                )
    print_table(table)
    say("A transposed convolution restores any of the conv inputs that belong to its own input's size.")


def _axes(table: AxisSizes) -> str:
    return ("axis " if len(table.axes) == 1 else "axes ") + ", ".join(map(str, table.axes))


def show_wanted(wanted: Wanted) -> None:
    """Print a table of the layers that give a size, and why a framework has none."""
    case = wanted.case
    whole = f" and a full response of {format_shape(case.geometry.full)}" if case.transposed else ""
    say(f"{case.op}: {format_shape(wanted.sizes)} from an input of {format_shape(case.input[2:])}{whole}")
    if wanted.asked < wanted.windows:
        say(f"of {wanted.windows} windows of that size the {wanted.asked} most even ones were looked at")
    where = "begins in the full response at" if case.transposed else "padding before the input"
    table = make_table("framework", where, "layer")
    for answers in wanted.answers:
        for begins, text in _rows(answers):
            table.add_row(answers.framework, begins, text)
    print_table(table)
    if any(answers.layers for answers in wanted.answers):
        say("Layers that begin alike compute the same; the others do not, though their sizes are equal.")


def _rows(answers: Answers) -> list[tuple[str, str]]:
    if answers.reason is not None:
        return [("none", answers.reason)]
    rows = []
    for each in answers.layers[:_MOST_LAYERS]:
        begins = ",".join(map(str, each.begins))
        rows.append((begins, each.layer + (f"  (may be refused: {each.doubt})" if each.doubt else "")))
        rows += [(begins, each.call)] if each.call else []
    more = len(answers.layers) - _MOST_LAYERS
    return [*rows, ("", f"and {more} more, which --json lists")] if more > 0 else rows
