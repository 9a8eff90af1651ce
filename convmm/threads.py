"""Work spread over threads, with NumPy's own matrix product kept to one thread meanwhile."""

from __future__ import annotations

import functools
import math
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

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

    def take(self, name: str, shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
        """The array of this name, in this shape; it replaces the one that was taken by the name before."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        held = self._buffers.get(name)
        if held is None or held.nbytes < size:
            held = self._buffers[name] = np.empty(size, np.uint8)
        return held[:size].view(dtype).reshape(shape)


# Not in use now. Kept from one call to the next, as new memory costs up to a tenth of a call's time.
_idle: deque[Scratch] = deque()


Task = Callable[[Scratch], None]


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


def run(tasks: Sequence[Task], work: int) -> None:
    """Do all tasks; on several threads, and in any order, where that pays.

    The first exception of a task ends the others before their next task, and is raised.

    Args:
        tasks: independent of each other.
        work: floating point operations of all of them together.
    """
    allowed = get_threads()
    threads = min(allowed, len(tasks)) if work >= _WORTH_THREADS else 1
    if work < _WORTH_LIMITING:
        _drain(deque(tasks))
        return
    with _single_threaded_blas():
        _drain_together(deque(tasks), threads)


def _drain_together(pending: deque[Task], threads: int) -> None:
    if threads <= 1:
        _drain(pending)
        return
    with ThreadPoolExecutor(threads - 1, "convmm") as pool:
        others = [pool.submit(_drain, pending) for _ in range(threads - 1)]
        _drain(pending)
    for other in others:
        other.result()


def _drain(pending: deque[Task]) -> None:
    try:
        scratch = _idle.pop()
    except IndexError:
        scratch = Scratch()
    with np.errstate(over="ignore", invalid="ignore"):  # infinities and NaN are IEEE results, not accidents
        try:
            while pending:
                try:
                    task = pending.popleft()
                except IndexError:  # another thread took the last
                    return
                task(scratch)
        except BaseException:
            pending.clear()
            raise
        finally:
            _idle.append(scratch)


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
