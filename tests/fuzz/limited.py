"""A process in which readers read, with little time and memory for each text."""

from __future__ import annotations

import base64
import resource
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, Self

import psutil

from parity.cases import suites
from tests.fuzz.readers import read

SECONDS = 20
"""For a text: a hundred times what the longest takes by itself, since other tests keep the machine busy."""

MEMORY = 2**30
"""Bytes beyond what the imports take."""

_ROOT = Path(__file__).resolve().parents[2]


class Limited:
    """The process, which is started anew where a text has ended it; to be used in a ``with``."""

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            pipe.close()

    def read(self, name: str, data: bytes) -> str:
        """Return what is wrong with how a reader reads this; nothing where all is right."""
        self._process.stdin.write(f"{name} {base64.b64encode(data).decode()}\n")
        self._process.stdin.flush()
        answer: str = self._process.stdout.readline()
        if not answer:
            code = self._process.wait()
            self._start()
            return f"the process ended with {code}"
        return base64.b64decode(answer).decode()

    def _start(self) -> None:
        command = [sys.executable, "-m", "tests.fuzz.limited"]
        self._process: Any = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
        )


def _answer() -> None:
    """Read each line of standard input within the limits, and say in a line what went wrong."""
    signal.signal(signal.SIGALRM, _too_long)
    suites.MOST_COMBINATIONS = 20_000  # a suite that is asked for may take minutes
    used = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    for line in sys.stdin:
        name, _, data = line.strip().partition(" ")
        wrong = ""
        signal.alarm(SECONDS)
        try:
            read(name, base64.b64decode(data))
        except BaseException:  # noqa: BLE001 - whatever else it is, it is a fault
            wrong = traceback.format_exc()
        signal.alarm(0)
        print(base64.b64encode(wrong.encode(errors="replace")).decode(), flush=True)  # noqa: T201 - the answer


def _too_long(*_: object) -> None:
    raise TimeoutError(f"after {SECONDS} seconds")


if __name__ == "__main__":
    _answer()
