"""How a framework's processes are started, and how they end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import process as multiprocessing_process
from multiprocessing import spawn
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any

_ENDED_WELL = 256
"""In place of the exit code 0, which a process that was not told to end must not have."""

_PROCESS_NAME = "parity-worker"
_prepare = spawn.get_preparation_data


def _prepare_without_main(name: str) -> dict[str, Any]:
    """Return what a new process is to set up first, without the calling program's main module for workers.

    ``multiprocessing`` has every new process import the main module of the one that starts it: a script that
    calls this package at its top level would start itself again. Nothing that a worker does needs it.
    """
    data = _prepare(name)
    if name.startswith(_PROCESS_NAME):
        data.pop("init_main_from_name", None)
        data.pop("init_main_from_path", None)
    return data


spawn.get_preparation_data = _prepare_without_main


class _Process(SpawnProcess):
    """A process that is not to end by itself, not even well: the pool would wait for its answer for ever."""

    @property
    def exitcode(self) -> int | None:
        """As of every process, but never 0."""
        return super().exitcode or (None if super().exitcode is None else _ENDED_WELL)


class Context(SpawnContext):
    """Starts such processes, and remembers which."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[_Process] = []

    def Process(self, *arguments: Any, **options: Any) -> _Process:  # type: ignore[override] # noqa: N802, ANN401 - as a class there
        """Make a process of this context."""
        process = _Process(*arguments, **options)
        process.name = f"{_PROCESS_NAME}-{len(self.started)}"
        self.started.append(process)
        return process


def disown() -> None:
    """Have a forked child forget its parent's processes, which ``multiprocessing`` would end with it."""
    children: set[object] = multiprocessing_process._children  # type: ignore[attr-defined] # noqa: SLF001 - there is no other way
    children -= {each for each in children if isinstance(each, _Process)}


def ending(code: int) -> str:
    """Name how a process ended, by its exit code."""
    if code >= 0:
        return f"exit code {code % _ENDED_WELL}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


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
