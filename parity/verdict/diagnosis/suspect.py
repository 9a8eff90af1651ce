"""One mistake, and what it would have given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from parity.cases.arrays import Array
from parity.verdict.reference import Reference

Offset = tuple[int, ...]
"""How far one result begins after another, on each axis."""

Mistake = Literal[
    "window",
    "flipped",
    "axes swapped",
    "channels swapped",
    "groups permuted",
    "layout",
    "stride and dilation exchanged",
    "bias",
    "window flipped",
    "padding values",
    "output padding side",
    "numeric",
    "scaled",
]


@dataclass(frozen=True)
class Suspect:
    """What one mistake would have given.

    Attributes:
        mistake: its kind.
        text: the mistake itself, as a clause.
        values: the output that it gives.
        offset: of another window, how far it begins after the reference.
    """

    mistake: Mistake
    text: str
    values: Array
    offset: Offset | None = None


Hypothesis = Callable[[Array, Reference], Iterator[Suspect]]
"""From a result and its reference, the outputs that the mistakes of one kind would have given."""
