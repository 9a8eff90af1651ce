"""The memory of a sweep's main process: as much for a hundred thousand cases as for a thousand.

Each sweep is a real one, of so many different cases in a suite of their own, recorded in a file.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

SUITE = """\
description = "Small layers."

[[product]]
name = "small"
op = ["conv1d"]
input = [[1, 1, 4]]
filters = [1]
kernel = [2]
seed = {seeds}
"""


def peak_of(process: psutil.Popen) -> int:
    """Return the bytes that a process alone has held at most, looked at ten times a second until it ends."""
    peak = 0
    while process.poll() is None:
        try:
            peak = max(peak, process.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.1)
    return peak


def measure(cases: int, frameworks: str, folder: Path) -> tuple[float, int]:
    """Return the seconds of a sweep of so many cases, and the peak of its main process."""
    suite, record = folder / f"small-{cases}.toml", folder / f"small-{cases}.jsonl"
    suite.write_text(SUITE.format(seeds=list(range(cases))), encoding="utf-8")
    command = [sys.executable, "-m", "parity", "sweep", str(suite), "--frameworks", frameworks]
    began = time.perf_counter()
    process = psutil.Popen([*command, "--output", str(record)], stdout=subprocess.DEVNULL)
    peak = peak_of(process)
    process.wait()
    lines = sum(1 for _ in record.open("rb"))
    if lines != cases + 1:
        sys.exit(f"{lines} lines were recorded, and {cases + 1} are due")
    return time.perf_counter() - began, peak


def main() -> None:
    """Print a line for each number of cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--frameworks", default="numpy,torch")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for cases in options.cases:
            seconds, peak = measure(cases, options.frameworks, Path(folder))
            print(f"{cases} cases: {seconds:.0f} s, main process at most {peak / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
