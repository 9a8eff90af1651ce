"""One process of a framework: how it begins, without its parent's main module, and ends, with its parent.

This is the first that a new process reads, before NumPy and all else that takes its time.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from multiprocessing import spawn
from multiprocessing.context import SpawnProcess
from typing import Any

NAME = "parity-worker"
"""What the name of each such process begins with."""

ENDED_WELL = 256
"""In place of the exit code 0, which a process that was not told to end must not have."""

_prepare = spawn.get_preparation_data


def _prepare_without_main(name: str) -> dict[str, Any]:
    """Return what a new process is to set up first, without the calling program's main module for workers.

    ``multiprocessing`` has every new process import the main module of the one that starts it: a script that
    calls this package at its top level would start itself again. Nothing that a worker does needs it.
    """
    data = _prepare(name)
    if name.startswith(NAME):
        data.pop("init_main_from_name", None)
        data.pop("init_main_from_path", None)
    return data


spawn.get_preparation_data = _prepare_without_main


_LOOKS = 3
"""At a process that has ended, with nothing left to read, until the pool is told; it looks each 0.1 s."""


class Process(SpawnProcess):
    """A process that is not to end by itself, not even well: the pool would wait for its answer for ever.

    The pool reads in one thread what processes send, and looks in another which have ended. Where it knows of
    an end before it has read what the process took up last, it takes the end for another task's, or waits for
    one that nobody is at. So the end is told when everything is read.
    """

    unread: Callable[[], bool] | None = None
    """Says whether there is something to read of what processes have sent."""

    _looks = _LOOKS

    def is_alive(self) -> bool:
        """Return whether it runs, or has sent what was not read yet."""
        if self.pid is None:  # it could not be started
            return False
        if super().is_alive():
            return True
        if self.unread is None or not self.unread():
            self._looks -= 1
        return self._looks > 0

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, behind which nobody asks for what it has sent."""
        self.unread, self._looks = None, 0
        super().join(timeout)

    @property
    def exitcode(self) -> int | None:
        """As of every process, but never 0."""
        return super().exitcode or (None if super().exitcode is None else ENDED_WELL)

    def __reduce__(self) -> tuple[Any, ...]:
        """Have the new process watch its parent before it reads what it is to do."""
        own = {name: value for name, value in self.__dict__.items() if name not in {"unread", "_looks"}}
        return _begin, (os.getpid(),), own


def _begin(parent: int) -> Process:
    """End this process when the one that started it has ended, whatever it is busy with."""
    has_ended = _watched(parent)

    def watch() -> None:
        while not has_ended():
            time.sleep(1)
        os._exit(1)

    if has_ended():
        os._exit(1)
    threading.Thread(target=watch, daemon=True).start()
    return Process.__new__(Process)


def _watched(parent: int) -> Any:  # noqa: ANN401 - says whether it has ended
    if os.name == "posix":  # it gives the child of one that has ended another parent
        return lambda: os.getppid() != parent
    import psutil  # noqa: PLC0415 - only there

    return lambda: not psutil.pid_exists(parent)
