"""A real terminal of any width: what a command writes on it, and that text without its styles."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping

_STYLES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\]8;[^\x1b]*\x1b\\")


def on_terminal(*arguments: str, columns: int, env: Mapping[str, str] | None = None) -> str:
    """Run ``parity`` on a terminal of so many columns, and return what it wrote."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    without = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"}
    kept = {name: value for name, value in os.environ.items() if name not in without}
    kept |= {"TERM": "xterm-256color", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "parity", *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=kept | dict(env or {})):
        os.close(theirs)
        written = b""
        while True:
            try:
                read = os.read(ours, 65536)
            except OSError:  # EIO: nobody has it open any more
                break
            if not read:
                break
            written += read
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


def plain(written: str) -> str:
    """Return a text without styles and links."""
    return _STYLES.sub("", written)
