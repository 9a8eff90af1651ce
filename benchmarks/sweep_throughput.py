"""How much longer a sweep takes than the layers that it runs, start-up aside.

A bare loop builds and calls the same layers with the same arrays, in a process for each framework, and does
nothing else. Both are run in turn, and the sweep with more processes a framework, too. Beside the ratio of
the times stands that of the processor time of all processes, which other load does not reach as far.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.synchronize import Barrier
from typing import NamedTuple

import msgspec
import psutil

from parity.cases.suites import Suite, load_suite
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.interface import Framework
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import find_framework
from parity.frameworks.task import Task
from parity.sweep import sweep
from parity.workers.collection import imports
from parity.workers.workers import Workers


class Seconds(NamedTuple):
    """What something took: by the clock, and of all processors together."""

    clock: float
    processor: float


class Stopwatch:
    """Times this process and those that it has started."""

    def __init__(self) -> None:
        self._began = self._now()

    def stop(self) -> Seconds:
        """Return the seconds since the watch was made."""
        clock, processor = self._now()
        return Seconds(clock - self._began.clock, processor - self._began.processor)

    @staticmethod
    def _now() -> Seconds:
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        times = [process.cpu_times() for process in processes]
        return Seconds(time.perf_counter(), sum(each.user + each.system for each in times))


def bare_loop(name: str, tasks: Sequence[Task], ready: Barrier, done: Barrier, over: Barrier) -> None:
    """Build and call the layers of one framework."""
    found = find_framework(name)
    found.load()
    found.pin(1)
    ready.wait()
    for task in tasks:
        with suppress(Exception):  # some are refused, as in the sweep
            found.call(task.layer.call(), task.convert(task.arrays.weights), task.arrays.x)
    done.wait()
    over.wait()  # so that its processor time can be read


def time_bare(adapters: Sequence[Framework], suite: Suite) -> Seconds:
    """Measure what the bare loops take, with a process for each framework."""
    spawn = multiprocessing.get_context("spawn")
    barriers = [spawn.Barrier(len(adapters) + 1) for _ in range(3)]
    processes = [
        spawn.Process(target=bare_loop, args=(found.name, tasks_of(found, suite), *barriers))
        for found in adapters
    ]
    for process in processes:
        process.start()
    ready, done, over = barriers
    ready.wait()
    watch = Stopwatch()
    done.wait()
    seconds = watch.stop()
    over.wait()
    for process in processes:
        process.join()
    return seconds


def tasks_of(found: Framework, suite: Suite) -> list[Task]:
    """Return every layer of a framework that the sweep runs."""
    return [
        Task.of(spelling, draw_arrays(named.case))
        for named in suite.cases
        for spelling in found.spell(named.case)
        if isinstance(spelling, Spelling)
    ]


def time_sweep(adapters: Sequence[Framework], suite: Suite, jobs: int) -> tuple[Seconds, float]:
    """Measure what the sweep takes, from when every framework is loaded; and the comparing process of it."""
    with Workers(adapters, jobs=jobs) as workers:
        workers.switches()
        watch, began = Stopwatch(), time.process_time()
        cases = [(suite, named) for named in suite.cases]
        for record in sweep(cases, adapters, workers.submit, ahead=workers.ahead):
            msgspec.json.encode(record)
        return watch.stop(), time.process_time() - began


class Ratios:
    """Ratios of the rounds: by the clock, and by the processor time of all processes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.clocks: list[float] = []
        self.processors: list[float] = []

    def add(self, one: Seconds, other: Seconds) -> str:
        """Add a round; return its line."""
        self.clocks.append(one.clock / other.clock)
        self.processors.append(one.processor / other.processor)
        return f"{self.name} {self.clocks[-1]:.3f} by the clock, {self.processors[-1]:.3f} by processor time"

    def __str__(self) -> str:
        """Return the median and the extremes of both."""
        return (
            f"{self.name}: {statistics.median(self.clocks):.3f} ({min(self.clocks):.3f} to "
            f"{max(self.clocks):.3f}), by processor time {statistics.median(self.processors):.3f} "
            f"({min(self.processors):.3f} to {max(self.processors):.3f})"
        )


def main() -> None:
    """Print the ratios: of a sweep with one process a framework to the bare loop, and of more to one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suites", default="grid", help="names, all run in one")
    parser.add_argument("--every", type=int, default=1, help="run each Nth case only")
    parser.add_argument("--jobs", type=int, default=2, help="processes a framework, compared with one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frameworks", default="numpy,torch,keras")
    options = parser.parse_args()
    with imports():  # as the command has it
        cases = tuple(case for name in options.suites.split(",") for case in load_suite(name).cases)
        suite = Suite(options.suites, "", cases[:: options.every])
        adapters = [find_framework(name) for name in options.frameworks.split(",")]
    to_bare = Ratios("sweep over bare loop")
    to_one = Ratios(f"{options.jobs} jobs over 1")
    count, rates = len(suite.cases), []
    for number in range(1, options.rounds + 1):
        bare, (full, own) = time_bare(adapters, suite), time_sweep(adapters, suite, 1)
        rates.append(count / full.clock)
        print(
            f"round {number}: bare {bare.clock:.1f} s, sweep {full.clock:.1f} s, {rates[-1]:.0f} cases/s,"
            f" {1e3 * own / count:.2f} ms a case in the comparing process; {to_bare.add(full, bare)}"
        )
        if options.jobs > 1:
            more, _ = time_sweep(adapters, suite, options.jobs)
            print(f"  {count / more.clock:.0f} cases/s; {to_one.add(more, full)}")
    print(f"{count} cases of {suite.name}, {statistics.median(rates):.0f} cases/s; {to_bare}")
    if options.jobs > 1:
        print(to_one)


if __name__ == "__main__":
    main()
