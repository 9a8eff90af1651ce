"""A real terminal of any width: what a command writes on it, and that text without its styles."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

import psutil

_STYLES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\]8;[^\x1b]*\x1b\\")


def _environment(env: Mapping[str, str] | None) -> dict[str, str]:
    without = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"}
    kept = {name: value for name, value in os.environ.items() if name not in without}
    kept |= {"TERM": "xterm-256color", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return kept | dict(env or {})


def on_terminal(*arguments: str, columns: int, env: Mapping[str, str] | None = None) -> str:
    """Run ``parity`` on a terminal of so many columns, and return what it wrote."""
    ours, theirs = _opened(columns)
    command = [sys.executable, "-m", "parity", *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=_environment(env)):
        os.close(theirs)
        written = b""
        while read := _read(ours):
            written += read
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


def _opened(columns: int) -> tuple[int, int]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    return ours, theirs


def _read(ours: int) -> bytes:
    """Return what is written next; nothing where nobody has the terminal open any more."""
    try:
        return os.read(ours, 65536)
    except OSError:  # EIO
        return b""


class Terminal:
    """``parity`` on a terminal of its own, which is the one that signals come from; to be used in a ``with``.

    Args:
        arguments: its arguments.
        env: variables beside those that there are.
    """

    def __init__(self, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self._ours, theirs = _opened(200)
        self._running = subprocess.Popen(
            [sys.executable, "-c", _LEADS, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=_environment(env),
            start_new_session=True,
        )
        os.close(theirs)
        self.process = psutil.Process(self._running.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End it, however it is."""
        with suppress(OSError):
            os.close(self._ours)
        self._running.kill()
        self._running.wait()

    def type(self, keys: str) -> None:
        """Type these keys."""
        os.write(self._ours, keys.encode())

    def until(self, shown: str) -> str:
        """Return what is written up to this text, without styles; what was echoed, too."""
        written = ""
        last = time.monotonic() + _LONGEST
        while shown not in plain(written):
            ready, _, _ = select.select([self._ours], [], [], max(last - time.monotonic(), 0))
            read = _read(self._ours) if ready else b""
            assert read, f"no {shown!r} in {written!r}"
            written += read.decode(errors="replace")
        return plain(written)

    def hang_up(self) -> None:
        """Close the terminal, as a window is closed, or a connection lost."""
        os.close(self._ours)

    def ended(self) -> int:
        """Wait for its end, and return the exit code."""
        return self._running.wait(_LONGEST)


_LONGEST = 120
"""Seconds for which anything is waited for."""

_LEADS = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from parity.__main__ import main
main()
"""
"""Runs ``parity`` as the first process of a session, whose terminal this is."""


def plain(written: str) -> str:
    """Return a text without styles and links."""
    return _STYLES.sub("", written)
