"""Frameworks' processes that all tests of a run share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from parity.frameworks.adapter import Adapter
from parity.frameworks.function import Implementation
from parity.frameworks.task import Task, Wait, here
from parity.records.reader import Record
from parity.records.result import CaseResult
from parity.sweep import about
from parity.workers.workers import Workers

_TIMEOUT = 120
"""Seconds that a layer may take, as on the command line."""

Keep = Callable[[CaseResult, list[Record]], None]
"""Takes a comparison, and of each framework in it what :func:`parity.sweep.about` says."""


class Shared:
    """What a run's assertions run in: each framework in a process of its own, started when it is first asked.

    A function runs in this process: it is a test's own, and no other process can import it.

    Args:
        frameworks: names of those that are compared where none are named; None for all that are installed.
        keep: takes what is compared, if anyone does.
    """

    def __init__(self, frameworks: Sequence[str] | None, keep: Keep | None = None) -> None:
        self.frameworks = frameworks
        self._keep = keep
        self._workers: dict[Adapter, Workers] = {}
        self._stack = ExitStack()

    def submit(self, found: Adapter, task: Task) -> Wait:
        """Hand a framework's process a task."""
        if isinstance(found, Implementation):
            return here(found, task)
        if found not in self._workers:
            self._workers[found] = self._stack.enter_context(Workers([found], timeout=_TIMEOUT))
        return self._workers[found].submit(found, task)

    def keep(self, result: CaseResult, adapters: Sequence[Adapter]) -> None:
        """Hand a comparison on."""
        if self._keep is not None:
            self._keep(result, [about(found, self._switches(found)) for found in adapters])

    def _switches(self, found: Adapter) -> dict[str, Any] | None:
        """Those under which a framework's process runs; None where it has none."""
        return self._workers[found].switches()[0] if found in self._workers else None

    def close(self) -> None:
        """End all processes."""
        self._stack.close()
