"""A program that is started once and asked again and again: a line of JSON each way."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import IO, Any

import psutil

from convmm.geometry import shown
from parity.frameworks.attempt import ending, one_line
from parity.frameworks.interface import EndedError, NoOutputError

_LONGEST_LINE = 2**20
"""Bytes of an answer: the arrays are in files."""

_MOST_KEPT = 2**14
"""Bytes of its log that are kept until they are looked at, the last ones."""

_SECONDS_TO_END = 5.0
"""In which a program whose output has ended is to end itself."""

RUN, MARK = "CONVPARITY_RUN", "programs"
"""The variable by which a program and all that it starts can be found, and the file that says there are some.

Where the process that asks it is killed, it dies too, on Linux, but none that it has started: what a run
leaves behind ends with the run's folder, in which the file is.
"""

_TURN = 0.1
"""Seconds for which an answer is waited for at a time."""

_KILL_WITH_PARENT = 1
"""PR_SET_PDEATHSIG, of Linux's prctl(2)."""


class Conversation:
    """A program, started; its standard error is read as its log, so that it never has to wait for a reader.

    Args:
        command: its words.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, RUN: str(_marked(tempfile.gettempdir()))},
            start_new_session=True,  # a group of its own, which ends as a whole
            preexec_fn=_dying_with_parent(),  # noqa: PLW1509 - nothing else runs in this process by then
        )
        self._answers: SimpleQueue[bytes] = SimpleQueue()
        self._log: deque[bytes] = deque()
        self._readers = (
            Thread(target=self._read_answers, args=(self._process.stdout,), daemon=True),
            Thread(target=self._read_log, args=(self._process.stderr,), daemon=True),
        )
        for reader in self._readers:
            reader.start()

    def ask(self, message: Mapping[str, Any], seconds: float | None = None) -> dict[str, Any]:
        """Write one line, and return the object of the line that answers it.

        Args:
            message: what to write.
            seconds: how long to wait for the answer; None for ever.

        Raises:
            EndedError: the program has ended, or closed its output.
            NoOutputError: the answer is none in time, or no JSON object.
        """
        assert self._process.stdin is not None  # noqa: S101 - tells the type checker
        with suppress(OSError):  # it has ended: there is no answer, and that says so
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        line = self._answer(inf if seconds is None else monotonic() + seconds)
        if line is None:
            raise NoOutputError(f"it did not answer within {seconds:g} s")
        if not line:
            raise EndedError(self._how_it_ended())
        return _object(line)

    def _answer(self, until: float) -> bytes | None:
        """Wait for a line: none where time is up, an empty one where the program has ended.

        Its end is looked for, too: children of it may hold its output open for as long as they like.
        """
        while monotonic() < until:
            has_ended = self._process.poll() is not None
            with suppress(Empty):
                return self._answers.get(timeout=min(_TURN, max(until - monotonic(), 0)))
            if has_ended:
                return b""
        return None

    def log(self) -> str:
        """Return the last of what it wrote to its standard error since this was asked before."""
        kept = b""
        while self._log:
            kept += self._log.popleft()
        return kept[-_MOST_KEPT:].decode(errors="replace")

    def close(self) -> None:
        """End it, whatever it does; one that waits for the next line is left to end by itself."""
        assert self._process.stdin is not None  # noqa: S101 - tells the type checker
        with suppress(OSError):  # what was not written yet
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_SECONDS_TO_END / 10)
        _end_group(self._process)
        self._process.wait()
        for reader, stream in zip(self._readers, (self._process.stdout, self._process.stderr), strict=True):
            reader.join(_SECONDS_TO_END)
            if stream is not None and not reader.is_alive():  # children of the program may have it open
                stream.close()

    def _read_answers(self, stream: IO[bytes]) -> None:
        with suppress(OSError, ValueError):  # it was closed
            while line := stream.readline(_LONGEST_LINE + 1):
                self._answers.put(line)
        self._answers.put(b"")

    def _read_log(self, stream: IO[bytes]) -> None:
        with suppress(OSError, ValueError):  # it was closed
            while chunk := stream.read1(_MOST_KEPT):  # type: ignore[attr-defined] # a BufferedReader has it
                self._log.append(chunk)
                while len(self._log) > 2:  # noqa: PLR2004 - the last whole one, and the one that is being filled
                    self._log.popleft()

    def _how_it_ended(self) -> str:
        try:
            return ending(self._process.wait(_SECONDS_TO_END))
        except subprocess.TimeoutExpired:
            return "closed output"


def _marked(folder: str) -> Path:
    """Say in a folder for temporary files that programs were started, where it is one of a run's own."""
    marked = Path(folder)
    if (marked.parent / "lock").exists():  # as of a run's
        (marked / MARK).touch()
    return marked


def end_programs(folder: Path) -> None:
    """End what programs have left behind that were started with this folder for temporary files."""
    if not (folder / MARK).exists():
        return
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(RUN) == str(folder) and process.pid != os.getpid():
                process.kill()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it has started, in its own group, whether or not it has ended itself."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _object(line: bytes) -> dict[str, Any]:
    """Read the JSON object of a line."""
    if len(line) > _LONGEST_LINE:
        raise NoOutputError(f"its answer is longer than {_LONGEST_LINE} bytes: allowed is one line of JSON")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        text = shown(one_line(line.decode(errors="replace")))
        raise NoOutputError(f"it answered {text}: allowed is a JSON object on one line")
    return found


def _dying_with_parent() -> Callable[[], None] | None:
    """Return what has Linux end the program with the process that asks it; None on other systems.

    There it ends when it next reads and its input is closed.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_KILL_WITH_PARENT, signal.SIGKILL)
