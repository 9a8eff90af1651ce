"""Layers handed to their frameworks as far as memory goes: those that do not fit at once take turns."""

from __future__ import annotations

import functools

from parity.cases.arrays import Array, Arrays
from parity.cases.available import available
from parity.cases.memory import ALWAYS_THERE
from parity.frameworks.interface import Framework
from parity.frameworks.memory import bytes_taken, why_too_large
from parity.frameworks.spelling import Spelling
from parity.frameworks.task import Answer, Submit, Task, Wait


class _Once:
    """Waits for an answer, and has it then."""

    def __init__(self, wait: Wait) -> None:
        self._wait = wait
        self._answer: Answer | None = None

    def __call__(self) -> Answer:
        if self._answer is None:
            self._answer = self._wait()
        return self._answer


class Turns:
    """One case's layers, and the memory that is free beside what the case itself takes.

    Args:
        submit: hands a framework its task.
        needed: bytes that the case itself takes.
    """

    def __init__(self, submit: Submit, needed: int) -> None:
        self._submit, self._needed = submit, needed
        self._taken = 0
        self._waits: list[Wait] = []
        self._each: dict[tuple[str, int, bool], int] = {}

    @functools.cached_property
    def _room(self) -> int:
        return max(available() - self._needed, 0)

    def taken(self, found: Framework, spelling: Spelling, *, grad: bool) -> int:
        """Return the bytes that a layer takes, one that is there as long as the case's others."""
        key = found.name, id(spelling), grad
        if key not in self._each:
            self._each[key] = bytes_taken(found, spelling, grad=grad)
        return self._each[key]

    def why_not(self, found: Framework, spelling: Spelling, *, grad: bool = False) -> str | None:
        """Say that a layer needs more memory than there is, if so."""
        taken = self.taken(found, spelling, grad=grad)
        if taken <= ALWAYS_THERE or taken <= self._room:  # to look takes longer than to run as small a layer
            return None
        return why_too_large(spelling, taken, self._room)

    def ask(
        self,
        found: Framework,
        spelling: Spelling,
        arrays: Arrays,
        dy: Array | None = None,
        *,
        fresh: bool = False,
    ) -> Wait:
        """Hand a layer over, once there is memory for it beside those that have not answered."""
        taken = self.taken(found, spelling, grad=dy is not None)
        if self._taken + taken > ALWAYS_THERE and self._taken + taken > self._room:
            for wait in self._waits:
                wait()
            self._waits, self._taken = [], 0
        wait = _Once(self._submit(found, Task.of(spelling, arrays, dy, fresh=fresh)))
        self._waits.append(wait)
        self._taken += taken
        return wait
