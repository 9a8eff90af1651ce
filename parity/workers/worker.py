"""What runs in a framework's own process."""

from __future__ import annotations

import faulthandler
import json
import os
import pickle
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from parity.frameworks.attempt import describe, one_line
from parity.frameworks.interface import Framework
from parity.frameworks.kept import Kept
from parity.frameworks.table import FrameworkError
from parity.frameworks.task import Answer, Task
from parity.workers.collection import imports
from parity.workers.files import log_of, ready_of, temporary_of, worn_of

LONGEST_LOAD = 300
"""Seconds that the import of a framework may take before its process gives up."""

_LONGEST_LOG = 2**20
_LONGEST_TEXT = 2000


@dataclass(frozen=True)
class Setting:
    """What a process is to be: plain data, but for the framework.

    Attributes:
        framework: whose process it is to be, pickled: what its module prints when it is imported is kept.
        threads: that it may compute with.
        folder: where what is written to standard output and error is kept, in a file named by the process.
        environment: variables to set before it is loaded; an empty one is removed.
        most_tasks: that it performs before a new one takes its place.
        most_growth: bytes by which it may grow, likewise.
    """

    framework: bytes
    threads: int
    folder: Path
    environment: Mapping[str, str]
    most_tasks: int
    most_growth: int


@dataclass(frozen=True)
class Loaded:
    """What came of a framework's import.

    Attributes:
        switches: those that were set, by name; None where it failed.
        error: class and message of what the import raised.
        message: of the error, where it is one that a user made, in the name of a function say.
    """

    switches: dict[str, Any] | None = None
    error: str | None = None
    message: str | None = None


class Worker:
    """A framework in this process, which is its own.

    Raises:
        OSError: what it writes cannot be kept.
    """

    def __init__(self, setting: Setting) -> None:
        self._log = _keep_output(log_of(setting.folder, os.getpid()))
        _be_the_first_to_go()
        _set(setting.environment)
        _keep_temporary_files(temporary_of(setting.folder))
        self._found: Framework
        self.loaded = self._load(setting)
        self._setting, self._tasks, self._size = setting, 0, _size()
        self._kept = Kept()
        with suppress(OSError):
            ready_of(setting.folder, os.getpid()).touch()

    def _load(self, setting: Setting) -> Loaded:
        faulthandler.dump_traceback_later(LONGEST_LOAD, exit=True)
        try:
            with imports():
                self._found = pickle.loads(setting.framework)  # noqa: S301 - by the process that started this one
                self._found.load()
            return Loaded(_checked(self._found.pin(setting.threads)))
        except BaseException as error:  # noqa: BLE001 - whatever it is, each task's answer says it
            said = self._printed_from(0)
            printed = f"; it printed: {one_line(said)}" if said else ""
            message = one_line(error) + printed if isinstance(error, FrameworkError) else None
            return Loaded(error=describe(error) + printed, message=message)
        finally:
            faulthandler.cancel_dump_traceback_later()

    def end_if_worn(self, tasks: Sequence[Task]) -> None:
        """End this process if a new one is to perform these."""
        before, self._tasks = self._tasks, self._tasks + len(tasks)
        grown = _size() - self._size - sum(task.nbytes for task in tasks)
        if before and (self._tasks > self._setting.most_tasks or grown > self._setting.most_growth):
            with suppress(OSError):  # without a sign the end would be a crash
                worn_of(self._setting.folder, os.getpid()).touch()
                os._exit(0)

    def perform(self, task: Task) -> Answer:
        """Perform a task, and keep what was printed meanwhile."""
        if self.loaded.error is not None:
            return Answer("rejected", error=self.loaded.error)
        before = self._length()
        try:
            answer = self._kept.perform(self._found, task)
        except KeyboardInterrupt as error:  # the framework's own: no signal is heeded here
            answer = Answer("rejected", error=describe(error))
        printed = self._printed_from(before)
        if not printed:
            return answer
        self._kept.forget(self._found, task)  # a new one prints it each time
        return replace(answer, printed=printed)

    def _length(self) -> int:
        with suppress(OSError):  # foreign code may have closed the file
            return os.fstat(self._log).st_size
        return 0

    def _printed_from(self, start: int) -> str:
        """Return the last of what was written since the log had this length."""
        _flush()
        end = self._length()
        if end <= start:
            return ""
        with suppress(OSError):
            found = os.pread(self._log, _LONGEST_TEXT, max(start, end - _LONGEST_TEXT))
            if start > _LONGEST_LOG:
                os.ftruncate(self._log, 0)
            return _text(found)
        return ""


def _size() -> int:
    """Return the bytes of memory that this process has."""
    return int(psutil.Process().memory_info().rss)


def _checked(switches: object) -> dict[str, Any]:
    """Return the switches as any process can read them."""
    if not isinstance(switches, dict):
        raise TypeError(f"pin returned {switches!r}: allowed is a dict of switches by name")
    found: dict[str, Any] = json.loads(json.dumps(switches, default=one_line))
    return found


def read_log(path: Path) -> str:
    """Read the last of what a process wrote: nothing where it did not begin, or the file has gone."""
    with suppress(OSError), path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _LONGEST_TEXT))
        return _text(file.read())
    return ""


def _text(written: bytes) -> str:
    return written.decode(errors="replace").strip()


_worker: Worker | str
"""This process's framework, or why it has none."""


def start(setting: Setting) -> None:
    """Make this process the framework's."""
    global _worker  # noqa: PLW0603 - one process, one framework
    try:
        _worker = Worker(setting)
    except OSError as error:
        _worker = f"{error.filename or 'what it writes'} cannot be written: {error.strerror}"


def perform_here(tasks: Sequence[Task]) -> tuple[list[Answer], float] | str:
    """Perform tasks in this process, one after another, and take the seconds; or say why it cannot."""
    if isinstance(_worker, str):
        return _worker
    _worker.end_if_worn(tasks)
    began = time.perf_counter()
    try:
        return [_worker.perform(task) for task in tasks], time.perf_counter() - began
    except BaseException:  # noqa: BLE001 - a mistake of ours: as a text, it can be read in any process
        raise RuntimeError(traceback.format_exc()) from None


def loaded_here() -> Loaded:
    """Return the switches of this process's framework, or why it cannot be loaded."""
    return Loaded(error=_worker) if isinstance(_worker, str) else _worker.loaded


def _keep_output(path: Path) -> int:
    """Have all output of this process, C and C++ included, appended to a file; and a crash's last words."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    _flush()
    os.dup2(file, 1)
    os.dup2(file, 2)
    faulthandler.enable(file, all_threads=False)
    return file


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # foreign code may have closed it, or put another in its place
            stream.flush()


def _set(environment: Mapping[str, str]) -> None:
    """Set variables for this process, C and C++ included; none has a framework read yet."""
    for name, value in environment.items():
        if value:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)


def _keep_temporary_files(folder: Path) -> None:
    """Have all that this process and its children write for a while go with the other files of the run.

    A process that is killed removes nothing.
    """
    folder.mkdir(exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


def _be_the_first_to_go() -> None:
    """Ask Linux to end this process, not the one that keeps the records, where memory runs out."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
