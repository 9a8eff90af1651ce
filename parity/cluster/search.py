"""Random cases through a cluster, as a search asks for them: in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from parity.cases.case import Case
from parity.cluster.cluster import Cluster
from parity.cluster.sending import Sending
from parity.records.result import Record, Result


class Recorded(NamedTuple):
    """A case that was run on a cluster, and its record."""

    case: Case
    record: Record

    @property
    def results(self) -> tuple[Result, ...]:
        """Its results."""
        return self.record.results


def run_in_order(
    cases: Iterable[Case], cluster: Cluster, crashed: Callable[[Case], Record], total: int
) -> Iterator[Recorded]:
    """Run cases, and yield them in their order, so that equal seeds give equal findings.

    Args:
        cases: taken as workers come to have room for them.
        cluster: that runs them.
        crashed: makes the record of a case that ends every worker.
        total: how many they may be, about.
    """
    taken: list[Case] = []
    waiting: dict[int, Record] = {}
    yielded = 0

    def noted() -> Iterator[Case]:
        for case in cases:
            taken.append(case)
            yield case

    for number, record in Sending(cluster, noted(), crashed, total).records():
        waiting[number] = record
        while yielded in waiting:
            yield Recorded(taken[yielded], waiting.pop(yielded))
            yielded += 1
