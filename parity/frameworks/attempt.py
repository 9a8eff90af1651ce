"""Calls into code that is not ours: what it returns, or what it raises, and what it warns of meanwhile."""

from __future__ import annotations

import re
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from threading import RLock
from typing import TypeVar

from parity.cases.printable import printable

_LONGEST_TEXT = 400
_LONGEST_READ = 2**16
"""Characters of a message that are looked at: to find 400 among them takes no time."""

_ALONE = RLock()
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

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
        except KeyboardInterrupt:  # maybe the user's, who wants all of this to end
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it raises is what is recorded
            found = error
    return found, tuple(dict.fromkeys(one_line(each.message) for each in caught))


def describe(error: BaseException) -> str:
    """Write an exception's class and message on one line."""
    name, short = str(type(error).__name__), one_line(error)
    return f"{name}: {short}" if short else name


def ending(code: int) -> str:
    """Name how a process ended, by its exit code, or less than 0 by the signal."""
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def one_line(message: object) -> str:
    """Write a message on one line, without colours and what else acts on a terminal, at no great length.

    What comes is text that any process can read and any file can have, whatever the message is: that of an
    exception of a user's own, which raises another when it is asked for its text, say.
    """
    text = printable(" ".join(_COLOURS.sub("", _text_of(message)).split()))
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + " …"


def _text_of(message: object) -> str:
    try:
        return "".join(str(message))[:_LONGEST_READ]  # joined: a class of texts of its own is not kept
    except BaseException as error:  # noqa: BLE001 - it is foreign code, as what raised it is
        return f"(no message: to ask for it raises {type(error).__name__})"
