"""Lines that somebody types, with history and completion, or that come from a pipe or a file."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs
from click.shell_completion import split_arg_string

from parity.cli.streams import say

Complete = Callable[[Sequence[str], str], list[tuple[str, str]]]
"""Returns what the last word may become behind others, each with its kind: "plain", or the head of a path."""

_PROMPT = "parity> "

_MOST_KEPT = 2_000
"""Lines of the history."""

_LONGEST = 2**17
"""Characters that a line has not: Linux lets no argument of a command have as many bytes."""

_BETWEEN_WORDS = " \t\n="

_QUOTES = ("'", '"')

_SPECIAL = re.compile(r"[\s'\"\\#]")
"""What means something to who splits a line into words."""


class Piped:
    """Lines of standard input, whoever writes them."""

    def __init__(self) -> None:
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="surrogateescape")  # as arguments of a process are read

    def read(self) -> str:
        """Return the next line.

        Raises:
            EOFError: there is none.
            ValueError: it is longer than any command, and was not read as a whole.
        """
        line = _beginning_of_line()
        if not line:
            raise EOFError
        if len(line) < _LONGEST:
            return line
        while line and not line.endswith("\n"):
            line = _beginning_of_line()
        raise ValueError(f"it has {_LONGEST} characters or more")


def _beginning_of_line() -> str:
    return "" if sys.stdin is None else sys.stdin.readline(_LONGEST)


class Typed:
    """Lines of a terminal, edited, completed and kept as readline does, where Python has it.

    Args:
        complete: says what a word may become.
    """

    def __init__(self, complete: Complete) -> None:
        self._complete = complete
        self._readline: Any = None
        self._history: Path | None = None
        with suppress(ImportError):  # Windows has none
            import readline  # noqa: PLC0415 - from a pipe nothing is edited

            self._readline = readline
            self._begin()

    def read(self) -> str:
        """Return the next line.

        Raises:
            EOFError: there is none.
        """
        line = input(_PROMPT)
        if self._history is not None and line.strip():
            with suppress(OSError):  # what cannot be kept is no reason to end
                self._readline.append_history_file(1, self._history)
        return line

    def _begin(self) -> None:
        readline = self._readline
        readline.set_completer_delims(_BETWEEN_WORDS)
        readline.set_completer(self._completed)
        is_libedit = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")
        readline.set_history_length(_MOST_KEPT)
        readline.clear_history()
        try:
            folder = platformdirs.user_state_path("convparity", appauthor=False, ensure_exists=True)
            history = folder / "history"
            history.touch(mode=0o600)
            readline.read_history_file(history)
        except OSError as error:
            say(f"no history is kept: {error.filename or 'its file'}: {error.strerror}", err=True)
        else:
            self._history = history if hasattr(readline, "append_history_file") else None

    def _completed(self, _text: str, number: int) -> str | None:
        """Return one of the words by its number, as readline asks for them; None behind the last."""
        line = self._readline.get_line_buffer()[: self._readline.get_endidx()]
        words = completed(line, self._complete)
        return words[number] if number < len(words) else None


def completed(line: str, complete: Complete) -> list[str]:
    """Return what may stand in the place of a line's end, behind its last blank or ``=``.

    A space ends what is whole; paths are quoted as the line has begun to, or by backslashes.
    """
    typed = _last_word(line)
    before = split_arg_string(line)
    last = before.pop() if typed else ""
    end = max(line.rfind(each) for each in _BETWEEN_WORDS) + 1
    found: list[str] = []
    for word, kind in complete(before, last):
        if kind != "plain":
            begun = typed[len(last) - len(word) :]
            stays = begun.removesuffix(line[end:])
            found += (path.removeprefix(stays) for path in _paths(word, begun[:1]) if path.startswith(stays))
        else:
            found.append(f"{word} " if word.startswith("-") or not before else word)
    return found


def _last_word(line: str) -> str:
    """Return the last word of a line as it is typed, quotes and all; none behind a blank."""
    start, quote, is_escaped = 0, "", False
    for place, letter in enumerate(line):
        if is_escaped:
            is_escaped = False
        elif letter == "\\" and quote != "'":
            is_escaped = True
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in _QUOTES:
            quote = letter
        elif letter.isspace():
            start = place + 1
    return line[start:]


def _paths(beginning: str, quote: str) -> list[str]:
    """Return the paths that begin so, quoted; a folder ends in a slash, and its quotation has no end yet."""
    before, slash, name = beginning.rpartition("/")
    with suppress(OSError, RuntimeError):  # it cannot be read, or ~ is of nobody
        folder = Path(before + slash or ".").expanduser()
        paths = sorted(each for each in folder.iterdir() if each.name.startswith(name))
        return [
            _quoted(f"{before}{slash}{each.name}", quote, "/" if each.is_dir() else " ") for each in paths
        ]
    return []


def _quoted(path: str, quote: str, end: str) -> str:
    """Write a path as a word in such quotes, or without any."""
    if quote not in _QUOTES:
        return _SPECIAL.sub(r"\\\g<0>", path) + end
    inside = path.replace("'", "'\\''") if quote == "'" else re.sub(r'["\\]', r"\\\g<0>", path)
    return f"{quote}{inside}{end}" if end == "/" else f"{quote}{inside}{quote}{end}"
