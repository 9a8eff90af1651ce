"""What runs in a Dask worker: processes of the frameworks of its own, started once and kept."""

from __future__ import annotations

import asyncio
import pickle
import zlib
from collections.abc import Callable, Sequence
from multiprocessing import current_process
from threading import Lock, Timer
from time import perf_counter
from typing import Any, NamedTuple, TypeVar

import msgspec
from distributed import Worker, WorkerPlugin, get_worker
from msgspec.structs import replace

from parity.cases.case import Case
from parity.cluster.asked import Asked, EndingError, UnfitError
from parity.frameworks.interface import Framework
from parity.frameworks.table import FrameworkError
from parity.records.header import About
from parity.records.machine import this_machine
from parity.running import run_all
from parity.sweep import SWITCHES, about
from parity.workers.processes import ProcessError
from parity.workers.workers import Workers

IDLE = 600
"""Seconds without work after which processes end, for new ones to be started: who asked may be dead."""

_LONGEST_END = 10
"""Seconds for which the end of a worker waits for the case that it is at."""


class Done(NamedTuple):
    """A chunk of cases that was run.

    Attributes:
        address: of the worker.
        lines: the records, as lines of JSON, packed by :func:`pack`.
        seconds: that they took, without the start of processes.
        sources: what a user's functions were, as :attr:`Described.sources`.
    """

    address: str
    lines: bytes
    seconds: float
    sources: Any


class Described(NamedTuple):
    """A worker.

    Attributes:
        address: in the network.
        machine: that it is on, as JSON.
        frameworks: as they are installed there, as JSON.
        sources: the switches of a user's functions and programs, by name, with the hashes of their code.
    """

    address: str
    machine: bytes
    frameworks: bytes
    sources: Any


class Kept(WorkerPlugin):  # type: ignore[misc] # Dask has no types to mypy
    """The frameworks' processes of one Dask worker; each is isolated as those of a sweep on one machine.

    They are started with the first chunk. A worker of several threads has as many processes of each
    framework, and is at one chunk at a time.

    Args:
        name: of the plugin, another one for every sweep.
        asked: what is asked.
    """

    def __init__(self, name: str, asked: Asked) -> None:
        self.name = name
        self._asked = asked

    def setup(self, worker: Worker) -> None:
        """Take a worker, one that joins late too; nothing is started."""
        current_process().daemon = False  # a nanny's worker is one, and may start none; ours end with it
        self._address, self._jobs = worker.address, worker.state.nthreads
        self._lock, self._ended = Lock(), False
        self._workers: Workers | None = None
        self._adapters: list[Framework] = []
        self._idle: Timer | None = None
        self._machine = this_machine(SWITCHES)

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - Dask's signature
        """End the processes, behind the case that they are at."""
        self._ended = True
        await asyncio.to_thread(self._close, _LONGEST_END)

    def describe(self) -> Described:
        """Start the processes, and say what is installed.

        Raises:
            UnfitError: this worker cannot do what is asked.
            ProcessError: a framework's process cannot be started.
        """
        with self._lock:
            abouts = self._abouts(self._started())
            self._wait_for_work()
        encode = msgspec.json.encode
        return Described(self._address, encode(self._machine), encode(abouts), self._sources(abouts))

    def run(self, cases: Sequence[Case]) -> Done:
        """Run cases.

        Raises:
            EndingError: this worker is ending.
            UnfitError: as :meth:`describe`.
            ProcessError: likewise.
        """
        with self._lock:
            workers = self._started()
            abouts = self._abouts(workers)
            began = perf_counter()
            results = run_all(
                cases,
                self._adapters,
                workers.submit,
                ahead=workers.ahead,
                grad=self._asked.grad,
                divergences=self._asked.known(),
            )
            lines = []
            for each in results:
                if self._ended:
                    raise EndingError
                lines.append(msgspec.json.encode(replace(each.record, machine=self._machine)))
            self._wait_for_work()
        return Done(self._address, pack(lines), perf_counter() - began, self._sources(abouts))

    def _started(self) -> Workers:
        if self._ended:
            raise EndingError
        if self._idle is not None:
            self._idle.cancel()
        if self._workers is None:
            self._adapters = self._asked.adapters()
            self._workers = Workers(self._adapters, jobs=self._jobs, timeout=self._asked.timeout).__enter__()
        return self._workers

    def _abouts(self, workers: Workers) -> list[About]:
        try:
            switches = workers.switches()
        except FrameworkError:  # a function that cannot be imported may be there the next time
            self._end()
            raise
        return [about(*pair) for pair in zip(self._adapters, switches, strict=True)]

    def _sources(self, abouts: Sequence[About]) -> Any:  # noqa: ANN401 - switches are of any type
        users = {each.name for each in self._adapters if each.is_a_users}
        return {each.framework: each.switches for each in abouts if each.framework in users}

    def _wait_for_work(self) -> None:
        self._idle = Timer(IDLE, self._close)
        self._idle.daemon = True
        self._idle.start()

    def _close(self, patience: float = 0) -> None:
        """End the processes, unless there is work meanwhile; where the worker ends, whatever they do."""
        is_free = self._lock.acquire(timeout=patience)
        try:
            if is_free or self._ended:
                self._end()
        finally:
            if is_free:
                self._lock.release()

    def _end(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        workers, self._workers = self._workers, None
        if workers is not None:
            workers.close()


def pack(lines: Sequence[bytes]) -> bytes:
    """Pack lines of JSON, which are much alike."""
    return zlib.compress(b"\n".join(lines), 1)


def unpack(packed: bytes) -> list[bytes]:
    """Return the lines that were packed."""
    return zlib.decompress(packed).splitlines()


def pack_cases(cases: Sequence[Case]) -> bytes:
    """Pack cases: the scheduler passes bytes on, and does not look into them."""
    return zlib.compress(pickle.dumps(cases), 1)


def describe(name: str) -> Described:
    """Run :meth:`Kept.describe` in a worker."""
    return _here(name, lambda kept: kept.describe())


def run_chunk(name: str, cases: bytes) -> Done:
    """Run :meth:`Kept.run` in a worker."""
    return _here(name, lambda kept: kept.run(pickle.loads(zlib.decompress(cases))))  # noqa: S301 - Dask's are no safer


T = TypeVar("T")


def _here(name: str, ask: Callable[[Kept], T]) -> T:
    """Ask the plugin of this worker, whose address is put before what it raises."""
    worker = get_worker()
    try:
        return ask(worker.plugins[name])
    except (UnfitError, ProcessError, FrameworkError) as error:
        kind = next(each for each in (UnfitError, ProcessError, FrameworkError) if isinstance(error, each))
        raise kind(f"worker {worker.address}: {error}") from None
