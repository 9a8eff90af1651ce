"""The options that choose among cases: their words and, as many as there are bounds, their numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, cast, get_type_hints

import click

from convmm.geometry import shown
from parity.cases.case import DTYPES, PADDING_MODES, VALUES
from parity.cases.notation import NotationError, parse_names
from parity.cases.op import OPS
from parity.cases.selection import BIASES, PADDING_KINDS, WORDS, Bounds, Selection, option_of
from parity.cli.options import Count, Notation, options

MOST_DRAWN = 4096
"""What a bound of drawn cases may be: others are larger than a search is for, and take all of its time."""


def selection_options(
    *, dtypes: str = "all", leave_out: Collection[str] = (), most: int | None = None
) -> Callable[..., Any]:
    """Make the options of a selection; :func:`selection_of` reads them.

    Args:
        dtypes: which there are by default, in words.
        leave_out: words that the command chooses itself.
        most: that a bound may be; None for any number, where cases are not drawn.
    """
    usual = {"dtypes": dtypes}
    return options(
        *(
            click.option(
                option_of(name),
                type=Notation("names", parse_names, WORDS[name]),
                help=f"Of the cases, separated by commas; {usual.get(name, 'all')} by default.",
            )
            for name in WORDS
            if name not in leave_out
        ),
        *(_option(name, kind, most) for name, kind in get_type_hints(Bounds).items() if kind is not bool),
    )


def selection_of(
    chosen: Mapping[str, Any], *, ops: Sequence[str] = OPS, dtypes: Sequence[str] = DTYPES
) -> Selection:
    """Return what the options choose.

    Args:
        chosen: their values by name, None for one that was not given.
        ops: those where none are named.
        dtypes: those where none are named.

    Raises:
        CaseError: as :class:`Selection`.
        GeometryError: as :class:`Selection`.
    """
    words = {name: chosen.get(name) for name in WORDS}
    bounds = {name: chosen[name] for name in Bounds.__annotations__ if chosen.get(name) is not None}
    return Selection(
        ops if words["ops"] is None else words["ops"],
        dtypes if words["dtypes"] is None else words["dtypes"],
        VALUES if words["values"] is None else words["values"],
        cast("Bounds", bounds),
        PADDING_MODES if words["padding_modes"] is None else words["padding_modes"],
    )


def _option(name: str, kind: object, most: int | None) -> Callable[..., Any]:
    """Make the option of one bound, of the type that it is annotated with: an int, or some of a few words."""
    if kind is int:
        end = "At least" if name.startswith("min_") else "At most"
        return click.option(
            option_of(name), name, type=Count(None, most), metavar="N", help=f"{end} so many."
        )
    words: Mapping[str, object] = (
        BIASES if kind == Sequence[bool] else dict(zip(PADDING_KINDS, PADDING_KINDS, strict=True))
    )
    listed = ", ".join(words)

    def read(text: str) -> tuple[object, ...]:
        names = parse_names(text)
        wrong = next((each for each in names if each not in words), None)
        if wrong is not None:
            msg = f"{shown(wrong)} is not allowed; allowed are {listed}"
            raise NotationError(msg)
        return tuple(words[each] for each in names)

    return click.option(option_of(name), name, type=Notation("names", read), help=f"Of {listed}.")
