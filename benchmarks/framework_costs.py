"""What a framework costs in a sweep: its start, its rate, and the memory of its process.

Prints a table as Markdown, a line for each framework that is installed, or for those that are named as
arguments, routes included. Rates are of one process on one thread; they mean something beside each other
only, on one machine and in one run.
"""

from __future__ import annotations

import sys
import time

import psutil

from parity.cases.suites import load_suite
from parity.frameworks.table import find_framework, installed
from parity.records.counts import Report
from parity.running import run_all
from parity.workers.workers import Workers

CASES = [each.case for each in load_suite("grid").cases[::31]]
"""Small layers of all kinds."""

MIB = 2**20


def cost(name: str) -> tuple[float, float, int, int, int]:
    """Return the seconds to the first answer, results per second, MiB at the start and after, unexplained."""
    framework = find_framework(name)
    began = time.perf_counter()
    with Workers([framework]) as workers:
        list(run_all(CASES[:1], [framework], workers.submit, ahead=0))
        start = time.perf_counter() - began
        before = _memory()
        began = time.perf_counter()
        found = list(run_all(CASES, [framework], workers.submit, ahead=workers.ahead))
        seconds = time.perf_counter() - began
        results = sum(result.layer is not None for each in found for result in each.results)
        unexplained = len(Report(each.record for each in found).unexplained)
        return start, results / seconds, before, _memory(), unexplained


def _memory() -> int:
    """Return the MiB of this process's children, the largest of them: the framework's."""
    sizes = [child.memory_info().rss for child in psutil.Process().children(recursive=True)]
    return max(sizes, default=0) // MIB


def main() -> None:
    """Measure and print."""
    print(f"{len(CASES)} cases of the suite grid, one process and one thread each\n")
    print("| framework | start, s | results/s | memory at the start, MiB | after, MiB | unexplained |")
    print("|---|---|---|---|---|---|")
    for name in sys.argv[1:] or installed():
        start, rate, before, after, unexplained = cost(name)
        print(f"| {name} | {start:.1f} | {rate:.0f} | {before} | {after} | {unexplained} |", flush=True)


if __name__ == "__main__":
    main()
