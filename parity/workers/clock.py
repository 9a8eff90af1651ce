"""Time as this process lives it."""

from __future__ import annotations

from threading import Lock
from time import monotonic

_LONGEST_GAP = 1.0
"""Seconds that may lie between two readings of a process that runs; what is beyond is not counted."""


class Clock:
    """Counts the seconds in which this process, and those that it started, could do something.

    While they are stopped (Ctrl-Z, SIGSTOP), or the machine sleeps, nothing that they are at takes time. It
    goes on by being read, several times a second.
    """

    def __init__(self) -> None:
        self._read, self._lived = monotonic(), 0.0
        self._lock = Lock()

    def __call__(self) -> float:
        """Return the seconds that were lived since it began."""
        with self._lock:
            now = monotonic()
            self._lived += min(now - self._read, _LONGEST_GAP)
            self._read = now
            return self._lived
