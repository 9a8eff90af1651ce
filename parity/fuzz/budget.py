"""How long a search goes on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

_LEAST_SHRINKING = 30.0
"""Seconds for which a cause that was met near the end is shrunk all the same."""

_MOST_SHRINKING = 240.0
"""Seconds after which the smallest case so far will do; hypothesis itself ends after 300."""


class Budget:
    """Time, or a number of cases, or both; it begins to be spent at once.

    Args:
        seconds: of the search, shrinking included; None for any.
        examples: cases to draw; None for any.
        clock: the time in seconds.
    """

    def __init__(
        self,
        seconds: float | None = None,
        examples: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seconds, self.examples = seconds, examples
        self._clock = clock
        self._end = math.inf if seconds is None else clock() + seconds

    def left(self, drawn: int) -> int | None:
        """Return how many cases may be drawn where so many were; None for any number."""
        if self._clock() >= self._end:
            return 0
        return None if self.examples is None else max(self.examples - drawn, 0)

    def shrinking(self) -> Callable[[], bool]:
        """Return what tells whether there is time left to shrink the present cause."""
        now = self._clock()
        end = min(max(self._end, now + _LEAST_SHRINKING), now + _MOST_SHRINKING)
        return lambda: self._clock() < end
