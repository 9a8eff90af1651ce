"""Frameworks' processes that all calls of a program share: started when first asked, ended with it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from multiprocessing import current_process
from multiprocessing.util import Finalize
from pathlib import Path
from threading import Lock
from typing import Any

from parity.frameworks.function import Implementation
from parity.frameworks.interface import Framework
from parity.frameworks.table import FrameworkError
from parity.frameworks.task import Task, Wait, here
from parity.workers.processes import disown
from parity.workers.workers import Workers

TIMEOUT = 120.0
"""Seconds that a layer may take, unless the caller says otherwise."""


class Shared:
    """A process of its own for each framework, started when the framework is first asked.

    A function that is given itself, and not by its name, runs in the calling process: no other can import it.
    So does all in a daemonic process, as those of ``multiprocessing.Pool`` are: it may start no other.
    Threads may share an object of this class, and so call :func:`parity.run` at the same time.

    Args:
        timeout: seconds that a layer may take.
    """

    def __init__(self, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._workers: dict[tuple[Framework, str], Workers] = {}
        self._parents: dict[tuple[Framework, str], Workers] = {}
        self._starting = Lock()
        self._ended = False

    def submit(self, framework: Framework, task: Task) -> Wait:
        """Hand a framework's process a task; what is returned waits for the answer.

        Raises:
            FrameworkError: a user's function cannot be imported, or the program is ending.
        """
        given_itself = isinstance(framework, Implementation) and not framework.is_importable
        if given_itself or current_process().daemon:
            return here(framework, task)
        key = _key(framework)
        with self._starting:
            workers = self._workers.get(key) or self._start(key)
        if framework.is_a_users:
            self._check(key, workers)
        return workers.submit(framework, task)

    def _start(self, key: tuple[Framework, str]) -> Workers:
        framework, _ = key
        if self._ended:
            raise FrameworkError(
                f"framework {framework.name!r}: the program is ending, and its processes have ended; "
                "isolated=False runs a case without them"
            )
        if not self._workers:  # before multiprocessing waits for its children, in a child of its own too
            Finalize(None, self._end, exitpriority=10)
        self._workers[key] = Workers([framework], timeout=self._timeout).__enter__()  # ended by `close`
        return self._workers[key]

    def _check(self, key: tuple[Framework, str], workers: Workers) -> None:
        """Wait until a user's function is imported; one that cannot be is started anew the next time."""
        try:
            workers.switches()
        except FrameworkError:
            with self._starting:
                failed = self._workers.pop(key) if self._workers.get(key) is workers else None
            if failed is not None:
                failed.close()
            raise

    def switches(self, framework: Framework) -> dict[str, Any] | None:
        """Return the switches under which a framework's process runs; None where it has no process."""
        workers = self._workers.get(_key(framework))
        return None if workers is None else workers.switches()[0]

    def close(self) -> None:
        """End all processes; the next task starts new ones."""
        with ExitStack() as stack:
            while self._workers:
                stack.callback(self._workers.popitem()[1].close)

    def _end(self) -> None:
        self._ended = True
        self.close()

    def forget(self) -> None:
        """Start anew without ending the processes: in a forked child they are the parent's."""
        disown()
        self._parents = self._workers  # kept, so that nothing of it is finalised here
        self._workers, self._starting = {}, Lock()


def _key(framework: Framework) -> tuple[Framework, str]:
    """Return what a process is kept under: a function is found by its name from the working folder on."""
    return framework, str(Path.cwd()) if framework.is_a_users else ""


_SHARED = Shared()


def shared() -> Shared:
    """Return the processes that all calls of this Python process share."""
    return _SHARED


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_SHARED.forget)
