"""What a second thread gains, and how long small calls take: alone, and beside other busy processes.

Usage: python benchmarks/convmm_threads.py [--threads 2] [--busy 0 1 2] [--rounds 300]

One thread and several take turns, and so does NumPy's product of two matrices of the layer's own shapes.
Both are measured by the least of the times, and gains by the medians, too, in which all shows that the
machine does besides. Busy processes do nothing but loop.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import threadpool_limits

import convmm
from speed.contenders import Operands, limit, ours
from speed.layers import Layer
from speed.machine import described, environment

LAYERS = [
    Layer("3x3 96-96, 2x40x44", (2, 96, 40, 44), 96, 3, 1, 1),
    Layer("1x1 256-128, 2x40x44", (2, 256, 40, 44), 128, 1),
]
SMALL = [
    Layer("3x3 1-1, 5x5", (1, 1, 5, 5), 1, 3),
    Layer("3x3 3-4, 2x8x8", (2, 3, 8, 8), 4, 3, 1, 1),
    Layer("3x3 2-2, 5x5, transposed", (1, 2, 5, 5), 2, 3, 2, 1, transposed=True),
]


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Run so many processes that each keep a processor busy."""
    each = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in each:
            process.kill()
            process.wait()


def timed(call: Callable[[], Any]) -> float:
    """Return the seconds of a call."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def gain(layer: Layer, dtype: str, threads: int, rounds: int) -> str:
    """Return a line: rates of convmm and of the product on one thread and on several, and the gains."""
    operands = Operands.of(layer, dtype)
    each = {"convmm": ours(layer, operands), "product": limit(layer, operands)}
    calls = {name: parts["forward"].call for name, parts in each.items()}
    turns = [(name, count) for name in calls for count in (1, threads)]
    times: dict[tuple[str, int], list[float]] = {turn: [] for turn in turns}
    for (name, count), some in [*times.items()] * 4:  # each for a while, until the others' threads sleep
        convmm.set_threads(count)
        with threadpool_limits(count, "blas"):
            some += [timed(calls[name]) for _ in range(rounds // 4)]
    cells = []
    for name in calls:
        one, several = times[name, 1], times[name, threads]
        rates = [layer.flops / min(some) / 1e9 for some in (one, several)]
        gains = [kind(one) / kind(several) for kind in (min, statistics.median)]
        cells.append(f"{rates[0]:8.0f}{rates[1]:6.0f}{gains[0]:7.2f}{gains[1]:7.2f}")
    return f"{layer.name:26}{dtype:9}{''.join(cells)}"


def small(layer: Layer, rounds: int) -> str:
    """Return a line: microseconds of each operation on small arrays, the least and the median."""
    cells = []
    for timing in ours(layer, Operands.of(layer, "float32")).values():
        times = [timed(timing.call) * 1e6 for _ in range(10 * rounds)]
        cells.append(f"{min(times):8.1f}{statistics.median(times):6.1f}")
    return f"{layer.name:26}{''.join(cells)}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--busy", type=int, nargs="*", default=[0, 1])
    parser.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args()
    print(described(environment([])))
    for count in options.busy:
        with busy_processes(count):
            print(f"\n{count} busy processes beside")
            head = f"GFlop/s on 1 and {options.threads}"
            print(f"{head:35}{'convmm, gain (median)':>28}{'product':>28}")
            for layer in LAYERS:
                for dtype in ("float32", "float64"):
                    print(gain(layer, dtype, options.threads, options.rounds))
            print(f"{'microseconds (median)':26}{'forward':>14}{'input grad':>14}{'weight grad':>14}")
            for layer in SMALL:
                print(small(layer, options.rounds))


if __name__ == "__main__":
    main()
