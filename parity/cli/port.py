"""Write every convolution of a model in another framework."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout

import click

from parity.cli.contestants import FRAMEWORK_NAME, FRAMEWORKS
from parity.cli.models import input_option
from parity.cli.options import json_option
from parity.cli.output import json_document, note
from parity.cli.streams import say
from parity.models.inputs import Input
from parity.models.porting import Port, port
from parity.records.counts import Outcome


@click.command("port")
@click.argument("model", metavar="MODEL")
@click.option("--to", required=True, type=FRAMEWORK_NAME, metavar="FRAMEWORK", help=f"One {FRAMEWORKS}.")
@input_option
@click.option("--output", metavar="DIR", help="Write layers.py and test_layers.py into this folder.")
@json_option
def command(model: str, to: str, inputs: Sequence[Input], output: str | None, as_json: bool) -> Outcome:
    """Write each convolution of a model in another framework, weights too, and prove each.

    MODEL is module:attribute (a model, or a function that makes one) or a file: .onnx, .keras, .h5, .tflite,
    .pt2. What is written has `layers`, by the source's names, and `convert(state)`, from the source's state
    to the arrays of each; the wiring is yours. Exit codes as of `translate`.
    """
    with redirect_stdout(sys.stderr):  # what models print is no result
        found = port(model, to, inputs or None)
    if output is not None and any(each.piece is not None for each in found.layers):
        for path in found.write(output):
            note(f"parity: {path} is written")
    if as_json:
        json_document(found.to_dict())
    else:
        show_port(found, whole=output is None)
    return found.outcome


def show_port(found: Port, *, whole: bool) -> None:
    """Print what there is to say, and the code too where it is written nowhere."""
    if whole and found.layers:
        say(found.code)
    for line in found.sentences:
        note(line) if whole else say(line)
    for each in found.layers:
        if each.why_not is not None:
            note(f"{each.name}, {each.source}: {each.why_not}")
