"""Ctrl-C and SIGTERM, heeded where an exception does no harm."""

from __future__ import annotations

import signal
from functools import partial
from types import FrameType, TracebackType
from typing import Any, Self

from parity.adapters import Adapter
from parity.task import Answer, Submit, Task, Wait


class Interrupts:
    """For the length of a ``with``, raise KeyboardInterrupt while an answer is waited for, and nowhere else.

    Libraries lose an exception that comes out of any of their lines, in a finalizer or a callback of the
    garbage collector say, or go on with half of what they were doing. A second signal is raised at once.
    """

    def __init__(self) -> None:
        self._asked = self._waiting = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Take the signals over."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        self._before = {number: signal.signal(number, self._interrupt) for number in numbers}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give them back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def heeded(self, submit: Submit) -> Submit:
        """What hands a task to a framework, and can be interrupted while it waits for the answer."""

        def heeding(found: Adapter, task: Task) -> Wait:
            return partial(self._wait, submit(found, task))

        return heeding

    def _wait(self, wait: Wait) -> Answer:
        self._waiting = True
        try:
            if self._asked:
                raise KeyboardInterrupt
            return wait()
        finally:
            self._waiting = False

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        again, self._asked = self._asked, True
        if again or self._waiting:
            raise KeyboardInterrupt
