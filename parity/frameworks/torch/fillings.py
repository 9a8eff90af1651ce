"""Padding by a mode in steps, where it is more than torch fills at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from parity.cases.notation import Pads

Pair = tuple[int, int]


def fillings(mode: str, sizes: Sequence[int], pads: Pads) -> list[tuple[str, Pads]]:
    """Return modes and pads that come to the same one after another, none of more than torch fills.

    Args:
        mode: "reflect", "replicate" or "circular".
        sizes: of the axes, at least 1 where they are padded.
        pads: before and after each axis.
    """
    alone = [mode == "reflect" and size == 1 for size in sizes]  # one element, which there is nothing beside
    steps = [
        [] if repeated else list(_steps(mode, size, pair))
        for size, pair, repeated in zip(sizes, pads, alone, strict=True)
    ]
    repeats = tuple(pair if repeated else (0, 0) for pair, repeated in zip(pads, alone, strict=True))
    first = [("replicate", repeats)] if any(map(any, repeats)) else []
    return first + [(mode, each) for each in zip_longest(*steps, fillvalue=(0, 0))]


def _steps(mode: str, size: int, pads: Pair) -> Iterator[Pair]:
    """Yield as much on either side of an axis as torch fills, until all of it is.

    What goes on has to begin where the axis itself could: at a turning point of what is reflected there and
    back, and beside whole rounds of what is circular.
    """
    length, (before, after) = size, pads
    while before or after:
        if mode == "circular":
            whole = size if max(before, after) > length else 1
            step = [min(side, length) // whole * whole for side in (before, after)]
        elif mode == "reflect":
            turns = (length - 1) // (size - 1) * (size - 1)
            step = [side if side < length else turns for side in (before, after)]
        else:
            step = [before, after]
        yield step[0], step[1]
        length += sum(step)
        before, after = before - step[0], after - step[1]
