"""Lines that somebody types, with history and completion, or that come from a pipe or a file."""

from __future__ import annotations

import io
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

_BETWEEN_WORDS = " \t\n="


class Piped:
    """Lines of standard input, whoever writes them."""

    def __init__(self) -> None:
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="surrogateescape")  # as arguments of a process are read

    def read(self) -> str:
        """Return the next line.

        Raises:
            EOFError: there is none.
        """
        line = "" if sys.stdin is None else sys.stdin.readline()
        if not line:
            raise EOFError
        return line


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
    """Return what the last word of a line may become, behind its last ``=``; a space ends what is whole."""
    before = split_arg_string(line)
    last = "" if not line or line[-1].isspace() else before.pop()
    found: list[str] = []
    for word, kind in complete(before, last):
        if kind != "plain":
            found += _paths(word)
        else:
            found.append(f"{word} " if word.startswith("-") or not before else word)
    return found


def _paths(beginning: str) -> list[str]:
    """Return the paths that begin so; a folder ends in a slash."""
    before, slash, name = beginning.rpartition("/")
    folder = Path(before + slash or ".").expanduser()
    with suppress(OSError):
        paths = sorted(each for each in folder.iterdir() if each.name.startswith(name))
        return [f"{before}{slash}{each.name}{'/' if each.is_dir() else ' '}" for each in paths]
    return []
