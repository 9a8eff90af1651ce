"""List the convolutions of a model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout

import click

from parity.cli.models import input_option
from parity.cli.options import json_option
from parity.cli.output import json_document, note
from parity.cli.streams import say
from parity.cli.tables import print_rows
from parity.models.inputs import Input
from parity.models.listing import COLUMNS, Listing, layers
from parity.records.counts import Outcome


@click.command("layers")
@click.argument("model", metavar="MODEL")
@input_option
@click.option("--output", metavar="SUITE.toml", help="Write the cases as a suite that `parity sweep` runs.")
@json_option
def command(model: str, inputs: Sequence[Input], output: str | None, as_json: bool) -> Outcome:
    """List the convolutions that a model calls, in order, with the sizes that they see, as code.

    MODEL is module:attribute (a model, or a function that makes one) or a file: .onnx, .keras, .h5, .tflite,
    .pt2. Its check is a sweep of the suite: `parity layers MODEL --output s.toml && parity sweep s.toml`.
    Exit code 4: it has no convolution.
    """
    with redirect_stdout(sys.stderr):  # what models print is no result
        found = layers(model, inputs or None)
    if output is not None and found.calls:
        found.write(output)
    if as_json:
        json_document(found.to_dict())
    else:
        show_listing(found)
    if not found.calls:
        note(f"{found.model} calls no convolution that can be read")
    return Outcome.EXPLAINED if found.calls else Outcome.NOTHING_COMPARED


def show_listing(found: Listing) -> None:
    """Print a line a call, and what else there is to say."""
    if found.calls:
        print_rows(COLUMNS, (call.cells for call in found.calls))
    for line in found.sentences:
        say(line)
