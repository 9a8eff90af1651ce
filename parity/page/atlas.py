"""What happens where: the results of a record by what matters of their cases, and by who computed them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from convmm.geometry import GeometryError
from parity.cases.case import Case, CaseError
from parity.page.matters import UNKNOWN, Matters, matters_of
from parity.page.outcome import outcome_of
from parity.records.result import Record

Contestant = tuple[str, str, str]
"""Framework, spelling and output, as in the rows of a report."""

Place = tuple[str, Matters, Contestant]
"""Of a result: the operation, what matters of its case, and who computed it."""


class Atlas:
    """Counts of outcomes by place, added record by record."""

    def __init__(self) -> None:
        self._counts: dict[Place, Counter[int]] = {}

    def add(self, results: Iterable[tuple[Place, int]]) -> None:
        """Count a record by the places and outcomes of its results, as :func:`placed` gives them."""
        for place, outcome in results:
            self._counts.setdefault(place, Counter())[outcome] += 1

    @property
    def places(self) -> Iterable[Place]:
        """All places that have a result."""
        return self._counts

    def counts(self, place: Place) -> tuple[tuple[int, int], ...]:
        """Return how many results of a place have each outcome, by its place in ``OUTCOMES``."""
        return tuple(sorted(self._counts.get(place, {}).items()))


def readable(record: Record) -> Case | None:
    """Return a record's case; None where this version does not take it for one."""
    try:
        return Case.from_dict(record.case)
    except (CaseError, GeometryError):
        return None


def placed(record: Record, case: Case | None) -> Iterator[tuple[Place, int]]:
    """Yield the place of each result of a record, with the outcome."""
    matters = UNKNOWN if case is None else matters_of(case)
    for result in record.results:
        yield (record.op, matters, (result.framework, result.spelling, result.output)), outcome_of(result)
