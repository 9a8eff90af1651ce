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
    """

    def __init__(self) -> None:
        self._workers: dict[tuple[Framework, str], Workers] = {}
        self._stack = ExitStack()
        self._starting = Lock()
        self._parents: ExitStack | None = None
        self._ended = False

    def submit(self, framework: Framework, task: Task) -> Wait:
        """Hand a framework's process a task; what is returned waits for the answer.

        Raises:
            FrameworkError: a user's function cannot be imported, or the program is ending.
        """
        given_itself = isinstance(framework, Implementation) and not isinstance(framework.function, str)
        if given_itself or current_process().daemon:
            return here(framework, task)
        with self._starting:
            return self._of(framework).submit(framework, task)

    def _of(self, framework: Framework) -> Workers:
        key = _key(framework)
        if key not in self._workers:
            if self._ended:
                raise FrameworkError(
                    f"framework {framework.name!r}: the program is ending, and its processes have ended; "
                    "isolated=False runs a case without them"
                )
            if not self._workers:  # before multiprocessing waits for its children, in a child of its own too
                Finalize(None, self._end, exitpriority=10)
            with ExitStack() as stack:
                workers = stack.enter_context(Workers([framework], timeout=TIMEOUT))
                if isinstance(framework, Implementation):
                    workers.switches()
                self._stack.push(stack.pop_all())
            self._workers[key] = workers
        return self._workers[key]

    def switches(self, framework: Framework) -> dict[str, Any] | None:
        """Return the switches under which a framework's process runs; None where it has no process."""
        workers = self._workers.get(_key(framework))
        return None if workers is None else workers.switches()[0]

    def close(self) -> None:
        """End all processes; the next task starts new ones."""
        self._workers.clear()
        self._stack.close()

    def _end(self) -> None:
        self._ended = True
        self.close()

    def forget(self) -> None:
        """Start anew without ending the processes: in a forked child they are the parent's."""
        disown()
        self._parents = self._stack  # kept, so that nothing of it is finalised here
        self._workers, self._stack, self._starting = {}, ExitStack(), Lock()


def _key(framework: Framework) -> tuple[Framework, str]:
    """Return what a process is kept under: a function is found by its name from the working folder on."""
    return framework, str(Path.cwd()) if isinstance(framework, Implementation) else ""


_SHARED = Shared()


def shared() -> Shared:
    """Return the processes that all calls of this Python process share."""
    return _SHARED


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_SHARED.forget)
