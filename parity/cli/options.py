"""The options that commands share, and what they are read as."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from parity.cases.batch import batched
from parity.cases.case import DTYPES, PADDING_MODES, VALUES, ZEROS
from parity.cases.notation import (
    NotationError,
    parse_int,
    parse_ints,
    parse_names,
    parse_padding,
    parse_shape,
)
from parity.cases.op import OPS, Op
from parity.cli.streams import say


class Notation(click.ParamType[object]):
    """A text that one of the notation's functions reads.

    Args:
        name: of the type, in the help.
        read: reads it.
        words: those that a shell completes, where it is words separated by commas.
    """

    def __init__(self, name: str, read: Callable[[str], object], words: Iterable[str] = ()) -> None:
        self.name = name
        self._read = read
        self._words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """Read a text; a default is no text and stays."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except NotationError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002 - the same
        incomplete: str,
    ) -> list[CompletionItem]:
        """Complete the last of the words."""
        before, comma, last = incomplete.rpartition(",")
        words = [word for word in self._words if word.startswith(last) and word not in before.split(",")]
        return [CompletionItem(f"{before}{comma}{word}") for word in words]


INT = Notation("integer", parse_int)
INTS = Notation("n[,n...]", parse_ints)
SHAPE = Notation("n,c,...", parse_shape)
PADDING = Notation("padding", parse_padding)
NAMES = Notation("names", parse_names)


class Count(click.IntRange):
    """An int from a least to a largest one, of no more digits than Python reads.

    Args:
        least: the least, None for any.
        most: the largest; None for what any number may be.
    """

    def __init__(self, least: int | None = 1, most: int | None = None) -> None:
        super().__init__(min=least, max=most)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a text; a default is no text, and within the bounds."""
        number: Any = INT.convert(value, param, ctx)
        return super().convert(number, param, ctx)


class Seconds(click.FloatRange):
    """Seconds, more than none and at most :data:`A_WEEK`: a clock has no infinite time, and "nan" is none."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True, max=A_WEEK)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a text."""
        seconds = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return seconds


A_WEEK = 7 * 24 * 60 * 60

MOST_JOBS = 256
"""Processes for each framework: each has a framework's memory, and more of them than cores are no faster."""


def options(*decorators: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Callable[..., Any]:
    """Make one decorator of several, in reading order."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


_BIAS = click.option("--bias", is_flag=True, help="The layer has a bias.")

DRAWN = "\0"
"""What is read for ``--bias`` without a file: no argument of a process can have it."""

_BIAS_OR_FILE = click.option(
    "--bias",
    is_flag=False,
    flag_value=DRAWN,
    metavar="[FILE]",
    help="The layer has a bias; with a .npy file, this one.",
)

_INPUT_AND_KERNEL = options(
    click.option("--x", metavar="FILE", help="The input, a .npy file; without it, one is drawn."),
    click.option("--w", metavar="FILE", help="The kernel, likewise, in convmm's layout."),
)


def case_options(
    *, values: str, sized: bool = True, needed: bool = True, own: bool = False
) -> Callable[..., Any]:
    """Make the options of a case.

    Args:
        values: the default of its values.
        sized: the array sizes are required.
        needed: a case is; without, no part of it is required.
        own: arrays may be given as files; for a command that is a :class:`parity.cli.arrays.BiasOrFile`.
    """
    sized &= needed
    return options(
        click.argument("op", type=click.Choice(OPS), metavar="OP" if needed else "[OP]", required=needed),
        click.option(
            "--input", type=SHAPE, required=sized, help="N,C and the spatial sizes, channels first."
        ),
        click.option("--filters", type=INT, required=sized, help="Output channels."),
        click.option("--kernel", type=INTS, required=needed, help="Taps, one number or one an axis."),
        click.option("--stride", type=INTS, default=1, show_default=True),
        click.option(
            "--padding", type=PADDING, default=0, help="1 or 1,2, 1:2,0:1, same, valid.  [default: 0]"
        ),
        click.option("--output-padding", type=INTS, help="For the transposed ops."),
        click.option("--dilation", type=INTS, default=1, show_default=True),
        click.option("--groups", type=INT, default=1, show_default=True),
        _BIAS_OR_FILE if own else _BIAS,
        click.option("--dtype", type=click.Choice(DTYPES), default="float32", show_default=True),
        click.option("--values", type=click.Choice(VALUES), default=values, show_default=True),
        click.option("--seed", type=INT, default=0, show_default=True, help="Of the arrays' values."),
        click.option(
            "--padding-mode",
            type=click.Choice(PADDING_MODES),
            default=ZEROS,
            show_default=True,
            help="What the padding of a convolution holds.",
        ),
        *([_INPUT_AND_KERNEL] if own else []),
        _with_batch,
    )


def _with_batch(command: Callable[..., Any]) -> Callable[..., Any]:
    """Have a command be given its input with a batch, and say so on stderr where none was typed."""

    @functools.wraps(command)
    def given(op: str | None, input: tuple[int, ...] | None, **others: Any) -> Any:
        if op is not None and input is not None:
            input, said = batched(input, Op.of(op).rank)
            if said:
                say(said, err=True)
        return command(op=op, input=input, **others)

    return given


def given_options() -> dict[str, str]:
    """Return the options of this command that its user has given, as they are spelled, by name."""
    context = click.get_current_context()
    return {
        each.name: each.opts[0]
        for each in context.command.params
        if each.name and context.get_parameter_source(each.name) is ParameterSource.COMMANDLINE
    }


def timeout_option(seconds: float) -> Callable[..., Any]:
    """Make the option for the seconds that a layer may take, with this default."""
    return click.option(
        "--timeout",
        type=Seconds(),
        default=seconds,
        show_default=True,
        metavar="S",
        help="Seconds that a layer may take.",
    )


jobs_option = click.option(
    "--jobs",
    type=Count(most=MOST_JOBS),
    default=min(max(1, (os.cpu_count() or 1) // 2), MOST_JOBS),
    show_default="half the cores",
    help="Processes for each framework.",
)


divergences_option = click.option(
    "--divergences",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Known differences of yours, as TOML, beside the built-in ones.",
)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


markdown_option = click.option(
    "--markdown", is_flag=True, help="Print Markdown, as a CI job's summary takes it (GitHub's tables)."
)


def refuse_both(*, markdown: bool, as_json: bool) -> None:
    """Refuse two forms of one output.

    Raises:
        UsageError: both are asked for.
    """
    if markdown and as_json:
        raise click.UsageError("--markdown: allowed without --json, which prints the same as JSON")
