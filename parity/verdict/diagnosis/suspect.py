"""One kind of mistake, and what it would have given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from parity.cases.arrays import Array
from parity.verdict.reference import Reference

Offset = tuple[int, ...]
"""How far one result begins after another, on each axis."""

Mistake = Literal[
    "window",
    "flipped",
    "argument ignored",
    "axes swapped",
    "channels swapped",
    "groups permuted",
    "layout",
    "stride and dilation exchanged",
    "arguments exchanged",
    "bias",
    "window flipped",
    "padding values",
    "output padding side",
    "numeric",
    "scaled",
]


class Output(NamedTuple):
    """What one mistake would have given.

    Attributes:
        text: the mistake itself, as a clause.
        values: the output that it gives.
        offset: of another window, how far it begins after the reference.
    """

    text: str
    values: Array
    offset: Offset | None = None


class Row(NamedTuple):
    """One kind of mistake, and how to compute what it would have given.

    Attributes:
        mistake: its name; several rows may share it.
        outputs: from a result and its reference, the outputs that such mistakes would have given, one at a
            time.
    """

    mistake: Mistake
    outputs: Callable[[Array, Reference], Iterator[Output]]


class Suspect(NamedTuple):
    """A mistake that explains every value of a result.

    Attributes:
        mistake: its name.
        text: the mistake itself, as a clause.
        offset: of another window, how far it begins after the reference.
    """

    mistake: Mistake
    text: str
    offset: Offset | None = None
