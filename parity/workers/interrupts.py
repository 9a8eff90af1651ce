"""Ctrl-C and SIGTERM, heeded where an exception does no harm."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Self


class _Asked:
    """Whether a signal has come that was not heeded yet."""

    now = False


class Interrupts:
    """For the length of a ``with``, raise KeyboardInterrupt for a signal at the next :func:`heed` only.

    Libraries lose an exception that comes out of any of their lines, in a finalizer or a callback of the
    garbage collector say, go on with half of what they were doing, or keep a lock for ever. A second signal
    is raised at once.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Take the signals over."""
        _Asked.now = False
        numbers = (signal.SIGINT, signal.SIGTERM)
        self._before = {number: signal.signal(number, self._interrupt) for number in numbers}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give them back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        _Asked.now = False

    @staticmethod
    def _interrupt(_number: int, _frame: FrameType | None) -> None:
        again, _Asked.now = _Asked.now, True
        if again:
            raise KeyboardInterrupt


def heed() -> None:
    """Raise KeyboardInterrupt if a signal has come; for code in which nothing is half done."""
    if _Asked.now:
        raise KeyboardInterrupt
