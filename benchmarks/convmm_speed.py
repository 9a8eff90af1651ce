"""How fast convmm is: ratios to NumPy's own matrix product and to others, measured in one process.

Usage: python benchmarks/convmm_speed.py [--threads 2] [--rounds 7] [--only NAME] [--dtype float64]
       [--against torch scipy] [--clock processor] [--json FILE]
       python benchmarks/convmm_speed.py --routes

Every contender runs in each round, in turn, so that whatever else the machine does falls on all alike: for
0.15 seconds, until its threads are awake and the others' asleep, and then three times, of which the median
counts. A ratio is one of medians over the rounds, its spread half the distance between the quartiles of the
rounds' own ratios. "limit" is the time of NumPy's product of two matrices with as many multiplications, over
convmm's: 1 would be its rate; in the second of its columns only of layers with 500 operations and more for
each element of their arrays. Above 1, the other columns say that convmm takes longer. Before they are timed,
all results are compared with convmm's. Contenders that are not installed are left out, and named.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from speed.contenders import CONTENDERS, missing, pin_threads
from speed.layers import LAYERS, PARTS
from speed.measure import CLOCKS, COMPUTE_BOUND, exponents, means, measure
from speed.table import layer_table, mean_table, route_table


def parsed() -> argparse.Namespace:
    """Parse the command line's options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="layers with this in their name")
    parser.add_argument("--dtype", nargs="*", default=["float64", "float32"], choices=("float64", "float32"))
    parser.add_argument("--against", nargs="*", default=list(CONTENDERS), choices=CONTENDERS)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--routes", action="store_true", help="print which route each layer takes, and end")
    return parser.parse_args()


def installed(wanted: list[str]) -> list[str]:
    """Return the contenders that can run, and print which are left out."""
    for name in wanted:
        if missing(name):
            print(f"{name} is left out: {' and '.join(missing(name))} not installed")
    return [name for name in wanted if not missing(name)]


def environment(options: argparse.Namespace, names: list[str]) -> dict[str, Any]:
    """Return what the times depend on."""
    packages = ["numpy", *(name for name in names if name != "steps")]
    return {
        "machine": platform.platform(),
        "versions": {package: version(package) for package in packages},
        "blas": [library for library in threadpool_info() if library["user_api"] == "blas"],
        "threads": options.threads,
        "rounds": options.rounds,
        "clock": options.clock,
    }


def main() -> None:
    """Measure, print, and write what was measured."""
    options = parsed()
    if options.routes:
        print(route_table([layer for layer in LAYERS if options.only in layer.name], options.dtype))
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    names = installed(options.against)
    pin_threads(options.threads, names)
    columns, rows = ["limit", *names], []
    for dtype in options.dtype:
        layers = [layer for layer in LAYERS if options.only in layer.name]
        some = [measure(layer, dtype, options.rounds, names, options.clock) for layer in layers]
        print(f"\n{dtype}, {options.threads} threads: limit / convmm, then convmm / each other")
        print("\n\n".join(layer_table(some, part, columns) for part in PARTS))
        rows += some
    columns.insert(1, COMPUTE_BOUND)
    mean = means(rows, columns)
    print(f"\nGeometric means, and the extremes of the layers:\n\n{mean_table(mean, columns)}")
    growth = exponents(options.rounds, options.clock)
    print("\ntime grows with the power of: " + ", ".join(f"{k} {v:.2f}" for k, v in growth.items()))
    if options.json:
        record = {**environment(options, names), "rows": rows, "means": mean, "exponents": growth}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(record, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
