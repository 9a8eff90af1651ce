"""Write layers in another framework."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import click

from convmm.geometry import GeometryError
from parity.cases.errors import InputError
from parity.cli.contestants import FRAMEWORK_NAME, FRAMEWORKS
from parity.cli.exits import sentence
from parity.cli.options import (
    INT,
    SHAPE,
    json_option,
    timeout_option,
)
from parity.cli.output import (
    json_document,
    note,
)
from parity.cli.streams import say
from parity.cli.styled import tell_code
from parity.frameworks.code.format import comment
from parity.frameworks.table import find_framework
from parity.records.counts import Outcome, worst
from parity.translation.given import given
from parity.translation.result import Translation, remarks
from parity.translation.translator import Drafted, draft
from parity.workers.interrupts import Interrupts, OutOfTimeError, time_limit
from parity.workers.shared import TIMEOUT
from parity.workers.workers import Workers


@dataclass(frozen=True)
class _Failed:
    """An expression among several that was not translated.

    Attributes:
        source: the expression.
        error: why.
        outcome: what the command would end with, were it the only one.
    """

    source: str
    error: str
    outcome: Outcome

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it, in the place of a translation."""
        return {"source": self.source, "error": self.error}


@click.command("translate")
@click.argument("expressions", metavar="EXPRESSION...", nargs=-1, required=True)
@click.option("--to", required=True, type=FRAMEWORK_NAME, metavar="FRAMEWORK", help=f"One {FRAMEWORKS}.")
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
    expressions: Sequence[str],
    to: str,
    input: tuple[int, ...] | None,
    channels: int | None,
    kernel_shape: tuple[int, ...] | None,
    timeout: float,
    as_json: bool,
) -> Outcome:
    """Write layers, as "nn.Conv2d(3, 8, 3)", in another framework, weights too, and prove each.

    Of several, each has a script of its own; of those that cannot be read, stderr says why.
    """

    def write(text: str) -> Drafted:
        with time_limit(timeout, "the translation"):
            return draft(given(text).text, to, input, channels, kernel_shape)

    if len(expressions) == 1:
        drafts: list[Drafted | _Failed] = [write(expressions[0])]
    else:
        find_framework(to)  # an error of each of them otherwise
        drafts = [_attempt(partial(write, text), text) for text in expressions]
    written = [each for each in drafts if not isinstance(each, _Failed)]
    needed = dict.fromkeys(framework for each in written for framework in each.frameworks)
    found: list[Translation | _Failed] = []
    with Interrupts(), Workers(list(needed), timeout=timeout) as workers:
        for number, each in enumerate(drafts, 1):
            done = each if isinstance(each, _Failed) else each.prove(workers.submit)
            found.append(done)
            which = f"expression {number} of {len(drafts)}"
            if isinstance(done, _Failed):
                note(f"parity: {which}: {done.error}")
            elif not as_json:
                if len(drafts) > 1:
                    say(f"# {which}")
                show_translation(done)
    if as_json:
        documents = [each.to_dict() for each in found]
        json_document(documents if len(documents) > 1 else documents[0])
    return worst(each.outcome for each in found)


def _attempt(write: Callable[[], Drafted], text: str) -> Drafted | _Failed:
    try:
        return write()
    except (InputError, GeometryError) as error:
        return _Failed(text, sentence(error), Outcome.WRONG_INPUT)
    except OutOfTimeError as error:
        return _Failed(text, sentence(error), Outcome.CRASHED)


def show_translation(found: Translation) -> None:
    """Print the code, and what there is to say of it as comments: all of it runs as it stands."""
    tell_code(f"{found.code}\n")
    for line in remarks(found):
        tell_code(comment(line))
