"""Write a layer in another framework."""

from __future__ import annotations

import click

from parity.cli.contestants import FRAMEWORKS
from parity.cli.options import (
    SHAPE,
    json_option,
    timeout_option,
)
from parity.cli.output import (
    json_document,
)
from parity.records.counts import Outcome
from parity.translation.result import Translation, remarks
from parity.translation.translator import draft
from parity.workers.interrupts import Interrupts
from parity.workers.shared import TIMEOUT
from parity.workers.workers import Workers


@click.command("translate")
@click.argument("expression")
@click.option("--to", required=True, metavar="FRAMEWORK", help=f"One {FRAMEWORKS}.")
@click.option("--input", type=SHAPE, help="N,C and the spatial sizes: the answer need hold for no other.")
@click.option("--channels", type=int, help="Input channels, where the expression does not carry them.")
@timeout_option(TIMEOUT)
@json_option
def command(
    expression: str,
    to: str,
    input: tuple[int, ...] | None,
    channels: int | None,
    timeout: float,
    as_json: bool,
) -> Outcome:
    """Write a layer, as in "nn.Conv2d(3, 8, 3)", in another framework, weights too, and prove it."""
    written = draft(expression, to, input, channels)
    with Interrupts(), Workers(written.frameworks, timeout=timeout) as workers:
        translation = written.prove(workers.submit)
    if as_json:
        json_document(translation.to_dict())
    else:
        show_translation(translation)
    return translation.outcome


def show_translation(found: Translation) -> None:
    """Print the code, and what there is to say of it as comments: all of it runs as it stands."""
    click.echo(found.code)
    for line in remarks(found):
        click.echo(f"# {line}")
