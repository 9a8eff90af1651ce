"""Standard output and standard error: there in any case, and what may be written to them in any encoding."""

from __future__ import annotations

import codecs
import io
import os
import sys
from contextlib import suppress
from typing import TextIO

from parity.cases.printable import printable
from parity.workers.descriptors import open_standard_descriptors

_READABLE = "parity-readable"
"""The name of the handler of what an encoding has no character for."""

_IN_ASCII = {
    "…": "...",
    "·": ".",
    "→": "->",
    "←": "<-",
    "×": "x",
    "−": "-",
    "–": "-",
    "—": "-",
    "≤": "<=",
    "≥": ">=",
    "±": "+-",
}
"""What this project writes, in plain characters."""


def open_streams() -> None:
    """Open what was closed when the process started, to nowhere, and have standard error never fail.

    Beside a verdict, a remark that cannot be written is no reason to end.
    """
    open_standard_descriptors()
    if sys.stdout is None:
        sys.stdout = _text(io.FileIO(1, "w", closefd=False))
    if sys.stderr is None or _is_its_own(sys.stderr):
        sys.stderr = _text(_Remarks(2, "w", closefd=False), errors="backslashreplace")


def drop(number: int) -> None:
    """Let what a stream still has in its buffer go nowhere: flushing it at exit would fail again."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)


class _Remarks(io.FileIO):
    """Standard error that takes everything: what cannot be written is dropped, and all that follows."""

    def write(self, data: object) -> int:
        """Write bytes, or drop them."""
        try:
            return super().write(data)  # type: ignore[arg-type] # typeshed has no public name for its type
        except OSError:
            drop(self.fileno())
            return len(memoryview(data))  # type: ignore[arg-type] # likewise


def _is_its_own(stream: object) -> bool:
    """Return whether a stream is Python's own of standard error, and none that somebody put in its place."""
    return stream is sys.__stderr__ and os.name == "posix"


def _text(raw: io.FileIO, errors: str = "strict") -> io.TextIOWrapper:
    encoding = getattr(sys.__stderr__ or sys.__stdout__, "encoding", None) or "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding=encoding, errors=errors, line_buffering=True)


def make_readable() -> None:
    """Let no character fail to be written: one that the encoding has not is written in plain ones.

    How errors are handled where a user has said so, by PYTHONIOENCODING, stays.
    """
    codecs.register_error(_READABLE, _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        errors = getattr(stream, "errors", None)
        if errors in {"strict", "surrogateescape", "backslashreplace"} and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_READABLE)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    failed = error.object[error.start : error.end]
    return "".join(_IN_ASCII.get(each) or ascii(each)[1:-1] for each in failed), error.end


def fitted(text: str, stream: TextIO) -> str:
    """Return the text as it will look in a stream: its places count where it is laid out beforehand."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode(encoding, _READABLE).decode(encoding)
    return text


def say(text: str = "", *, err: bool = False, end: str = "\n") -> None:
    """Print lines on standard output or standard error, of which nothing acts on a terminal.

    click.echo would write UTF-8 where the encoding is ASCII.
    """
    print(printable(text), file=sys.stderr if err else sys.stdout, end=end, flush=True)
