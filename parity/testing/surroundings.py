"""What an assertion runs in: this process, or what a test runner shares among its tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # pytest's plugin imports this in every run, whether or not it is used
    from parity.frameworks.adapter import Adapter
    from parity.frameworks.task import Task, Wait
    from parity.records.result import CaseResult


class Surroundings(Protocol):
    """Who computes what is asserted, and who wants to know what came of it."""

    @property
    def frameworks(self) -> Sequence[str] | None:
        """The names of those that are compared where none are named; None for all that are installed."""

    def submit(self, found: Adapter, task: Task) -> Wait:
        """Hand a framework a task."""

    def keep(self, result: CaseResult, adapters: Sequence[Adapter]) -> None:
        """Take note of a comparison, before it is judged."""


class Alone:
    """Without a test runner: everything in this process, and nothing is recorded."""

    frameworks: Sequence[str] | None = None

    def submit(self, found: Adapter, task: Task) -> Wait:
        """Perform the task here."""
        from parity.frameworks.task import here  # noqa: PLC0415 - as above

        return here(found, task)

    def keep(self, result: CaseResult, adapters: Sequence[Adapter]) -> None:
        """Nothing."""


_makers: list[Callable[[], Surroundings]] = [Alone]


def current() -> Surroundings:
    """Those of the innermost :func:`surrounded`, or none."""
    return _makers[-1]()


@contextmanager
def surrounded(make: Callable[[], Surroundings]) -> Iterator[None]:
    """Have assertions run in other surroundings meanwhile, which are made when the first of them asks."""
    _makers.append(make)
    try:
        yield
    finally:
        _makers.remove(make)
