"""One framework's processes: what they are asked, alone or together, and what becomes of it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import RLock, Thread
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from parity.frameworks.interface import Framework
from parity.frameworks.table import FrameworkError
from parity.frameworks.task import Answer, Task, Wait
from parity.workers import worker
from parity.workers.interrupts import heed
from parity.workers.processes import Context, ending, without_interrupts

MOST_TOGETHER = 32
"""Tasks that a process is handed at once."""

_SECONDS_TOGETHER = 0.1
"""That they are to take, as far as those before tell."""

_BYTES_TOGETHER = 2**23
"""Of their arrays, about."""

_MOST_STARTS = 3
"""How often in a row a framework's process may end before it has done anything."""


_TURN = 0.1
"""Seconds for which an answer is waited for at a time."""

_LONGEST_END = 10
"""Seconds in which a pool's processes are to end when it is stopped."""

_ENDED_EARLY = "its process ended before it could be asked"

T = TypeVar("T")


@dataclass
class Batch:
    """Tasks that go to a process together: a message for each would cost as much as a small layer does.

    Attributes:
        tasks: what to do, in order.
        nbytes: of their arrays.
        processes: that they were sent to.
        future: of their answers and the seconds that these took, once they are sent.
    """

    tasks: list[Task] = field(default_factory=list)
    nbytes: int = 0
    processes: ProcessPool | None = None
    future: ProcessFuture[tuple[list[Answer], float]] = field(default_factory=ProcessFuture)


class Pool:
    """The processes of one framework, started at once.

    Small tasks are handed over together. Where that ends badly, each is asked for again alone, so that a
    process that crashes or hangs costs the answer to the one task that it was at. Threads may share a pool:
    each hands over tasks of its own, and waits for their answers.

    Args:
        found: the framework.
        jobs: processes.
        threads: that each may compute with.
        timeout: seconds that a task may take; None for any.
        folder: where they keep what they write to standard output and error.
    """

    def __init__(
        self, found: Framework, *, jobs: int, threads: int, timeout: float | None, folder: Path
    ) -> None:
        self._jobs, self._start_with = jobs, (pickle.dumps(found), threads, folder)
        self._timeout, self._folder = timeout, folder
        self._ended_early = 0
        self._together = 1
        self._waiting = Batch()
        self._lock = RLock()  # of what waits to be sent, and of the processes that it is sent to
        self._context = Context()
        self._processes = self._start()
        self._switches = self._schedule(worker.switches_here, (), None)

    def stop(self) -> None:
        """Have the processes end, whatever they do."""
        self._processes.stop()  # type: ignore[no-untyped-call] # it has no types

    def join(self) -> None:
        """Wait until they have ended; those that have not after a while are killed.

        A pool that is stopped while it reads from a process, or writes to one, may wait for it for ever.
        """
        ending = Thread(target=self._processes.join, daemon=True)
        ending.start()
        ending.join(_LONGEST_END)
        for process in self._context.started:
            if process.is_alive():
                process.kill()
        self._context.started.clear()

    def switches(self) -> dict[str, Any] | None:
        """Return the switches under which the framework runs; None where that failed or was interrupted.

        Raises:
            FrameworkError: a user's function cannot be imported.
        """
        try:
            settings = _result(self._switches)
        except (CancelledError, ProcessExpired, BrokenProcessPool):
            return None
        if isinstance(settings, FrameworkError):
            raise settings
        return settings if isinstance(settings, dict) else None

    def submit(self, task: Task) -> Wait:
        """Hand over a task, at the latest when it is waited for."""
        with self._lock:
            batch = self._waiting
            batch.tasks.append(task)
            batch.nbytes += task.nbytes
            if len(batch.tasks) >= self._together or batch.nbytes > _BYTES_TOGETHER:
                self._send()
            return partial(self._answer, batch, len(batch.tasks) - 1)

    def _send(self) -> None:
        batch, self._waiting = self._waiting, Batch()
        self._ask(batch)

    def _ask(self, batch: Batch) -> None:
        with self._lock:
            batch.processes = self._processes
            batch.future = self._schedule(worker.perform_here, (batch.tasks,), self._timeout)
        batch.future.add_done_callback(self._learn)

    def _learn(self, future: Future[tuple[list[Answer], float]]) -> None:
        """Take how many tasks to hand over together from how long these took."""
        if future.cancelled() or future.exception() is not None:
            self._together = 1
            return
        answers, seconds = future.result()
        self._together = min(int(_SECONDS_TOGETHER * len(answers) / max(seconds, 1e-6)) + 1, MOST_TOGETHER)

    def _answer(self, batch: Batch, number: int) -> Answer:
        """Return the answer to one of a batch's tasks."""
        with self._lock:
            if batch is self._waiting:
                self._send()
        try:
            answers, _ = _result(batch.future)
        except CancelledError:  # by whom waited for another of the batch, and was interrupted
            return self._ask_alone(batch.tasks[number])
        except BrokenProcessPool:
            return self._ask_again(batch, number)
        except (TimeoutError, ProcessExpired) as error:
            if len(batch.tasks) > 1:
                return self._ask_alone(batch.tasks[number])
            return self._timed_out() if isinstance(error, TimeoutError) else self._crashed(error)
        self._ended_early = 0
        return answers[number]

    def _ask_alone(self, task: Task) -> Answer:
        batch = Batch([task])
        self._ask(batch)
        return self._answer(batch, 0)

    def _ask_again(self, batch: Batch, number: int) -> Answer:
        """Ask a new process, where one ended between two tasks, or at its start."""
        with self._lock:
            if self._ended_early == _MOST_STARTS:
                return Answer("crashed", error=_ENDED_EARLY, reason=_ENDED_EARLY)
            if self._processes is batch.processes:
                self._ended_early += 1
                self.stop()
                self.join()
                self._processes = self._start()
        return self._ask_alone(batch.tasks[number])

    def _timed_out(self) -> Answer:
        reason = f"it did not end within {self._timeout:g} s"
        return Answer("timeout", error=f"TimeoutError: {reason}", reason=reason)

    def _crashed(self, error: ProcessExpired) -> Answer:
        how = ending(error.exitcode)
        printed = ""
        with suppress(OSError):  # it may have written nothing
            printed = worker.read_log(worker.log_of(self._folder, error.pid))
        return Answer("crashed", error=how, reason=f"its process ended: {how}", printed=printed)

    def _start(self) -> ProcessPool:
        return ProcessPool(
            self._jobs, initializer=worker.start, initargs=self._start_with, context=self._context
        )

    def _schedule(
        self, function: Callable[..., T], arguments: tuple[object, ...], timeout: float | None
    ) -> ProcessFuture[T]:
        with without_interrupts():  # the processes and threads that this starts are not the terminal's to end
            try:
                return self._processes.schedule(function, arguments, timeout=timeout)
            except RuntimeError:  # it broke since it was last used
                future: ProcessFuture[T] = ProcessFuture()
                future.set_exception(BrokenProcessPool(_ENDED_EARLY))
                return future


def _result(future: Future[T]) -> T:
    """Wait for what comes of it, in turns, between which a signal is heeded."""
    try:
        heed()
        while not future.done():
            wait([future], timeout=_TURN)
            heed()
    except BaseException:  # nobody waits for it any longer, and others may ask its process
        future.cancel()
        raise
    return future.result()
