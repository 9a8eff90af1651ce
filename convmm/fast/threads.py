"""Work spread over threads, with NumPy's own matrix product kept to one thread meanwhile."""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import os
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray
from threadpoolctl import LibController, ThreadpoolController

from convmm.fast import processors
from convmm.fast.plan.limits import LIMITS, Limits
from convmm.geometry import shown

ENVIRONMENT_VARIABLE = "CONVMM_NUM_THREADS"

# Views that a scratch keeps: more than the tiles of one call have shapes.
_MOST_KEPT = 64

T = TypeVar("T")


class Scratch:
    """A worker's arrays, kept from one task to the next: what they hold at first means nothing."""

    def __init__(self) -> None:
        self._buffers: dict[str, NDArray[np.uint8]] = {}
        self._taken: dict[str, NDArray[Any]] = {}
        self._kept: dict[Hashable, Any] = {}

    def take(self, name: str, shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
        """Return the array of this name in this shape; it replaces the one taken by this name before."""
        taken = self._taken.get(name)
        if taken is not None and taken.shape == shape and taken.dtype == dtype:
            return taken
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if name not in self._buffers or self._buffers[name].nbytes < size:
            self._buffers.pop(name, None)  # with all that is seen of it, before there is another
            self._taken.pop(name, None)
            self._kept.clear()
            del taken
            self._buffers[name] = np.empty(size, np.uint8)
        self._taken[name] = self._buffers[name][:size].view(dtype).reshape(shape)
        return self._taken[name]

    def kept(self, key: Hashable, build: Callable[[], T]) -> T:
        """Return what is built of views of these arrays: once per key, and again when an array has grown."""
        found: T | None = self._kept.get(key)
        if found is None:
            found = build()
            if len(self._kept) == _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = found
        return found


# Not in use now, by the number of the thread that used them: its processor still has parts of them in its
# caches. Kept from one call to the next, as new memory costs up to a tenth of a call's time.
_idle: defaultdict[int, deque[Scratch]] = defaultdict(deque)


Task = Callable[[Scratch], None]


class Schedule(NamedTuple):
    """Tasks that are independent of each other, and what is done before the first of them, likewise so."""

    preparations: Sequence[Task]
    tasks: Sequence[Task]


def merged(schedules: Iterable[Schedule]) -> Schedule:
    """Return schedules that are independent of each other, as one."""
    preparations, tasks = list[Task](), list[Task]()
    for schedule in schedules:
        preparations += schedule.preparations
        tasks += schedule.tasks
    return Schedule(preparations, tasks)


class _Setting:
    """The number of threads that was asked for; None for the environment's or the machine's."""

    count: int | None = None


def set_threads(count: int | None) -> None:
    """Compute with this many threads from now on, in the whole process; None for the default.

    The default is the environment variable CONVMM_NUM_THREADS, or else the processors that this process
    may run on. Results do not depend on the number, to the last bit.

    Raises:
        ValueError: not a positive int.
    """
    if count is not None and (type(count) is not int or count < 1):
        msg = f"set_threads({shown(count)}): allowed is an int of at least 1, or None for the default"
        raise ValueError(msg)
    _Setting.count = count


def get_threads() -> int:
    """Return the number of threads to compute with.

    Raises:
        ValueError: the environment variable CONVMM_NUM_THREADS holds no positive int.
    """
    if _Setting.count is not None:
        return _Setting.count
    text = os.environ.get(ENVIRONMENT_VARIABLE)
    if not text:
        return processors.count()
    if not text.isdecimal() or int(text) < 1:
        msg = f"environment variable {ENVIRONMENT_VARIABLE}={shown(text)}: allowed is an int of at least 1"
        raise ValueError(msg)
    return int(text)


def run(schedule: Schedule, work: int, limits: Limits = LIMITS) -> None:
    """Do all preparations and then all tasks; on several threads, and in any order, where that pays.

    The first exception of a task ends the others before their next task, and is raised.

    Args:
        schedule: what to do.
        work: floating point operations of all the tasks together.
        limits: say what is worth threads.
    """
    threads = min(get_threads(), len(schedule.tasks)) if work >= limits.threads else 1
    team = _Team(schedule, max(threads, 1))
    if work < limits.holding:
        team.work(0)
        return
    with _single_threaded_blas():
        team.run()


class _Helper:
    """A thread that sleeps between calls: to wake it takes a third of the time that it takes to start one."""

    def __init__(self) -> None:
        self._jobs = SimpleQueue[Callable[[], None]]()
        self._ended = SimpleQueue[None]()
        self._thread = threading.Thread(target=self._serve, name="convmm", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            self._jobs.get()()
            self._ended.put(None)

    def begin(self, job: Callable[[], None]) -> None:
        """Do something that raises nothing, on another processor than the caller's."""
        if self._thread.native_id is not None:
            processors.keep_off(self._thread.native_id)
        self._jobs.put(job)

    def end(self) -> None:
        """Wait until it is done, and sleep; what it has not begun, as it is still to wake, it leaves."""
        try:
            self._jobs.get_nowait()
        except Empty:
            self._ended.get()
        _asleep.append(self)


_asleep: list[_Helper] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_asleep.clear)  # a child process has none of its parent's threads


def _helpers(count: int) -> list[_Helper]:
    """Return as many helpers as asked for, or fewer where the system starts no more threads."""
    found: list[_Helper] = []
    with contextlib.suppress(RuntimeError):
        while len(found) < count:
            found.append(_helper())
    return found


def _helper() -> _Helper:
    try:
        return _asleep.pop()
    except IndexError:
        return _Helper()


class _Stage:
    """Tasks that are independent of each other, a share for each thread.

    Each begins with a run of neighbours, the same in each call with as many tasks, so that its processor
    still has some of the arrays in its caches: a tenth of a call's time. When it has done them it takes the
    last of another's.
    """

    def __init__(self, tasks: Sequence[Task], threads: int) -> None:
        ends = [len(tasks) * number // threads for number in range(threads + 1)]
        self._shares = [deque(tasks[start:end]) for start, end in itertools.pairwise(ends)]
        self._left = itertools.count(len(tasks) - 1, -1)
        self.done = threading.Event()

    def work(self, number: int, scratch: Scratch) -> None:
        """Do tasks as the thread of this number, as long as there are any."""
        while task := self._next(number):
            task(scratch)
            if next(self._left) == 0:
                self.done.set()

    def _next(self, number: int) -> Task | None:
        for share in self._shares[number:] + self._shares[:number]:
            try:
                return share.popleft() if share is self._shares[number] else share.pop()
            except IndexError:  # it was empty, or another thread has just taken the last
                continue
        return None

    def stop(self) -> None:
        """Let no thread begin another task, nor wait for one."""
        for share in self._shares:
            share.clear()
        self.done.set()


class _Team:
    """Threads, and what they do, stage by stage; the caller is the first of them."""

    def __init__(self, schedule: Schedule, threads: int) -> None:
        self._threads = threads
        self._stages = [_Stage(tasks, threads) for tasks in schedule if tasks]
        self._errors: list[BaseException] = []

    def run(self) -> None:
        """Do all tasks; raises the first exception of one."""
        helpers = _helpers(self._threads - 1)
        try:
            for number, helper in enumerate(helpers, start=1):
                helper.begin(partial(self._help, number))
            self.work(0)
        except BaseException:
            self._stop()
            raise
        finally:
            for helper in helpers:
                helper.end()
        if self._errors:
            raise self._errors[0]

    def _help(self, number: int) -> None:
        try:
            self.work(number)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits for this one
            self._errors.append(error)
            self._stop()

    def _stop(self) -> None:
        for stage in self._stages:
            stage.stop()

    def work(self, number: int) -> None:
        """Do tasks as long as there are any, as the thread of this number."""
        try:
            scratch = _idle[number].pop()
        except IndexError:
            scratch = Scratch()
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # IEEE results, not accidents
                for stage in self._stages:
                    stage.work(number, scratch)
                    if stage is not self._stages[-1]:
                        stage.done.wait()
        finally:
            _idle[number].append(scratch)


@functools.cache
def _blas() -> list[LibController]:
    controllers: list[LibController] = ThreadpoolController().select(user_api="blas").lib_controllers
    return controllers


class _Limit:
    """How many calls hold BLAS at one thread now, and what to restore after the last of them."""

    lock = threading.Lock()
    holders = 0
    before: tuple[int, ...] = ()


@contextlib.contextmanager
def _single_threaded_blas() -> Iterator[None]:
    with _Limit.lock:
        if _Limit.holders == 0:
            _Limit.before = tuple(library.get_num_threads() for library in _blas())
            for library in _blas():
                library.set_num_threads(1)
        _Limit.holders += 1
    try:
        yield
    finally:
        with _Limit.lock:
            _Limit.holders -= 1
            if _Limit.holders == 0:
                for library, count in zip(_blas(), _Limit.before, strict=True):
                    library.set_num_threads(count)
