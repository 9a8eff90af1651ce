"""How much longer a sweep takes than the layers that it runs, start-up aside.

A bare loop builds and calls the same layers with the same arrays in as many processes, and does nothing else:
A bare loop builds and calls the same layers with the same arrays in as many processes and does nothing else:
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.synchronize import Barrier

import psutil

from parity.adapters import Adapter, adapter
from parity.spelling import Spelling
from parity.suites import Suite, load_suite
from parity.sweep import sweep
from parity.task import Task
from parity.values import draw_arrays
from parity.workers import Workers


def bare_loop(name: str, tasks: Sequence[Task], ready: Barrier, done: Barrier) -> None:
    """Build and call the layers of one framework."""
    found = adapter(name)
    found.load()
    found.pin(1)
    ready.wait()
    for task in tasks:
        with suppress(Exception):  # some are refused, as in the sweep
            found.call(task.layer.call(), task.convert(task.arrays.weights), task.arrays.x)
    done.wait()


def time_bare(adapters: Sequence[Adapter], suite: Suite, jobs: int) -> float:
    """Seconds of the bare loops, with ``jobs`` processes for each framework."""
    spawn = multiprocessing.get_context("spawn")
    ready, done = (spawn.Barrier(len(adapters) * jobs + 1) for _ in range(2))
    processes = [
        spawn.Process(target=bare_loop, args=(found.NAME, tasks[start::jobs], ready, done))
        for found in adapters
        for tasks in [tasks_of(found, suite)]
        for start in range(jobs)
    ]
    for process in processes:
        process.start()
    ready.wait()
    began = time.perf_counter()
    done.wait()
    seconds = time.perf_counter() - began
    for process in processes:
        process.join()
    return seconds


def tasks_of(found: Adapter, suite: Suite) -> list[Task]:
    """Every layer of a framework that the sweep runs."""
    return [
        Task.of(spelling, draw_arrays(named.case))
        for named in suite.cases
        for spelling in found.spell(named.case)
        if isinstance(spelling, Spelling)
    ]


def time_sweep(adapters: Sequence[Adapter], suite: Suite, jobs: int) -> float:
    """Seconds of the sweep, from when every framework is loaded."""
    with Workers(adapters, jobs=jobs) as workers:
        workers.switches()
        began = time.perf_counter()
        cases = [(suite, named) for named in suite.cases]
        for _ in sweep(cases, adapters, workers.submit, ahead=4 * jobs):
            pass
        return time.perf_counter() - began


def main() -> None:
    """Print the ratio, and the main process's memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", default="grid")
    parser.add_argument("--every", type=int, default=1, help="run each Nth case only")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frameworks", default="numpy,torch,keras")
    options = parser.parse_args()
    whole = load_suite(options.suite)
    suite = Suite(whole.name, whole.description, whole.cases[:: options.every])
    adapters = [adapter(name) for name in options.frameworks.split(",")]
    ratios = []
    for number in range(options.rounds):
        bare, full = time_bare(adapters, suite, options.jobs), time_sweep(adapters, suite, options.jobs)
        ratios.append(full / bare)
        print(f"round {number + 1}: bare {bare:.1f} s, sweep {full:.1f} s, ratio {full / bare:.3f}")
    memory = psutil.Process().memory_info().rss / 2**20
    print(
        f"{len(suite.cases)} cases of {suite.name}, {options.jobs} jobs: sweep over bare loop "
        f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}); {memory:.0f} MiB"
    )


if __name__ == "__main__":
    main()
