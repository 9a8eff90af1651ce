"""One framework's processes: what they are asked, alone or together, and what becomes of it."""

from __future__ import annotations

import errno
import os
import pickle
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.spawn import get_executable
from pathlib import Path
from threading import RLock, Thread
from time import monotonic, sleep
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from parity.frameworks.attempt import one_line
from parity.frameworks.interface import Framework
from parity.frameworks.table import FrameworkError
from parity.frameworks.task import Answer, Task, Wait
from parity.workers import worker
from parity.workers.clock import Clock
from parity.workers.files import log_of, worn_of
from parity.workers.interrupts import heed
from parity.workers.processes import Context, ProcessError, ending, without_interrupts
from parity.workers.worker import Setting

MOST_TOGETHER = 32
"""Tasks that a process is handed at once."""

_SECONDS_TOGETHER = 0.1
"""That they are to take, as far as those before tell."""

_BYTES_TOGETHER = 2**23
"""Of their arrays, about."""

_PAUSES = (0.0, 0.0)
"""Seconds before a process is started again, each time it has ended before anything could be asked of it."""

_PAUSES_WHERE_KILLED = (1.0, 2.0, 4.0, 8.0)
"""The same where it was killed, as by a system without memory, which others may give back."""

_PASSING = {errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""What others may give back, too: processes, descriptors, memory."""

_MOST_TASKS = 10_000
"""That a process performs before a new one takes its place: some frameworks keep a little of each."""

_MOST_GROWTH = 2**30
"""Bytes by which a process may grow, likewise."""

_TURN = 0.1
"""Seconds for which an answer is waited for at a time."""

_LONGEST_END = 10
"""Seconds in which a pool's processes are to end when it is stopped."""

_UNHEARD = "none of its processes took what it was asked, or was at anything, for {:.0f} s"

T = TypeVar("T")

Performed = tuple[list[Answer], float] | str
"""Answers and the seconds that they took; or why a process can give none."""


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
    future: ProcessFuture[Performed] = field(default_factory=ProcessFuture)


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
        environment: variables that they set before they load the framework; an empty one is removed.
    """

    def __init__(
        self,
        found: Framework,
        *,
        jobs: int,
        threads: int,
        timeout: float | None,
        folder: Path,
        environment: Mapping[str, str],
    ) -> None:
        self._name, self.jobs = found.name, jobs
        self._setting = Setting(
            pickle.dumps(found), threads, folder, dict(environment), _MOST_TASKS, _MOST_GROWTH
        )
        self.timeout, self._folder = timeout, folder
        self._ended_early = 0
        self._together = 1
        self._waiting = Batch()
        self._lock = RLock()  # of what waits to be sent, and of the processes that it is sent to
        self._context = Context(folder)
        self._clock = Clock()
        self._sent: set[Future[Any]] = set()
        self._seen: WeakKeyDictionary[Future[Any], float] = WeakKeyDictionary()  # at work, since when
        self._overdue: WeakSet[Future[Any]] = WeakSet()
        self._moved = 0.0  # when one of these was last taken up, worked at, or done
        self._start()

    def stop(self) -> None:
        """Have the processes end, whatever they do."""
        self._is_stopped = True
        self._processes.stop()  # type: ignore[no-untyped-call] # it has no types

    def join(self) -> None:
        """Wait until they have ended; those that have not after a while are killed.

        A pool that is stopped while it reads from a process, or writes to one, may wait for it for ever.
        """
        ending = Thread(target=self._processes.join, daemon=True)
        ending.start()
        ending.join(_LONGEST_END)
        self._context.kill()
        self._context.started.clear()

    def abandon(self) -> None:
        """Drop what was asked and nobody waits for; another process takes the place of one that is at it."""
        with self._lock:
            self._waiting = Batch()
        for future in tuple(self._sent):
            if future is not self._loaded:
                future.cancel()

    @property
    def can_be_asked(self) -> bool:
        """Whether there are processes, of which it is known, or will be, how their framework was loaded."""
        return not self._is_stopped and not self._loaded.cancelled() and self._processes.active

    def switches(self) -> dict[str, Any] | None:
        """Return the switches under which the framework runs; None where that failed or was interrupted.

        Raises:
            FrameworkError: a user's function cannot be imported.
            ProcessError: no process can be asked.
        """
        asked = self._loaded
        try:
            loaded = self._result(asked)
        except CancelledError:
            return None
        except (ProcessExpired, BrokenProcessPool) as error:
            with self._lock:
                if asked is self._loaded:
                    self._begin_again(error)
            return self.switches()
        if loaded.message is not None:
            raise FrameworkError(loaded.message)
        return loaded.switches

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
            batch.future = self._schedule(worker.perform_here, (batch.tasks,))
        batch.future.add_done_callback(self._learn)

    def _learn(self, future: Future[Performed]) -> None:
        """Take how many tasks to hand over together from how long these took."""
        performed = None if future.cancelled() or future.exception() is not None else future.result()
        if performed is None or isinstance(performed, str):
            self._together = 1
            return
        answers, seconds = performed
        self._together = min(int(_SECONDS_TOGETHER * len(answers) / max(seconds, 1e-6)) + 1, MOST_TOGETHER)

    def _answer(self, batch: Batch, number: int) -> Answer:
        """Return the answer to one of a batch's tasks.

        Raises:
            ProcessError: no process can be asked.
        """
        with self._lock:
            if batch is self._waiting:
                self._send()
        future = batch.future
        try:
            performed = self._result(future)
        except CancelledError:
            if future in self._overdue:
                return self._ended(batch, future, number, TimeoutError())
            return self._ask_alone(batch.tasks[number])  # who waited for another of the batch was interrupted
        except BrokenProcessPool as error:
            if isinstance(error, _UnreadableError) and error.culprit is future and len(batch.tasks) == 1:
                return self._unreadable(batch, error)
            return self._ask_again(batch, number, error)
        except ProcessExpired as error:
            return self._ended(batch, future, number, error)
        if isinstance(performed, str):
            raise ProcessError(f"framework {self._name!r}: its process cannot begin: {performed}")
        self._ended_early = 0
        return performed[0][number]

    def _ended(
        self, batch: Batch, future: Future[Performed], number: int, error: TimeoutError | ProcessExpired
    ) -> Answer:
        """Say how the process ended that was at a batch, or have the task asked again, alone."""
        if isinstance(error, ProcessExpired) and worn_of(self._folder, error.pid).exists():
            return self._ask_a_new_one(batch, future, number)
        if len(batch.tasks) > 1:
            return self._ask_alone(batch.tasks[number])
        return self._timed_out() if isinstance(error, TimeoutError) else self._crashed(error)

    def _ask_alone(self, task: Task) -> Answer:
        batch = Batch([task])
        self._ask(batch)
        return self._answer(batch, 0)

    def _ask_a_new_one(self, batch: Batch, future: Future[Performed], number: int) -> Answer:
        """Ask the process that takes the place of a worn one; the first who waits does it for all."""
        with self._lock:
            if batch.future is future:
                self._ask(batch)
        return self._answer(batch, number)

    def _ask_again(self, batch: Batch, number: int, error: BrokenProcessPool) -> Answer:
        """Ask a new process, where one ended between two tasks, or at its start."""
        with self._lock:
            if self._processes is batch.processes:
                self._begin_again(error)
        return self._ask_alone(batch.tasks[number])

    def _begin_again(self, error: Exception) -> None:
        """Start new processes, after a pause; where that has been done often enough, say what happens."""
        how, passing = self._last_end(error)
        pauses = _PAUSES_WHERE_KILLED if passing else _PAUSES
        if self._ended_early >= len(pauses):
            times, self._ended_early = self._ended_early + 1, 0
            raise ProcessError(
                f"framework {self._name!r}: {times} times in a row there was no process that could be asked, "
                f"the last time because: {how}"
            )
        pause = pauses[self._ended_early]
        self._ended_early += 1
        self.stop()
        self.join()
        until = monotonic() + pause
        while monotonic() < until:
            sleep(_TURN)
            heed()
        self._start()

    def _last_end(self, error: Exception) -> tuple[str, bool]:
        """Say how the last process ended, and whether the next may fare better after a while."""
        cause, found = error.__cause__, self._context.last_end()
        if isinstance(cause, OSError):  # before there was any
            how, passing = [f"none can be started: {cause.strerror}"], cause.errno in _PASSING
        elif found is None:
            how, passing = [str(error)], True
        else:
            code, printed = found
            how = [str(error)] if isinstance(error, _UnheardError | _UnreadableError) else []
            how += [f"it ended with {ending(code)}"] + ([f"it wrote: {one_line(printed)}"] if printed else [])
            passing = code == -signal.SIGKILL
        return "; ".join([*how, *_what_lacks()]), passing

    def _unreadable(self, batch: Batch, error: BrokenProcessPool) -> Answer:
        """Begin again; what is lost is the answer of the only task that a process was at."""
        with self._lock:
            if self._processes is batch.processes:
                self._ended_early = 0
                self._begin_again(error)
        return Answer("crashed", error=str(error), reason=str(error))

    def _timed_out(self) -> Answer:
        reason = f"it did not end within {self.timeout:g} s"
        return Answer("timeout", error=f"TimeoutError: {reason}", reason=reason)

    def _crashed(self, error: ProcessExpired) -> Answer:
        how = ending(error.exitcode)
        printed = worker.read_log(log_of(self._folder, error.pid))
        return Answer("crashed", error=how, reason=f"its process ended: {how}", printed=printed)

    def _start(self) -> None:
        self._processes = ProcessPool(
            self.jobs, initializer=worker.start, initargs=(self._setting,), context=self._context
        )
        self._is_stopped = False
        self._loaded = self._schedule(worker.loaded_here, ())

    def _schedule(self, function: Callable[..., T], arguments: tuple[object, ...]) -> ProcessFuture[T]:
        future: ProcessFuture[T]
        with without_interrupts():  # the processes and threads that this starts are not the terminal's to end
            try:
                future = self._processes.schedule(function, arguments)
            except (OSError, RuntimeError) as error:  # there is nothing to start it with, or it has broken
                future = ProcessFuture()
                broken = error if isinstance(error, BrokenProcessPool) else BrokenProcessPool(str(error))
                broken.__cause__ = error.__cause__ if broken is error else error
                future.set_exception(broken)
                return future
        if not self._sent:
            self._moved = self._clock()
        self._sent.add(future)
        future.add_done_callback(self._done)
        return future

    def _done(self, future: Future[Any]) -> None:
        self._sent.discard(future)
        self._moved = self._clock()

    def _result(self, future: Future[T]) -> T:
        """Wait for what comes of it, in turns, between which a signal is heeded.

        Raises:
            BrokenProcessPool: no process takes it; those that there are, are ended.
        """
        try:
            heed()
            while not future.done():
                wait([future], timeout=_TURN)
                heed()
                self._look()
        except BaseException:  # nobody waits for it any longer, and others may ask its process
            future.cancel()
            raise
        return future.result()

    def _look(self) -> None:
        """End the processes where nothing comes of them any more: the system has stopped one, say."""
        now = self._clock()
        running = [each for each in tuple(self._sent) if each.running()]
        if not (self._is_stopped or self._processes.active):  # whoever reads has met what is no answer
            self._context.kill()
            raise _UnreadableError(running[0] if len(running) == 1 else None)
        if running:
            self._moved = now
            self._end_what_is_overdue(running, now)
        elif self._sent and now - self._moved > self._context.patience():
            silent = now - self._moved
            self._context.kill()
            raise _UnheardError(_UNHEARD.format(silent))

    def _end_what_is_overdue(self, running: list[Future[Any]], now: float) -> None:
        """End the processes that are at something longer than it may take; an import has its own limit."""
        for future in running:
            spent = now - self._seen.setdefault(future, now)
            if self.timeout and spent > self.timeout and future is not self._loaded:
                self._overdue.add(future)
                future.cancel()


def started(
    found: Framework,
    jobs: int,
    *,
    threads: int,
    timeout: float | None,
    folder: Path,
    environment: Mapping[str, str],
) -> list[Pool]:
    """Start a framework's processes; of one that keeps layers each is a pool, and handed those that it has.

    The arguments are those of :class:`Pool`.
    """
    pools, each = (jobs, 1) if found.keeps else (1, jobs)
    return [
        Pool(found, jobs=each, threads=threads, timeout=timeout, folder=folder, environment=environment)
        for _ in range(pools)
    ]


def end(pools: Sequence[Pool]) -> None:
    """End all processes of these, whatever they do."""
    for pool in pools:
        pool.stop()
    for pool in pools:
        pool.join()


class _UnheardError(BrokenProcessPool):
    """No process took what was asked."""


class _UnreadableError(BrokenProcessPool):
    """What a process sent cannot be read, and nothing can any more.

    Args:
        culprit: what was asked of the process that sent it, where only one was at work.
    """

    def __init__(self, culprit: Future[Any] | None) -> None:
        super().__init__("what its process sent cannot be read")
        self.culprit = culprit


def _what_lacks() -> Iterator[str]:
    """Say what a new process needs and has not."""
    executable = os.fsdecode(get_executable())
    if not os.access(executable, os.X_OK):
        yield f"{executable} cannot be executed"
    try:
        Path.cwd()
    except OSError:
        yield "the working folder was deleted"
