"""What a large record takes: time and memory of reading it, of comparing two, and of a table of one.

The record is the baseline's over and over, as the sweep of a suite of a user's own, with other names and
seeds. In the other one of the two compared, a case in ten begins elsewhere, and one in a hundred is missing.
Each command is a process of its own, of which the system says the time and the peak.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from parity.records.reader import read_records
from parity.records.result import Record
from parity.records.writer import RecordFile

BASELINE = Path(__file__).parents[1] / "baselines" / "pinned.jsonl.gz"
SUITE = "mymodel"


class Measured(NamedTuple):
    """Of a process: seconds by the clock and by the processors, and the most bytes that it held."""

    seconds: float
    busy: float
    peak: int


def many(count: int, *, other: bool) -> Iterator[Record]:
    """Yield the records of so many cases; of the other one of two, with its differences."""
    own = list(read_records(BASELINE)[1])
    for number, record in zip(range(count), itertools.cycle(own), strict=False):
        if other and number % 100 == 1:
            continue
        results = record.results
        if other and number % 10 == 0:
            results = (replace(results[0], relation="window", offset=(1,)), *results[1:])
        yield replace(
            record,
            suite=SUITE,
            name=f"{record.name}-{number}",
            case=record.case | {"seed": 1000 + number},
            command=f"{record.command} --seed {1000 + number}",
            results=results,
        )


def write(path: Path, count: int, *, other: bool = False) -> float:
    """Write a record, and return the seconds that it took."""
    header = replace(read_records(BASELINE)[0], suites=(SUITE,))
    began = time.perf_counter()
    with RecordFile(path) as file:
        file.begin(header)
        for record in many(count, other=other):
            file.write(record)
    return time.perf_counter() - began


def measure(*arguments: object) -> Measured:
    """Run a command of parity."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "parity", *map(str, arguments)], stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in {0, 1}:
        sys.exit(f"parity {' '.join(map(str, arguments))} ended with {process.returncode}")
    return Measured(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def show(what: str, records: int, found: Measured) -> None:
    """Print a line."""
    speeds = f"{records / found.seconds:7,.0f} records/s, {records / found.busy:7,.0f} by processor time"
    print(f"{what:28} {found.seconds:6.1f} s, {speeds}, {found.peak / 2**20:5.0f} MiB", flush=True)


def main() -> None:
    """Write the records and print a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--html", action="store_true", help="make the page, too, which takes minutes")
    count = parser.parse_args().records
    with tempfile.TemporaryDirectory(prefix="parity-") as name:
        folder = Path(name)
        names = ("text.jsonl", "packed.jsonl.gz", "packed.jsonl.zst")
        text, *packed = files = [folder / each for each in names]
        for file in files:
            seconds = write(file, count)
            size = file.stat().st_size / 2**20
            print(f"{file.name:28} {size:6.0f} MiB, written in {seconds:.1f} s", flush=True)
        other = folder / "other.jsonl.zst"
        write(other, count, other=True)
        for file in files:
            show(f"report {file.name}", count, measure("report", file))
        for option in ("--json", "--markdown"):
            show(f"report {option}", count, measure("report", text, option))
        show("report --junit", count, measure("report", text, "--junit", folder / "a.xml"))
        if parser.parse_args().html:
            show("report --html", count, measure("report", text, "--html", folder / "a.html"))
        show("diff, to itself packed", 2 * count, measure("diff", text, packed[1]))
        show("diff, a tenth has changed", 2 * count, measure("diff", text, other))
        show("diff --json, likewise", 2 * count, measure("diff", text, other, "--json"))
        show("export", count, measure("export", text, folder / "a.parquet"))


if __name__ == "__main__":
    main()
