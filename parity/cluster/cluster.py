"""A Dask scheduler and its workers, as one who asks them has them."""

from __future__ import annotations

import asyncio
import logging
import pkgutil
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from importlib.metadata import PackageNotFoundError, version
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from distributed import Client, Future, KilledWorker, Security, rpc

from convmm.geometry import shown
from parity.cases.errors import InputError
from parity.cluster.asked import Asked, UnfitError, of_python
from parity.cluster.heading import nodes_of
from parity.cluster.plugin import Described, Kept, describe
from parity.frameworks import attempt
from parity.records.header import Node
from parity.workers.interrupts import heed
from parity.workers.processes import ProcessError

CONNECT = 5
"""Seconds for a scheduler to answer."""

WITHOUT_WORKERS = 60
"""Seconds for which a scheduler may have no worker."""

TURN = 0.02
"""Seconds between two looks at what has come, and at whether a signal has."""

_LOOK_EVERY = 1.0
"""Seconds between two looks at how many workers there are."""

_LONGEST_END = 15
"""Seconds for which the end waits for the workers to have ended their processes."""

_MOST_NAMED = 3
"""Workers that an error names."""


class SchedulerError(InputError):
    """A scheduler that cannot be used; the message says why."""


class LostError(ProcessError):
    """A cluster that has gone, or can no longer do what is asked, in the middle of its work."""


class Cluster:
    """The workers of a Dask scheduler, each with processes of the frameworks; to be used in a ``with``.

    Args:
        address: of the scheduler, as in "tcp://localhost:8786".
        asked: of each worker.
        said: called with what somebody who waits wants to know.

    Raises:
        SchedulerError: nobody answers there within :data:`CONNECT` seconds, there is no worker within
            :data:`WITHOUT_WORKERS`, or the scheduler or a worker lacks a framework, or has this project or
            Python in another version.
        FrameworkError: a worker cannot import a user's function.
        ProcessError: a worker cannot start a framework's process.
    """

    def __init__(self, address: str, asked: Asked, *, said: Callable[[str], None] = lambda _: None) -> None:
        self._address, self._asked, self._said = address, asked, said
        self.name = f"convparity-{uuid4()}"
        self._stack = ExitStack()
        self._addresses: frozenset[str] = frozenset()
        self._looked, self._peopled = -_LOOK_EVERY, monotonic()
        self.nodes: tuple[Node, ...] = ()
        self.sources: Any = None

    def __enter__(self) -> Self:
        """Find the scheduler and its workers, and have every one of them start its processes."""
        with ExitStack() as stack:
            self.client = stack.enter_context(self._connected())
            self._check_versions()
            self.client.register_plugin(Kept(self.name, self._asked))
            stack.callback(self._end)
            described = self._described()
            self.nodes, self.sources = nodes_of(described), _same_sources(described)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Have the workers end their processes."""
        self._stack.close()

    @property
    def workers(self) -> int:
        """How many workers there are, or will be: at least 1."""
        return max(len(self._addresses), 1)

    def submit(self, function: Callable[..., Any], *arguments: object, worker: str | None = None) -> Future:
        """Hand a function of :mod:`parity.cluster.plugin` to any worker, or to one."""
        workers = None if worker is None else [worker]
        return self.client.submit(function, self.name, *arguments, workers=workers, pure=False)

    def watch(self) -> None:
        """Heed a signal, and look whether the scheduler is there, and has a worker; to be called in turns.

        Raises:
            LostError: the scheduler has gone, or it has had no worker for :data:`WITHOUT_WORKERS` seconds.
        """
        heed()
        if self.client.status != "running":
            raise self.lost("the connection to it has gone")
        now = monotonic()
        if now - self._looked < _LOOK_EVERY:
            return
        before = self._addresses
        try:
            self._addresses = frozenset(self.client.nthreads())
        except OSError:
            raise self.lost("the connection to it has gone") from None
        self._looked = now
        if self._addresses:
            self._peopled = now
        elif now - self._peopled > WITHOUT_WORKERS:
            raise self.lost(f"it has had no worker for {WITHOUT_WORKERS} s")
        elif before or self._peopled > self._looked - _LOOK_EVERY:
            self._said(f"scheduler {self._address} has no worker: waiting {WITHOUT_WORKERS} s at most")

    def check(self) -> None:
        """Have a worker do what harms nobody.

        Raises:
            LostError: it ends, too.
        """
        future = self.submit(describe)
        while not future.done():
            self.watch()
            sleep(TURN)
        if isinstance(future.exception(), KilledWorker):
            raise self.lost("its workers end whatever they are asked")

    def lost(self, why: str) -> LostError:
        """Return the error of a cluster that cannot go on."""
        return LostError(f"scheduler {shown(self._address)}: {why}")

    def _connected(self) -> Client:
        """Connect, where somebody answers who is a scheduler: a client waits for any other for ever."""
        _silence()
        try:
            asyncio.run(asyncio.wait_for(_look_for(self._address), CONNECT))
            return Client(self._address, timeout=CONNECT, set_as_default=False, name="convparity")
        except TimeoutError:
            why = f"none answers within {CONNECT} s"
        except (OSError, RuntimeError, TypeError, ValueError) as error:  # no address, nobody there, no TLS
            why = f"it cannot be asked: {attempt.describe(error)}"
        raise SchedulerError(f"scheduler {shown(self._address)}: {why}")

    def _check_versions(self) -> None:
        """Refuse what cannot even read what it is sent; it is asked by functions of Python alone.

        Raises:
            SchedulerError: as the class.
        """
        try:
            on_scheduler: Any = self.client.run_on_scheduler(version, "convparity")
        except PackageNotFoundError as error:
            on_scheduler = error
        python = of_python(self.client.run_on_scheduler(platform.python_version))
        answers = self.client.run(platform.python_version, on_error="return")
        pythons = {at: of_python(each) for at, each in answers.items() if isinstance(each, str)}
        versions = self.client.run(version, "convparity", on_error="return")
        module = f"{describe.__module__}:describe"
        imported = self.client.run(pkgutil.resolve_name, module, on_error="return")
        wrong = [
            *self._other("the scheduler has Python", {"": python}, self._asked.python),
            *self._other("the scheduler has convparity", {"": on_scheduler}, self._asked.convparity),
            *self._other("has Python", pythons, self._asked.python),
            *self._other("has convparity", versions, self._asked.convparity),
            *(
                f"worker {at} cannot import convparity: {attempt.describe(each)}"
                for at, each in imported.items()
                if isinstance(each, ImportError)
            ),
        ]
        self._refuse(wrong)

    @staticmethod
    def _other(what: str, found: Mapping[str, Any], asked: str | None) -> Iterator[str]:
        """Say who has another version; who has gone meanwhile is not asked any more."""
        for at, each in found.items():
            if each != asked and isinstance(each, str | PackageNotFoundError):
                has = each if isinstance(each, str) else "not at all"
                yield f"{f'worker {at} ' if at else ''}{what} {has}, and {asked} asks"

    def _refuse(self, wrong: Sequence[str]) -> None:
        if wrong:
            more = [f"{len(wrong) - _MOST_NAMED} more"] if len(wrong) > _MOST_NAMED else []
            raise SchedulerError(
                f"scheduler {shown(self._address)}: {'; '.join([*dict.fromkeys(wrong[:_MOST_NAMED]), *more])}"
            )

    def _described(self) -> list[Described]:
        """Ask every worker what it has; for what is asked of any, an adaptive cluster starts the first."""
        first = self.submit(describe)
        while not first.done():
            self._turn()
        _ = self._answers({"": first})
        futures = {address: self.submit(describe, worker=address) for address in self._addresses}
        while any(not each.done() for address, each in futures.items() if address in self._addresses):
            self._turn()
        there = {address: each for address, each in futures.items() if each.done()}
        return self._answers(there) or self._described()

    def _turn(self) -> None:
        try:
            self.watch()
        except LostError as error:  # nothing is lost yet
            raise SchedulerError(str(error)) from None
        sleep(TURN)

    def _answers(self, futures: Mapping[str, Future]) -> list[Described]:
        """Return what workers say; those that ended meanwhile say nothing.

        Raises:
            SchedulerError: what some of them lack.
            FrameworkError: as the class.
            ProcessError: as the class.
        """
        errors = {address: each.exception() for address, each in futures.items() if each.status == "error"}
        self._refuse([str(error) for error in errors.values() if isinstance(error, UnfitError)])
        for error in errors.values():
            if isinstance(error, InputError):
                raise error
        return [said for each in futures.values() for said in _fetched(each)]

    def _end(self) -> None:
        """Have the workers end their processes; who has gone, or does not answer, is not waited for."""
        with suppress(Exception):
            if self.client.status == "running":
                ask = self.client.scheduler.unregister_worker_plugin
                self.client.sync(ask, name=self.name, callback_timeout=_LONGEST_END)


def _fetched(future: Future) -> list[Described]:
    """Return what a worker has said, if it is still there to be asked for it."""
    if future.status != "finished":
        return []
    with suppress(TimeoutError):
        return [future.result(timeout=CONNECT)]
    return []


def _silence() -> None:
    """Have Dask log nothing: what matters of it is said here. Each of its loggers has a level of its own."""
    for name in logging.root.manager.loggerDict:
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)


async def _look_for(address: str) -> None:
    """Ask a scheduler who it is.

    Raises:
        OSError: nobody is there, or no scheduler of Dask's.
        ValueError: no address.
        TypeError: it needs certificates, and Dask's configuration names none.
    """
    async with rpc(address, connection_args=Security().get_connection_args("client")) as scheduler:
        identity = await scheduler.identity()
    if identity.get("type") != "Scheduler":
        raise OSError(f"there is a {identity.get('type')}")


def _same_sources(described: Sequence[Described]) -> Any:  # noqa: ANN401 - switches are of any type
    """Return what a user's functions and programs are, on all workers.

    Raises:
        SchedulerError: one is not the same everywhere.
    """
    first = described[0]
    for each in described[1:]:
        for name, switches in each.sources.items():
            if switches != first.sources[name]:
                raise SchedulerError(
                    f"{name} is not the same everywhere: on worker {first.address} it is "
                    f"{first.sources[name]}, and on {each.address} {switches}"
                )
    return first.sources
