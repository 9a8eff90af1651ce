"""What commands on whole models take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from parity.cases.notation import NotationError, parse_shape


class _Input(click.ParamType[object]):
    """The shape of an input, or the .npy file that holds it."""

    name = "input"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """Read it."""
        if not isinstance(value, str):
            return value  # what is read already
        if value.endswith(".npy"):
            return Path(value)
        try:
            return parse_shape(value)
        except NotationError as error:
            self.fail(f"{error}", param, ctx)


input_option = click.option(
    "--input",
    "inputs",
    type=_Input(),
    multiple=True,
    metavar="N,C,H,W",
    help="The shape of the model's input, channels first, or a .npy file of it; again for each further one. "
    "Without any, what the model declares.",
)
"""Fills ``inputs`` with one entry for each input."""
