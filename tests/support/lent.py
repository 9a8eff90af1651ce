"""What commands are given in the place of processes of their own, whose start takes most of a test's time."""

from __future__ import annotations

from typing import Any, Self

import pytest

from parity.frameworks.function import Implementation
from parity.frameworks.interface import Framework
from parity.frameworks.task import Task, Wait, here
from parity.workers.shared import shared
from parity.workers.workers import Workers

COMMANDS = ("check", "fuzz", "run", "sweep", "translate")


class Here(Workers):
    """Frameworks in this very process, where a faulty one can be put in a real one's place."""

    def __enter__(self) -> Self:
        return self

    def switches(self) -> list[dict[str, Any] | None]:
        return [None for _ in self._adapters]

    def submit(self, found: Framework, task: Task) -> Wait:
        return here(found, task)


class Lent(Here):
    """Frameworks in the processes that all tests of this process share, and functions in this one.

    A module of a user's functions needs a name that no other test has given to one.
    """

    def switches(self) -> list[dict[str, Any] | None]:
        for found in self._adapters:
            if isinstance(found, Implementation):
                found.load()
        return super().switches()

    def submit(self, found: Framework, task: Task) -> Wait:
        if isinstance(found, Implementation):
            return here(found, task)
        return shared().submit(found, task)


def lend(monkeypatch: pytest.MonkeyPatch, workers: type[Workers] = Lent) -> None:
    """Have all commands use these."""
    for command in COMMANDS:
        monkeypatch.setattr(f"parity.cli.{command}.Workers", workers)
