"""Frameworks in processes of their own, so that one that crashes or hangs costs one answer."""

from __future__ import annotations

import os
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from parity import worker
from parity.adapters import Adapter, FrameworkError
from parity.task import Answer, Task, Wait

_MOST_STARTS = 3
"""How often in a row a framework's process may end before it has done anything."""

_ENDED_WELL = 256
"""In place of the exit code 0, which a process that was not told to end must not have."""

_ENDED_EARLY = "its process ended before it could be asked"

T = TypeVar("T")


class Workers:
    """A pool of processes for each framework, started at once; to be used in a ``with``.

    Args:
        adapters: the frameworks.
        jobs: processes for each.
        threads: that each process may compute with.
        timeout: seconds that a task may take; None for any.
    """

    def __init__(
        self, adapters: Sequence[Adapter], *, jobs: int = 1, threads: int = 1, timeout: float | None = None
    ) -> None:
        self._adapters = adapters
        self._jobs, self._threads, self._timeout = jobs, threads, timeout
        self._folder = tempfile.TemporaryDirectory(prefix="parity-")
        self._pools: dict[Adapter, ProcessPool] = {}
        self._ended_early: Counter[Adapter] = Counter()
        self._switches: list[ProcessFuture[dict[str, Any] | Exception]] = []

    def __enter__(self) -> Self:
        """Start every framework's processes."""
        for found in self._adapters:
            self._renew(found)
            self._switches.append(self._schedule(found, worker.switches_here, (), None))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them all, whatever they do."""
        for pool in self._pools.values():
            pool.stop()  # type: ignore[no-untyped-call] # it has no types
        for pool in self._pools.values():
            pool.join()
        self._folder.cleanup()

    def switches(self) -> list[dict[str, Any] | None]:
        """Of each framework the switches under which it runs; None of one whose import failed or crashed.

        Raises:
            FrameworkError: a user's function cannot be imported.
        """
        return [self._settings(future) for future in self._switches]

    @staticmethod
    def _settings(future: ProcessFuture[dict[str, Any] | Exception]) -> dict[str, Any] | None:
        try:
            settings = future.result()
        except (ProcessExpired, BrokenProcessPool):
            return None
        if isinstance(settings, FrameworkError):
            raise settings
        return settings if isinstance(settings, dict) else None

    def submit(self, found: Adapter, task: Task) -> Wait:
        """Hand a framework a task; what is returned waits for the answer."""
        future = self._schedule(found, worker.perform_here, (task,), self._timeout)
        return partial(self._answer, found, task, future, self._pools[found])

    def _answer(self, found: Adapter, task: Task, future: ProcessFuture[Answer], pool: ProcessPool) -> Answer:
        try:
            answer = future.result()
        except TimeoutError:
            reason = f"it did not end within {self._timeout:g} s"
            return Answer("timeout", error=f"TimeoutError: {reason}", reason=reason)
        except ProcessExpired as error:
            return self._crashed(error)
        except BrokenProcessPool:
            return self._ask_again(found, task, pool)
        self._ended_early[found] = 0
        return answer

    def _crashed(self, error: ProcessExpired) -> Answer:
        how = _ending(error.exitcode)
        printed = ""
        with suppress(OSError):  # it may have written nothing
            printed = worker.read_log(worker.log_of(Path(self._folder.name), error.pid))
        return Answer("crashed", error=how, reason=f"its process ended: {how}", printed=printed)

    def _ask_again(self, found: Adapter, task: Task, broken: ProcessPool) -> Answer:
        """The answer of a new process, where one ended between two tasks, or at its start."""
        if self._ended_early[found] == _MOST_STARTS:
            return Answer("crashed", error=_ENDED_EARLY, reason=_ENDED_EARLY)
        if self._pools[found] is broken:
            self._ended_early[found] += 1
            self._renew(found)
        return self.submit(found, task)()

    def _renew(self, found: Adapter) -> None:
        if found in self._pools:
            self._pools[found].stop()  # type: ignore[no-untyped-call] # it has no types
            self._pools[found].join()
        recipe = found.NAME if isinstance(found, ModuleType) else found  # modules cannot be sent
        self._pools[found] = ProcessPool(
            self._jobs,
            initializer=worker.start,
            initargs=(recipe, self._threads, Path(self._folder.name)),
            context=_Context(),
        )

    def _schedule(
        self, found: Adapter, function: Callable[..., T], arguments: tuple[object, ...], timeout: float | None
    ) -> ProcessFuture[T]:
        with (
            _without_interrupts()
        ):  # the processes and threads that this starts are not the terminal's to end
            try:
                return self._pools[found].schedule(function, arguments, timeout=timeout)
            except RuntimeError:  # it broke since it was last used
                future: ProcessFuture[T] = ProcessFuture()
                future.set_exception(BrokenProcessPool(_ENDED_EARLY))
                return future


class _Process(SpawnProcess):
    """A process that is not to end by itself, not even well: the pool would wait for its answer for ever."""

    @property
    def exitcode(self) -> int | None:
        """As of every process, but never 0."""
        return super().exitcode or (None if super().exitcode is None else _ENDED_WELL)


class _Context(SpawnContext):
    Process = _Process


def _ending(code: int) -> str:
    """How a process ended, by its exit code."""
    if code >= 0:
        return f"exit code {code % _ENDED_WELL}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back, also from the threads and processes that are started meanwhile."""
    if os.name != "posix":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
