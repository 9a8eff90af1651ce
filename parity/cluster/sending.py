"""Cases go out in chunks, and their records come back, each once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from math import ceil
from time import sleep
from typing import NamedTuple

import msgspec
from distributed import Future, KilledWorker

from parity.cases.case import Case
from parity.cluster.answers import Answers
from parity.cluster.asked import EndingError, UnfitError
from parity.cluster.cluster import TURN, Cluster
from parity.cluster.plugin import Done, pack_cases, run_chunk, unpack
from parity.records.result import Record

_FIRST = 16
"""Cases of a chunk as long as nobody knows how long they take."""

_MOST = 1024
"""Cases of any chunk."""

_SECONDS = 5.0
"""That a chunk is to take, as far as those before tell."""

_AHEAD = 2
"""Chunks for each worker: one that it is at, and one that waits."""

_ROUNDS = 4
"""Chunks for each worker into which what is left is divided at least, so that all end at about one time."""


class Chunk(NamedTuple):
    """Cases that are sent together.

    Attributes:
        first: the number of the first of them among all.
        cases: in order.
        alone: nothing else is sent meanwhile.
    """

    first: int
    cases: Sequence[Case]
    alone: bool = False


class Sending:
    """Cases on their way through a cluster, once.

    What a worker was at that ends is done by another, as Dask does it. A chunk of which Dask says that it has
    ended several workers is done at last, one case at a time and nothing beside it: what ends them again is
    recorded as crashed.

    Args:
        cluster: that runs them.
        cases: what to run.
        crashed: makes the record of a case that ends every worker.
        total: how many they are, if it is known.
    """

    def __init__(
        self,
        cluster: Cluster,
        cases: Iterable[Case],
        crashed: Callable[[Case], Record],
        total: int | None = None,
    ) -> None:
        self._cluster, self._crashed, self._total = cluster, crashed, total
        self._rest = iter(cases)
        self._taken = 0
        self._on_way: dict[Future, Chunk] = {}
        self._suspects: deque[Chunk] = deque()
        self._seconds: float | None = None
        self._done = Answers(cluster.client)

    def records(self) -> Iterator[tuple[int, Record]]:
        """Yield the number and the record of each case, in the order in which they are done.

        Raises:
            LostError: the scheduler has gone, or all workers have, or one that joined lacks something.
            ProcessError: a worker cannot start a framework's process.
        """
        try:
            while self._fill():
                while not self._done.has_ready():
                    self._cluster.watch()
                    sleep(TURN)
                future, result = self._done.next()
                yield from self._came(self._on_way.pop(future), future, result)
        finally:
            if self._cluster.client.status == "running":
                self._cluster.client.cancel(list(self._on_way), force=True)

    def _fill(self) -> bool:
        """Send as much as keeps every worker busy; return whether anything is on its way."""
        while len(self._on_way) < _AHEAD * self._cluster.workers:
            cases = list(islice(self._rest, self._size()))
            if not cases:
                break
            self._send(Chunk(self._taken, cases))
            self._taken += len(cases)
        if not self._on_way and self._suspects:
            self._send(self._suspects.popleft())
        return bool(self._on_way)

    def _size(self) -> int:
        """Return how many cases to send together."""
        size = _FIRST if self._seconds is None else min(max(int(_SECONDS / self._seconds), 1), _MOST)
        if self._total is None:
            return size
        return max(min(size, ceil((self._total - self._taken) / (_ROUNDS * self._cluster.workers))), 1)

    def _send(self, chunk: Chunk) -> None:
        future = self._cluster.submit(run_chunk, pack_cases(chunk.cases))
        self._on_way[future] = chunk
        self._done.add(future)

    def _came(
        self,
        chunk: Chunk,
        future: Future,
        result: Done | Exception,
    ) -> Iterator[tuple[int, Record]]:
        if isinstance(result, Done):  # of which the worker may have ended since, and Dask calls it lost
            yield from enumerate(self._records(result), chunk.first)
            return
        if future.status in {"lost", "pending"}:  # before it was fetched
            self._send(chunk)
            return
        if future.status != "error":
            raise self._cluster.lost("it has forgotten what it was asked: it has ended, or began anew")
        if isinstance(result, EndingError):
            self._send(chunk)
        elif isinstance(result, KilledWorker):
            yield from self._killed(chunk)
        elif isinstance(result, UnfitError):
            raise self._cluster.lost(str(result))
        else:
            raise result

    def _records(self, done: Done) -> list[Record]:
        if done.sources != self._cluster.sources:
            raise self._cluster.lost(
                f"worker {done.address} has other code, {done.sources}, and others {self._cluster.sources}"
            )
        records = [msgspec.json.decode(line, type=Record) for line in unpack(done.lines)]
        self._seconds = max(done.seconds / max(len(records), 1), 1e-6)
        return records

    def _killed(self, chunk: Chunk) -> Iterator[tuple[int, Record]]:
        if chunk.alone:
            self._cluster.check()  # whose workers may end whatever they do
            yield chunk.first, self._crashed(chunk.cases[0])
            return
        self._suspects += (
            Chunk(number, [case], alone=True) for number, case in enumerate(chunk.cases, chunk.first)
        )
