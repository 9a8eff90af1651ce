"""Work spread over threads, with NumPy's own matrix product kept to one thread meanwhile."""

from __future__ import annotations

import functools
import itertools
import math
import os
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray
from threadpoolctl import LibController, ThreadpoolController

ENVIRONMENT_VARIABLE = "CONVMM_NUM_THREADS"

# Below this much work the matrix product takes one thread of itself, and a pool would cost more than it
# saves: measured with OpenBLAS, whose own threshold is of this size.
_WORTH_THREADS = 2_000_000
_WORTH_LIMITING = 400_000


class Scratch:
    """A worker's arrays, kept from one task to the next: what they hold at first means nothing."""

    def __init__(self) -> None:
        self._buffers: dict[str, NDArray[np.uint8]] = {}
        self._taken: dict[str, NDArray[Any]] = {}

    def take(self, name: str, shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
        """The array of this name, in this shape; it replaces the one that was taken by the name before."""
        taken = self._taken.get(name)
        if taken is not None and taken.shape == shape and taken.dtype == dtype:
            return taken
        size = math.prod(shape) * np.dtype(dtype).itemsize
        held = self._buffers.get(name)
        if held is None or held.nbytes < size:
            held = self._buffers[name] = np.empty(size, np.uint8)
        self._taken[name] = held[:size].view(dtype).reshape(shape)
        return self._taken[name]


# Not in use now, by the number of the thread that used them: its processor still has parts of them in its
# caches. Kept from one call to the next, as new memory costs up to a tenth of a call's time.
_idle: defaultdict[int, deque[Scratch]] = defaultdict(deque)


Task = Callable[[Scratch], None]


class Plan(NamedTuple):
    """Tasks that are independent of each other, and what is done before the first of them, likewise so."""

    preparations: Sequence[Task]
    tasks: Sequence[Task]


def merged(plans: Iterable[Plan]) -> Plan:
    """Plans that are independent of each other, as one."""
    each = list(plans)
    return Plan(
        [task for plan in each for task in plan.preparations], [task for plan in each for task in plan.tasks]
    )


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
        msg = f"set_threads({count!r}): allowed is an int of at least 1, or None for the default"
        raise ValueError(msg)
    _Setting.count = count


def get_threads() -> int:
    """The number of threads to compute with.

    Raises:
        ValueError: the environment variable CONVMM_NUM_THREADS holds no positive int.
    """
    if _Setting.count is not None:
        return _Setting.count
    text = os.environ.get(ENVIRONMENT_VARIABLE)
    if not text:
        return _processors()
    if not text.isdecimal() or int(text) < 1:
        msg = f"environment variable {ENVIRONMENT_VARIABLE}={text!r}: allowed is an int of at least 1"
        raise ValueError(msg)
    return int(text)


def run(plan: Plan, work: int) -> None:
    """Do all preparations and then all tasks; on several threads, and in any order, where that pays.

    The first exception of a task ends the others before their next task, and is raised.

    Args:
        plan: what to do.
        work: floating point operations of all the tasks together.
    """
    threads = min(get_threads(), len(plan.tasks)) if work >= _WORTH_THREADS else 1
    team = _Team(plan, max(threads, 1))
    if work < _WORTH_LIMITING:
        team.work(0)
        return
    with _single_threaded_blas():
        team.run()


class _Team:
    """Threads, and the tasks of each, stage by stage.

    Each begins with a run of neighbours, the same in each call with as many tasks, so that its processor
    still has some of the arrays in its caches: a tenth of a call's time. When it has done them it takes the
    last of another's. A helping thread lives for one call: it starts sooner than one kept asleep.
    """

    def __init__(self, plan: Plan, threads: int) -> None:
        self._threads = threads
        self._stages = [_shares(tasks, threads) for tasks in plan if tasks]
        self._between = threading.Barrier(threads)
        self._errors: list[BaseException] = []

    def run(self) -> None:
        """Do all tasks; raises the first exception of one."""
        helpers: list[threading.Thread] = []
        try:
            for number in range(1, self._threads):
                helper = threading.Thread(target=self._help, args=(number,), name=f"convmm-{number}")
                helper.start()
                helpers.append(helper)
            self.work(0)
        except BaseException:
            self._stop()
            raise
        finally:
            for helper in helpers:
                helper.join()
        if self._errors:
            raise self._errors[0]

    def _help(self, number: int) -> None:
        try:
            self.work(number)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits for this one
            self._errors.append(error)
            self._stop()

    def _stop(self) -> None:
        """Let no thread begin another task, or wait for one that never comes to the next stage."""
        for share in itertools.chain.from_iterable(self._stages):
            share.clear()
        self._between.abort()

    def work(self, number: int) -> None:
        """Do tasks as long as there are any, as the thread of this number."""
        try:
            scratch = _idle[number].pop()
        except IndexError:
            scratch = Scratch()
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # IEEE results, not accidents
                for shares in self._stages:
                    while task := _next(shares, number):
                        task(scratch)
                    if shares is not self._stages[-1]:
                        self._between.wait()
        except threading.BrokenBarrierError:  # another thread has met an exception
            return
        finally:
            _idle[number].append(scratch)


def _shares(tasks: Sequence[Task], threads: int) -> list[deque[Task]]:
    ends = [len(tasks) * number // threads for number in range(threads + 1)]
    return [deque(tasks[start:end]) for start, end in itertools.pairwise(ends)]


def _next(shares: list[deque[Task]], number: int) -> Task | None:
    """A thread's own first task, or else the last of another's."""
    for share in shares[number:] + shares[:number]:
        try:
            return share.popleft() if share is shares[number] else share.pop()
        except IndexError:  # it was empty, or another thread has just taken the last
            continue
    return None


@functools.cache
def _blas() -> list[LibController]:
    controllers: list[LibController] = ThreadpoolController().select(user_api="blas").lib_controllers
    return controllers


class _Limit:
    """How many calls hold BLAS at one thread now, and what to restore after the last of them."""

    lock = threading.Lock()
    holders = 0
    before: tuple[int, ...] = ()


@contextmanager
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


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
