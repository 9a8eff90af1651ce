"""How much faster two Dask workers of one core each sweep than one, and what the scheduler takes of it.

A cluster of one worker and one of two are asked in turn for the same cases, start-up aside. Each worker has
one core, with the processes of its frameworks. The scheduler and the one who asks have none of their own:
where there are two cores they share them with the two workers, which on a real cluster they do not.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil

from parity.cases.suites import Suite, load_suite
from parity.cluster.asked import Asked
from parity.cluster.cluster import Cluster
from parity.cluster.sweep import sweep
from parity.frameworks.interface import Framework
from parity.frameworks.table import find_framework

Process = subprocess.Popen[bytes]


class Started(NamedTuple):
    """A cluster of this machine.

    Attributes:
        address: of its scheduler.
        scheduler: its process.
        workers: theirs.
    """

    address: str
    scheduler: Process
    workers: Sequence[Process]


class Taken(NamedTuple):
    """What a sweep took, in seconds: by the clock, and of processors for whom."""

    clock: float
    scheduler: float
    workers: float
    asker: float


@contextmanager
def started(workers: int, folder: Path) -> Iterator[Started]:
    """Start a scheduler and so many workers, each on a core of its own."""
    file = folder / f"scheduler-{workers}.json"
    own = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    processes = [_start("scheduler", *own)]
    try:
        while not (file.exists() and file.read_text(encoding="utf-8").endswith("}")):
            time.sleep(0.1)
        address: str = json.loads(file.read_text(encoding="utf-8"))["address"]
        options = (address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
        processes += [_start("worker", *options, core=core) for core in range(workers)]
        yield Started(address, processes[0], processes[1:])
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


def _start(what: str, *options: str, core: int | None = None) -> Process:
    command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if core is not None:
        psutil.Process(process.pid).cpu_affinity([core])  # what it starts has it, too
    return process


def time_sweep(cluster: Started, adapters: Sequence[Framework], suite: Suite) -> Taken:
    """Measure a sweep, from when every worker has its processes until the last record."""
    cases = [(suite, named) for named in suite.cases]
    with Cluster(cluster.address, Asked.of(adapters)) as asked:
        while asked.workers < len(cluster.workers):
            asked.watch()
            time.sleep(0.1)
        before, began = _processor_times(cluster), time.perf_counter()
        count = sum(1 for _ in sweep(cases, adapters, asked))
        clock = time.perf_counter() - began
        after = _processor_times(cluster)
    if count != len(cases):
        raise SystemExit(f"{count} records of {len(cases)} cases")
    return Taken(clock, *(b - a for a, b in zip(before, after, strict=True)))


def _processor_times(cluster: Started) -> tuple[float, float, float]:
    """Return the seconds of the scheduler, of the workers with all that they started, and of this process."""
    workers = [psutil.Process(each.pid) for each in cluster.workers]
    families = [member for each in workers for member in (each, *each.children(recursive=True))]
    return (
        _seconds(psutil.Process(cluster.scheduler.pid)),
        sum(map(_seconds, families)),
        _seconds(psutil.Process()),
    )


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", default="grid")
    parser.add_argument("--every", type=int, default=4, help="run each Nth case only")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frameworks", default="numpy,torch")
    given = parser.parse_args()
    whole = load_suite(given.suite)
    suite = Suite(whole.name, whole.description, whole.cases[:: given.every])
    adapters = [find_framework(name) for name in given.frameworks.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with started(1, place) as one, started(2, place) as two:
            measure = partial(time_sweep, adapters=adapters, suite=suite)
            for cluster in (one, two):
                measure(cluster)  # what is read for the first time
            rounds = [(measure(one), measure(two)) for _ in range(given.rounds)]
    _print(len(suite.cases), rounds)


def _print(cases: int, rounds: Sequence[tuple[Taken, Taken]]) -> None:
    def median(values: Iterable[float]) -> float:
        return float(statistics.median(values))

    print(f"{cases} cases, {os.cpu_count()} cores, {psutil.cpu_percent(1):.0f} % of them busy without this")
    for name, number in (("one worker", 0), ("two workers", 1)):
        taken = [pair[number] for pair in rounds]
        print(
            f"{name}: {median(cases / each.clock for each in taken):.0f} cases/s; processor time a case: "
            f"workers {median(1e3 * each.workers / cases for each in taken):.2f} ms, "
            f"scheduler {median(1e3 * each.scheduler / cases for each in taken):.3f} ms "
            f"({median(100 * each.scheduler / sum(each[1:]) for each in taken):.1f} %), "
            f"who asks {median(1e3 * each.asker / cases for each in taken):.3f} ms "
            f"({median(100 * each.asker / sum(each[1:]) for each in taken):.1f} %)"
        )
    ratios = sorted(one.clock / two.clock for one, two in rounds)
    print(f"two over one: {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
