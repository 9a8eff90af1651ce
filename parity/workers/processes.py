"""How a framework's processes are started, and how they end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing import process as multiprocessing_process
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from parity.frameworks import attempt
from parity.frameworks.table import FrameworkError
from parity.workers.files import log_of, ready_of
from parity.workers.process import ENDED_WELL, NAME, Process
from parity.workers.worker import LONGEST_LOAD, read_log

_LONGEST_START = 60
"""Seconds until a process has begun to import its framework, and one more for each that begins with it."""

_A_LITTLE = 30
"""Seconds beyond which a process does not keep to its own limits, if it is stopped say; ready ones take what
they are asked at once."""


class ProcessError(FrameworkError):
    """A framework's process cannot be started, or kept: nothing was asked of it, and nothing is recorded."""


class Context(SpawnContext):
    """Starts such processes, and remembers which; what is left of them at the program's end is killed.

    A second signal may come while they are being ended, and ``multiprocessing`` waits for them for ever.

    Args:
        folder: where they leave what they write, and that they have begun.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.started: list[Process] = []
        Finalize(self, _kill, (self.started,), exitpriority=0)
        self._folder = folder
        self._reader: Connection | None = None

    def Pipe(self, duplex: bool = True) -> tuple[Any, Any]:  # noqa: FBT001, FBT002, N802 - as there
        """Make a pipe; from the last of them its pool reads what the processes send."""
        ends = super().Pipe(duplex)
        self._reader = ends[0]
        return ends

    def Process(self, *arguments: Any, **options: Any) -> Process:  # type: ignore[override] # noqa: N802, ANN401 - as a class there
        """Make a process of this context."""
        process = Process(*arguments, **options)
        process.name = f"{NAME}-{len(self.started)}"
        process.unread = partial(_has_more, self._reader)
        self.started.append(process)
        return process

    def patience(self) -> float:
        """Return the seconds for which nothing may come of a task, and no process be at one.

        A process that imports its framework keeps to a limit of its own; one that has not begun, or is
        ready and takes nothing, is stopped, or is no Python, or what it sent was cut off.
        """
        alive = [each.pid for each in self.started if each.is_alive()]
        ready = [ready_of(self._folder, pid).exists() for pid in alive]
        begun = [log_of(self._folder, pid).exists() for pid in alive]
        if any(has_begun and not is_ready for has_begun, is_ready in zip(begun, ready, strict=True)):
            return _A_LITTLE + LONGEST_LOAD
        return _A_LITTLE if alive and all(ready) else _LONGEST_START + len(alive)

    def kill(self) -> None:
        """End all processes that there are, stopped ones too."""
        _kill(self.started)

    def last_end(self) -> tuple[int, str] | None:
        """Return the exit code of the process that began last of those that have ended, and what it wrote."""
        for process in reversed(self.started):
            if process.exitcode is not None:
                return process.exitcode, read_log(log_of(self._folder, process.pid))
        return None


def _kill(processes: Sequence[Process]) -> None:
    for process in processes:
        if process.is_alive():
            process.kill()


def _has_more(reader: Connection | None) -> bool:
    """Return whether there is something to read; of what is closed nobody reads."""
    try:
        return reader is not None and reader.poll()
    except (OSError, ValueError):
        return False


def disown() -> None:
    """Have a forked child forget its parent's processes, which ``multiprocessing`` would end with it."""
    children: set[object] = multiprocessing_process._children  # type: ignore[attr-defined] # noqa: SLF001 - there is no other way
    children -= {each for each in children if isinstance(each, Process)}


def ending(code: int) -> str:
    """Name how a process ended, by the exit code that it has here, where 0 is another one."""
    return attempt.ending(code % ENDED_WELL if code >= 0 else code)


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Hold Ctrl-C and SIGHUP back, also from the threads and processes that are started meanwhile."""
    if os.name != "posix":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
