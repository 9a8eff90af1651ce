"""Ctrl-C, SIGTERM and SIGHUP, heeded where an exception does no harm."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What ends a command early; Windows has no SIGHUP."""


class Interrupted(KeyboardInterrupt):
    """A signal that ends a command.

    Args:
        number: the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class OutOfTimeError(Exception):
    """What was to end within some seconds did not; the message says what, and within how many."""


def interrupt(number: int, _frame: FrameType | None) -> None:
    """Handle a signal by raising it."""
    raise Interrupted(number)


def end_at_once(number: int, _frame: FrameType | None) -> None:
    """Handle a signal by ending the process, where nothing is to be put in order."""
    with suppress(OSError):
        os.write(2, b"parity: interrupted\n")
    os._exit(128 + number)


def handle_signals(handler: Callable[[int, FrameType | None], None]) -> dict[int, Any]:
    """Set the handler of each signal that is not ignored, as SIGHUP is under nohup; return those before."""
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in heard}


class _Asked:
    """The signal that has come and was not heeded yet; None where there is none."""

    by: int | None = None


class Interrupts:
    """For the length of a ``with``, raise a signal as :class:`Interrupted` at the next :func:`heed` only.

    Libraries lose an exception that comes out of any of their lines, in a finalizer or a callback of the
    garbage collector say, go on with half of what they were doing, or keep a lock for ever. A second signal
    is raised at once.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Take the signals over."""
        _Asked.by = None
        self._before = handle_signals(self._interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give them back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        _Asked.by = None

    @staticmethod
    def _interrupt(number: int, frame: FrameType | None) -> None:
        if _Asked.by is not None:
            interrupt(number, frame)
        _Asked.by = number


def heed() -> None:
    """Raise Interrupted if a signal has come; for code in which nothing is half done."""
    if _Asked.by is not None:
        raise Interrupted(_Asked.by)


@contextmanager
def time_limit(seconds: float, what: str) -> Iterator[None]:
    """For the length of a ``with`` in the main thread, raise OutOfTimeError when so many seconds have gone.

    It comes out of any line: only a command that ends with it uses this. Windows has no such timer.
    """
    if sys.platform == "win32":
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        raise OutOfTimeError(f"{what} was not done within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
