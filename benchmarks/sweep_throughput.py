"""How much longer a sweep takes than the layers that it runs, start-up aside.

A bare loop builds and calls the same layers with the same arrays in as many processes, and does nothing else.
Both are run in turn. Beside the ratio of the times stands that of the processor time of all processes,
which other load on the machine does not reach as far.
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

import psutil

from parity.cases.suites import Suite, load_suite
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.interface import Framework
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import find_framework
from parity.frameworks.task import Task
from parity.sweep import sweep
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


def time_bare(adapters: Sequence[Framework], suite: Suite, jobs: int) -> Seconds:
    """Measure what the bare loops take, with ``jobs`` processes for each framework."""
    spawn = multiprocessing.get_context("spawn")
    barriers = [spawn.Barrier(len(adapters) * jobs + 1) for _ in range(3)]
    processes = [
        spawn.Process(target=bare_loop, args=(found.name, tasks[start::jobs], *barriers))
        for found in adapters
        for tasks in [tasks_of(found, suite)]
        for start in range(jobs)
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


def time_sweep(adapters: Sequence[Framework], suite: Suite, jobs: int) -> Seconds:
    """Measure what the sweep takes, from when every framework is loaded."""
    with Workers(adapters, jobs=jobs) as workers:
        workers.switches()
        watch = Stopwatch()
        cases = [(suite, named) for named in suite.cases]
        for _ in sweep(cases, adapters, workers.submit, ahead=workers.ahead):
            pass
        return watch.stop()


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", default="grid")
    parser.add_argument("--every", type=int, default=1, help="run each Nth case only")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frameworks", default="numpy,torch,keras")
    options = parser.parse_args()
    whole = load_suite(options.suite)
    suite = Suite(whole.name, whole.description, whole.cases[:: options.every])
    adapters = [find_framework(name) for name in options.frameworks.split(",")]
    clocks, processors = [], []
    for number in range(options.rounds):
        bare, full = time_bare(adapters, suite, options.jobs), time_sweep(adapters, suite, options.jobs)
        clocks.append(full.clock / bare.clock)
        processors.append(full.processor / bare.processor)
        print(
            f"round {number + 1}: bare {bare.clock:.1f} s, sweep {full.clock:.1f} s, ratio {clocks[-1]:.3f}; "
            f"processors {bare.processor:.1f} s, {full.processor:.1f} s, ratio {processors[-1]:.3f}"
        )
    print(
        f"{len(suite.cases)} cases of {suite.name}, {options.jobs} jobs: sweep over bare loop "
        f"{statistics.median(clocks):.3f} ({min(clocks):.3f} to {max(clocks):.3f}), by processor time "
        f"{statistics.median(processors):.3f} ({min(processors):.3f} to {max(processors):.3f})"
    )


if __name__ == "__main__":
    main()
