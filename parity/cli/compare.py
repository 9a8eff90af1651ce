"""Compare two models, layer by layer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import click

from parity.cli.models import input_option
from parity.cli.options import json_option
from parity.cli.output import json_document
from parity.cli.streams import say
from parity.cli.styled import tell, tell_code
from parity.cli.tables import print_rows
from parity.frameworks.code.format import formatted
from parity.models.comparison.comparing import compare
from parity.models.comparison.mapping import write_map
from parity.models.comparison.result import COLUMNS, Comparison
from parity.models.files import write_new
from parity.models.inputs import Input
from parity.records.counts import Outcome


@click.command("compare")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@input_option
@click.option("--map", "mapped", metavar="FILE", help="Which layer is which, as --write-map writes it.")
@click.option("--write-map", "written", metavar="FILE", help="Write which layer is which, for editing.")
@json_option
def command(
    a: str, b: str, inputs: Sequence[Input], mapped: str | None, written: str | None, as_json: bool
) -> Outcome:
    """Run two models on one input, judge each convolution alone, and find where they part.

    A and B are each module:attribute (a model, or a function that makes one) or a file: .onnx, .keras, .h5,
    .tflite, .pt2. A is taken for right: each layer of B, with its own weights, is given A's input of its
    like, and has to give what A's gave. Exit code 1: they differ; 4: there is nothing to compare.
    """
    with redirect_stdout(sys.stderr):  # what models print is no result
        found = compare(a, b, inputs or None, map=mapped)
    if written is not None:
        write_new(Path(written), write_map(found))
    if as_json:
        json_document(found.to_dict())
    else:
        show_comparison(found)
    return found.outcome


def show_comparison(found: Comparison) -> None:
    """Print a line a pair, what else there is to say, and the first cause last."""
    if found.findings:
        print_rows(COLUMNS, (finding.cells for finding in found.findings))
    for line in found.sentences:
        tell(line)
    if found.first is not None and found.first.instead:
        say(f"to write in the place of {found.first.theirs}:")
        tell_code(formatted(found.first.instead).rstrip())
    if found.first is not None:
        say(f"its layer by itself: {found.first.commands[0]}")
