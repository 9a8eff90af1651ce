"""The options that commands share, and what they are read as."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from parity.cases.case import DTYPES, VALUES
from parity.cases.notation import NotationError, parse_ints, parse_names, parse_padding
from parity.cases.op import OPS


class Notation(click.ParamType[object]):
    """A text that one of the notation's functions reads."""

    def __init__(self, name: str, read: Callable[[str], object]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """Read a text; a default is no text and stays."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except NotationError as error:
            self.fail(str(error), param, ctx)


def read_shape(text: str) -> tuple[int, ...]:
    """Read ``N,C,*spatial``."""
    sizes = parse_ints(text)
    return sizes if isinstance(sizes, tuple) else (sizes,)


INTS = Notation("n[,n…]", parse_ints)
SHAPE = Notation("n,c,…", read_shape)
PADDING = Notation("padding", parse_padding)
NAMES = Notation("names", parse_names)


def options(*decorators: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Callable[..., Any]:
    """Make one decorator of several, in reading order."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def case_options(*, values: str, sized: bool = True) -> Callable[..., Any]:
    """Make the options of a case, with a default for its values; ``sized`` requires the array sizes."""
    return options(
        click.argument("op", type=click.Choice(OPS), metavar="OP"),
        click.option(
            "--input", type=SHAPE, required=sized, help="N,C and the spatial sizes, channels first."
        ),
        click.option("--filters", type=int, required=sized, help="Output channels."),
        click.option("--kernel", type=INTS, required=True, help="Taps, one number or one an axis."),
        click.option("--stride", type=INTS, default=1, show_default=True),
        click.option(
            "--padding", type=PADDING, default=0, help="1 or 1,2, 1:2,0:1, same, valid.  [default: 0]"
        ),
        click.option("--output-padding", type=INTS, help="For the transposed ops."),
        click.option("--dilation", type=INTS, default=1, show_default=True),
        click.option("--groups", type=int, default=1, show_default=True),
        click.option("--bias", is_flag=True, help="The layer has a bias."),
        click.option("--dtype", type=click.Choice(DTYPES), default="float32", show_default=True),
        click.option("--values", type=click.Choice(VALUES), default=values, show_default=True),
        click.option("--seed", type=int, default=0, show_default=True, help="Of the arrays' values."),
    )


def timeout_option(seconds: float) -> Callable[..., Any]:
    """Make the option for the seconds that a layer may take, with this default."""
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=seconds,
        show_default=True,
        metavar="S",
        help="Seconds that a layer may take.",
    )


jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=max(1, (os.cpu_count() or 1) // 2),
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
