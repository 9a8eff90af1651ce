"""On which processors threads run: how many there are, and how a helping thread stays off the caller's.

A thread that wakes is put where it ran last. While another program's thread, or one of another library that
waits in a loop, has the other processor, that is often the caller's own, and there it waits for a whole slice
of time: two threads then take as long as one.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable


def _locating() -> Callable[[], int] | None:
    """Return the C library's function that says on which processor the calling thread is, if there is one."""
    with contextlib.suppress(OSError, TypeError, AttributeError):
        function: Callable[[], int] = ctypes.CDLL(None).sched_getcpu
        return function
    return None


_current = _locating() if hasattr(os, "sched_setaffinity") else None


def count() -> int:
    """Return the number of processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_off(thread: int) -> None:
    """Let a thread run wherever the calling one may, but for the processor that this one is on.

    It takes two microseconds. Where the system has no such thing, or refuses, nothing happens.

    Args:
        thread: its number in the system, ``threading.get_native_id()``.
    """
    if _current is None:
        return
    with contextlib.suppress(OSError):
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(thread, allowed - {_current()} or allowed)
