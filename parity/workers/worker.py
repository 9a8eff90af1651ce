"""What runs in a framework's own process."""

from __future__ import annotations

import faulthandler
import os
import pickle
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from parity.frameworks.attempt import describe
from parity.frameworks.interface import Framework
from parity.frameworks.task import Answer, Task, perform

_LONGEST_LOAD = 300
"""Seconds that the import of a framework may take before its process gives up."""

_LONGEST_LOG = 2**20
_LONGEST_TEXT = 2000


class Worker:
    """A framework in this process, which is its own.

    Args:
        framework: whose process this is to be, pickled: what its module prints when it is imported is kept.
        threads: that it may compute with.
        folder: where what is written to standard output and error is kept, in a file named by the process.
    """

    def __init__(self, framework: bytes, threads: int, folder: Path) -> None:
        self._log = log_of(folder, os.getpid())
        _keep_output(self._log)
        _end_with_parent()
        _be_the_first_to_go()
        self._found: Framework
        self.switches: dict[str, Any] | BaseException = self._load(framework, threads)

    def _load(self, framework: bytes, threads: int) -> dict[str, Any] | BaseException:
        faulthandler.dump_traceback_later(_LONGEST_LOAD, exit=True)
        try:
            self._found = pickle.loads(framework)  # noqa: S301 - by the process that started this one
            self._found.load()
            return _checked(self._found.pin(threads))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, each task's answer says it
            return error
        finally:
            faulthandler.cancel_dump_traceback_later()

    def perform(self, task: Task) -> Answer:
        """Perform a task, and keep what was printed meanwhile."""
        if isinstance(self.switches, BaseException):
            return Answer("rejected", error=describe(self.switches))
        before = self._log.stat().st_size
        answer = perform(self._found, task)
        _flush()
        if self._log.stat().st_size == before:
            return answer
        printed = read_log(self._log, before)
        if before > _LONGEST_LOG:
            os.truncate(self._log, 0)
        return replace(answer, printed=printed)


def _checked(switches: object) -> dict[str, Any]:
    if not isinstance(switches, dict):
        raise TypeError(f"pin returned {switches!r}: allowed is a dict of switches by name")
    return switches


def log_of(folder: Path, process: int | None) -> Path:
    """Name the file of what a process wrote."""
    return folder / f"{process}.log"


def read_log(path: Path, start: int = 0) -> str:
    """Read the last of what a file has from a place on."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(start, end - _LONGEST_TEXT))
        return file.read().decode(errors="replace").strip()


_worker: Worker


def start(framework: bytes, threads: int, folder: Path) -> None:
    """Make this process the framework's."""
    global _worker  # noqa: PLW0603 - one process, one framework
    _worker = Worker(framework, threads, folder)


def perform_here(tasks: Sequence[Task]) -> tuple[list[Answer], float]:
    """Perform tasks in this process, one after another, and take the seconds."""
    began = time.perf_counter()
    return [_worker.perform(task) for task in tasks], time.perf_counter() - began


def switches_here() -> dict[str, Any] | BaseException:
    """Return the switches of this process's framework, or why it cannot be loaded."""
    return _worker.switches


def _keep_output(path: Path) -> None:
    """Have all output of this process, C and C++ included, appended to a file; and a crash's last words."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    _flush()
    os.dup2(file, 1)
    os.dup2(file, 2)
    faulthandler.enable(file, all_threads=False)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # foreign code may have closed it
            stream.flush()


def _end_with_parent() -> None:
    """End this process when the one that started it has ended, whatever it is busy with."""
    parent = psutil.Process(os.getppid())

    def watch() -> None:
        while os.getppid() == parent.pid and parent.is_running():  # Windows gives no process another parent
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _be_the_first_to_go() -> None:
    """Ask Linux to end this process, not the one that keeps the records, where memory runs out."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
