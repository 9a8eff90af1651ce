"""A Dask scheduler and its workers on this machine, as processes, and commands that ask them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

Json = dict[str, Any]
Process = subprocess.Popen[bytes]

_PATIENCE = 60
"""Seconds in which whatever is waited for is there, on a machine with other work, too."""


def until(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.05)


class Cluster:
    """A scheduler, started at once, and workers, as they are added; all work in a folder.

    Args:
        folder: where they work, and leave what they say.
        environment: variables of the scheduler.
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self._folder = folder
        self.processes: list[Process] = []
        file = folder / f"scheduler-{time.monotonic_ns()}.json"
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        self.scheduler = self._start("scheduler", options, environment)
        until(lambda: file.exists() and file.read_text().endswith("}"))
        self.address: str = json.loads(file.read_text())["address"]

    def add(self, count: int = 1, *, nanny: bool = False, **environment: str) -> list[Process]:
        """Start workers of one thread, and wait until they are there; a nanny starts a dead one again."""
        log = self._log("worker")
        before = self._registered(log)
        options = [self.address, "--nthreads", "1", "--no-dashboard", "--nanny" if nanny else "--no-nanny"]
        options += ["--local-directory", str(self._folder / "dask")]
        workers = [self._start("worker", options, environment) for _ in range(count)]
        until(lambda: self._registered(log) - before >= count)
        return workers

    def _start(self, what: str, options: Sequence[str], environment: dict[str, str]) -> Process:
        with self._log(what).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{what}", *options],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=own_environment(**environment),
            )
        self.processes.append(process)
        return process

    def _log(self, what: str) -> Path:
        return self._folder / f"{what}.log"

    def _registered(self, log: Path) -> int:
        return log.read_text(errors="replace").count("Registered to") if log.exists() else 0

    def close(self) -> None:
        """End them all, workers first: without its scheduler, one takes its time."""
        workers = [each for each in self.processes if each is not self.scheduler]
        for process in workers:
            process.terminate()
        for process in [*workers, self.scheduler]:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()


@contextmanager
def cluster_in(folder: Path, workers: int, *, nanny: bool = False, **environment: str) -> Iterator[Cluster]:
    """A cluster that ends with the ``with``."""
    cluster = Cluster(folder, **environment)
    try:
        cluster.add(workers, nanny=nanny)
        yield cluster
    finally:
        cluster.close()


def own_environment(*first: Path, **more: str) -> dict[str, str]:
    """This process's environment, and where it finds modules; in some folders first."""
    path = os.pathsep.join([*map(str, first), *filter(None, sys.path)])
    return {**os.environ, "PYTHONPATH": path, **more}


def begin(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a command."""
    return subprocess.Popen(
        [sys.executable, "-m", "parity", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=own_environment(),
    )


def ask(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run a command: its exit code, and what it said on both streams."""
    process = begin(folder, *arguments)
    said, wrong = process.communicate(timeout=600)
    return process.returncode, said, wrong


def records_in(file: Path) -> list[Json]:
    """The records of a file, without its header."""
    return [json.loads(line) for line in file.read_text().splitlines()[1:]]


def by_place(records: Sequence[Json]) -> dict[tuple[str, str], Json]:
    """Records by suite and name, each of which is there once, without the machine that they are of."""
    found = {
        (each["suite"], each["name"]): {key: value for key, value in each.items() if key != "machine"}
        for each in records
    }
    assert len(found) == len(records)
    return found


def descendants(process: subprocess.Popen[Any]) -> list[psutil.Process]:
    """The processes that a process has started, and those that these have."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def kill_worker_of(nanny: subprocess.Popen[Any]) -> None:
    """Kill the worker that a nanny has, if it has one at the moment."""
    with suppress(psutil.NoSuchProcess):
        for each in psutil.Process(nanny.pid).children():
            if "spawn_main" in " ".join(each.cmdline()):
                each.send_signal(signal.SIGKILL)
