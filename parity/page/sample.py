"""Which cases of a large record a page lists: what asks for attention, and some of every place."""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Iterable

from parity.page.atlas import Place
from parity.page.outcome import OUTCOMES

_KNOWN = next(place for place, each in enumerate(OUTCOMES) if each.name == "known")
_FIRST = -1


class Sample:
    """Records by their number, from 0 on, those first that say most."""

    def __init__(self) -> None:
        self._ranks = array("q")
        self._seen: Counter[tuple[Place, int]] = Counter()

    def add(self, results: Iterable[tuple[Place, int]]) -> None:
        """Add a record by the places and outcomes of its results."""
        results = list(results)
        attention = any(outcome <= _KNOWN for _, outcome in results)
        self._ranks.append(_FIRST if attention else min((self._seen[each] for each in results), default=0))
        self._seen.update(results)

    def chosen(self, most: int) -> set[int]:
        """Return at most this many numbers.

        First come records with a result that is unexplained, crashed or of a known difference, then those
        that bring a place and an outcome of which there were fewest before them.
        """
        return set(heapq.nsmallest(most, range(len(self._ranks)), key=self._ranks.__getitem__))
