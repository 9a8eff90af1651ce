"""Whatever becomes of the chunks, each case has one record, and those that end workers are known by it."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from distributed import KilledWorker
from hypothesis import given
from hypothesis import strategies as st

from parity.cases.case import Case
from parity.cluster import sending
from parity.cluster.asked import EndingError
from parity.cluster.plugin import Done, pack
from parity.cluster.sending import Sending
from parity.records.result import Record


class Future:
    """What is asked of a worker, with what came of it."""

    def __init__(self, status: str, result: object) -> None:
        self.status, self.result = status, result


class Completed:
    """Answers, with everything done at once, and handed out in a drawn order."""

    def __init__(self, order: Callable[[int], int]) -> None:
        self._order = order
        self._ready: list[Future] = []

    def add(self, future: Future) -> None:
        self._ready.append(future)

    def has_ready(self) -> bool:
        return bool(self._ready)

    def next(self) -> tuple[Future, object]:
        found = self._ready.pop(self._order(len(self._ready)))
        return found, found.result


class Cluster:
    """Workers that end of some cases always, and of others by chance.

    Args:
        deadly: numbers of cases, which are their seeds.
        chance: draws what becomes of a chunk.
    """

    workers, sources = 3, None

    def __init__(self, deadly: set[int], chance: Callable[[], str]) -> None:
        self._deadly, self._chance = deadly, chance
        self.client = SimpleNamespace(loop=None, status="closed")
        self.checked = 0

    def watch(self) -> None: ...

    def check(self) -> None:
        self.checked += 1

    def submit(self, _: object, packed: bytes) -> Future:
        cases: list[Case] = pickle.loads(zlib.decompress(packed))  # noqa: S301 - it was pickled here
        chance = self._chance()
        killed = bool(self._deadly & {each.seed for each in cases}) or (chance == "killed" and len(cases) > 1)
        error: Any = KilledWorker("key", None, 3) if killed else EndingError() if chance == "ending" else None
        if error is not None:
            return Future("error", error)
        if chance == "lost":  # its worker has ended before the records were fetched
            return Future("lost", None)
        lines = [msgspec.json.encode(record(each, "agree")) for each in cases]
        status = "lost" if chance == "lost later" else "finished"
        return Future(status, Done("tcp://a:1", pack(lines), 0.1, None))


def record(case: Case, verdict: Any) -> Record:  # noqa: ANN401 - one of a few words
    return Record(case=case.to_dict(), command=case.command, verdict=verdict, results=())


@given(count=st.integers(0, 150), deadly=st.sets(st.integers(0, 149), max_size=4), data=st.data())
def test_each_case_has_one_record_and_the_deadly_ones_alone_are_crashed(
    count: int, deadly: set[int], data: st.DataObject
) -> None:
    cases = [Case("conv1d", (1, 1, 4), 1, 1, seed=seed) for seed in range(count)]
    ends = ["done", "done", "done", "killed", "ending", "lost", "lost later"]
    cluster = Cluster(deadly, lambda: data.draw(st.sampled_from(ends)))

    def completed(_: object) -> Completed:
        return Completed(lambda size: data.draw(st.integers(0, size - 1)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sending, "Answers", completed)
        total = data.draw(st.sampled_from([count, None]))
        sent: Any = Sending(cluster, cases, lambda case: record(case, "unexplained"), total)  # type: ignore[arg-type] # it is as one
        found = list(sent.records())
    assert sorted(number for number, _ in found) == list(range(count))
    assert all(each.case == cases[number].to_dict() for number, each in found)
    crashed = {number for number, each in found if each.verdict == "unexplained"}
    assert crashed == deadly & set(range(count))
    assert cluster.checked == len(crashed)
