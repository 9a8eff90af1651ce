"""The memory of each process of a long sweep, and what it comes to in a million cases.

The cases of a suite are run over and over by the same processes. A framework's process may grow with its
cases until a new one takes its place, so its peak is what counts; the comparing process is never renewed, and
its growth since the first round is extrapolated. Both are held to a limit, beyond which this ends with 1.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from parity.cases.case import Case
from parity.cases.suites import load_suite
from parity.frameworks.table import find_framework
from parity.running import run_all
from parity.workers.workers import Workers

MANY = 1_000_000
EVERY = 250
"""Cases between two looks at the memory."""


def sizes() -> dict[int, int]:
    """Return the resident bytes of this process and of each that it has started, by process id."""
    found = {}
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        with suppress(psutil.Error):
            found[process.pid] = process.memory_info().rss
    return found


def cases_of(suite: str, rounds: int) -> Iterator[Case]:
    """Yield the suite's cases, round by round."""
    named = load_suite(suite).cases
    return itertools.chain.from_iterable((each.case for each in named) for _ in range(rounds))


def soak(names: list[str], suite: str, rounds: int, log: Path) -> dict[int, list[int]]:
    """Run the cases; return the sizes of each process, and write each look at them as a line of JSON."""
    adapters = [find_framework(name) for name in names]
    seen: dict[int, list[int]] = defaultdict(list)
    log.parent.mkdir(parents=True, exist_ok=True)
    with Workers(adapters, timeout=120) as workers, log.open("w", encoding="utf-8") as file:
        found = run_all(cases_of(suite, rounds), adapters, workers.submit, ahead=workers.ahead)
        for number, _ in enumerate(found):
            if number % EVERY == 0:
                now = sizes()
                for process, size in now.items():
                    seen[process].append(size)
                file.write(json.dumps({"cases": number, "bytes": now}) + "\n")
    return seen


def growth(own: list[int], rounds: int) -> float:
    """Return the bytes that the comparing process gains with each case after the first round."""
    settled = own[len(own) // rounds :]
    third = max(len(settled) // 3, 1)
    before, after = sum(settled[:third]) / third, sum(settled[-third:]) / third
    return (after - before) / max((len(settled) - third) * EVERY, 1)


def main() -> None:
    """Print what each process held, and end with 1 where that is beyond the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frameworks", default="numpy,torch,keras")
    parser.add_argument("--suite", default="grid")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most", type=int, default=2048, help="MiB that any process may hold")
    parser.add_argument("--most-extrapolated", type=int, default=4096, help="MiB of this one, extrapolated")
    parser.add_argument("--log", type=Path, default=Path("build/soak/memory.jsonl"))
    options = parser.parse_args()
    began = time.perf_counter()
    seen = soak(options.frameworks.split(","), options.suite, options.rounds, options.log)
    own = seen.pop(os.getpid())
    print(f"{options.rounds} rounds of {options.suite} in {time.perf_counter() - began:.0f} s, in MiB:")
    for process, found in seen.items():
        print(f"process {process}: {found[0] >> 20} at first, {max(found) >> 20} at most")
    gained = growth(own, options.rounds)
    extrapolated = (own[-1] + max(gained, 0.0) * MANY) / 2**20
    print(f"comparing process: {own[0] >> 20} at first, {max(own) >> 20} at most, {gained:.0f} bytes a case")
    print(f"in {MANY:,} cases: {extrapolated:.0f}")
    peak = max(map(max, [own, *seen.values()])) >> 20
    if peak > options.most or extrapolated > options.most_extrapolated:
        sys.exit(f"allowed are {options.most} and, extrapolated, {options.most_extrapolated}")


if __name__ == "__main__":
    main()
