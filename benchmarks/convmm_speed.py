"""How fast convmm is: ratios to NumPy's own matrix product and to others, in processes apart and in one.

Usage: python benchmarks/convmm_speed.py [--threads 2] [--rounds 7] [--only NAME] [--dtype float64]
       [--against torch scipy] [--processes own] [--clock processor] [--json FILE]
       python benchmarks/convmm_speed.py --routes

Every contender runs in each round, in turn, so that whatever else the machine does falls on all alike: for
0.15 seconds, until its threads are awake and the others' asleep, and then three times, of which the median
counts. First each has a process of its own, in which no other library is loaded, and then all are in one,
where they share the processors with each other's threads. A ratio is one of medians over the rounds, its
spread half the distance between the quartiles of the rounds' own ratios. "limit" is the time of NumPy's
product of two matrices of the layer's own shapes, over convmm's: 1 would be its rate; in the second of its
columns only of layers with 500 operations and more for each element of their arrays. Above 1, the other
columns say that convmm takes longer. Before they are timed, all results are compared with convmm's.
Contenders that are not installed are left out, and named.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from speed.contenders import OTHERS, OWN, missing, pin_threads
from speed.layers import LAYERS, PARTS
from speed.machine import described, environment
from speed.measure import COMPUTE_BOUND, exponents, means, measure
from speed.sides import CLOCKS, Apart, Here, Side
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
    parser.add_argument("--against", nargs="*", default=list(OTHERS), choices=OTHERS)
    parser.add_argument("--processes", choices=("own", "one", "both"), default="both")
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


def compared(options: argparse.Namespace, sides: dict[str, Side], where: str) -> dict[str, Any]:
    """Measure and print all layers, and return what was measured."""
    names = [name for name in sides if name not in OWN]
    columns, rows = ["limit", *names], []
    for dtype in options.dtype:
        layers = [layer for layer in LAYERS if options.only in layer.name]
        some = [measure(layer, dtype, options.rounds, sides, options.clock) for layer in layers]
        print(f"\n{dtype}, {options.threads} threads, {where}: limit / convmm, then convmm / each other")
        print("\n\n".join(layer_table(some, part, columns) for part in PARTS))
        rows += some
    columns.insert(1, COMPUTE_BOUND)
    mean = means(rows, columns)
    print(f"\nGeometric means, and the extremes of the layers, {where}:\n\n{mean_table(mean, columns)}")
    return {"rows": rows, "means": mean}


def main() -> None:
    """Measure, print, and write what was measured."""
    options = parsed()
    if options.routes:
        print(route_table([layer for layer in LAYERS if options.only in layer.name], options.dtype))
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    names = installed(options.against)
    machine = environment([name for name in names if name != "steps"])
    print(described(machine))
    record = {**machine, **{name: getattr(options, name) for name in ("threads", "rounds", "clock")}}
    if options.processes != "one":
        apart = {name: Apart(name, options.threads) for name in [*OWN, *names]}
        record["own"] = compared(options, {**apart}, "each in a process of its own")
        for side in apart.values():
            side.end()
    pin_threads(options.threads, names if options.processes != "own" else [])
    if options.processes != "own":
        record["one"] = compared(options, {name: Here(name) for name in [*OWN, *names]}, "all in one process")
    growth = record["exponents"] = exponents(options.rounds, options.clock)
    print("\ntime grows with the power of: " + ", ".join(f"{k} {v:.2f}" for k, v in growth.items()))
    print(f"load at the end: {os.getloadavg()[0]:.1f}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(record, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
