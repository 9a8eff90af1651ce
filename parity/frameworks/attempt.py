"""Calls into code that is not ours: what it returns, or what it raises, and what it warns of meanwhile."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from threading import RLock
from typing import TypeVar

_LONGEST_TEXT = 400
_ALONE = RLock()
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;]*m")

T = TypeVar("T")


def attempt(compute: Callable[[], T]) -> tuple[T | BaseException, tuple[str, ...]]:
    """Run ``compute``; return what it returns or raises, and its warnings, each once.

    Standard output and the filters of warnings are the whole process's: one thread at a time changes them.
    """
    with _ALONE, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with redirect_stdout(sys.stderr):  # stdout is for results
                found: T | BaseException = compute()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises is what is recorded
            found = error
    return found, tuple(dict.fromkeys(_one_line(each.message) for each in caught))


def describe(error: BaseException) -> str:
    """Write an exception's class and message on one line."""
    short = _one_line(error)
    return f"{type(error).__name__}: {short}" if short else type(error).__name__


def _one_line(message: object) -> str:
    text = " ".join(_TERMINAL_CODES.sub("", str(message)).split())
    text = text.encode(errors="replace").decode()  # half of a character, which no file can have
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + " …"
