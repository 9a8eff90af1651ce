"""Write a layer in another framework."""

from __future__ import annotations

import click

from parity.cli.contestants import FRAMEWORKS
from parity.cli.options import (
    INT,
    SHAPE,
    json_option,
    timeout_option,
)
from parity.cli.output import (
    json_document,
)
from parity.cli.streams import say
from parity.records.counts import Outcome
from parity.translation.result import Translation, remarks
from parity.translation.translator import draft
from parity.workers.interrupts import Interrupts, time_limit
from parity.workers.shared import TIMEOUT
from parity.workers.workers import Workers


@click.command("translate")
@click.argument("expression")
@click.option("--to", required=True, metavar="FRAMEWORK", help=f"One {FRAMEWORKS}.")
@click.option("--input", type=SHAPE, help="N,C and the spatial sizes: the answer need hold for no other.")
@click.option("--channels", type=INT, help="Input channels, where the expression does not carry them.")
@click.option(
    "--kernel-shape",
    type=SHAPE,
    help="Of the kernel's array, in its framework's layout, where the expression has the array's name alone.",
)
@timeout_option(TIMEOUT)
@json_option
def command(
    expression: str,
    to: str,
    input: tuple[int, ...] | None,
    channels: int | None,
    kernel_shape: tuple[int, ...] | None,
    timeout: float,
    as_json: bool,
) -> Outcome:
    """Write a layer, as in "nn.Conv2d(3, 8, 3)", in another framework, weights too, and prove it."""
    with time_limit(timeout, "the translation"):
        written = draft(expression, to, input, channels, kernel_shape)
    with Interrupts(), Workers(written.frameworks, timeout=timeout) as workers:
        translation = written.prove(workers.submit)
    if as_json:
        json_document(translation.to_dict())
    else:
        show_translation(translation)
    return translation.outcome


def show_translation(found: Translation) -> None:
    """Print the code, and what there is to say of it as comments: all of it runs as it stands."""
    say(found.code)
    for line in remarks(found):
        say(f"# {line}")
