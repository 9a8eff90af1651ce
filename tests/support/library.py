"""A library that chooses its code when it is loaded, as oneDNN does: by a variable of the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from parity.cases.arrays import Array
from parity.frameworks.choice import Choice, Level
from parity.frameworks.function import Implementation
from tests.support.coincidences import right

VARIABLE = "LIBRARY_MAX_ISA"

LEVELS = (
    Level(("SLOW",), "slow"),
    Level(("FAST",), "fast"),
    Level(("FASTEST", "SWIFTEST"), "fastest"),
    Level(("BEYOND",), "beyond"),
    Level(("", "DEFAULT")),
)

FLAGS = frozenset({"slow", "fast", "fastest"})
"""Of a processor that has no code for BEYOND."""

CODES = ("", "SLOW", "FAST", "FASTEST")
"""What a stride has a bit for, the lowest first: the library's kernel is wrong there."""

_CHOSEN = os.environ.get(VARIABLE, "")


def wrong_by_code(x: Array, w: Array, *bias: Array, **arguments: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    """Compute twice the output where the first stride has the bit of the code that was chosen."""
    is_wrong: int = arguments["stride"][0] >> CODES.index(_CHOSEN) & 1
    return right(x, w, *bias, **arguments) * (1 + is_wrong)


@dataclass(frozen=True)
class Library(Implementation):
    """The library, with the variable named that it chooses by."""

    function: str = f"{__name__}:wrong_by_code"

    def choices(self) -> tuple[Choice, ...]:
        """Return the one."""
        return (Choice(VARIABLE, LEVELS),)
