"""Interleaved times, and what follows from them: ratios with their spread, means, and growth."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from speed.contenders import CONTENDERS, Calls, Operands, limit, ours
from speed.layers import PARTS, Layer

# Wall time, unless the processor's time is asked for: on a busy machine, where one thread is to be measured.
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}

# Seconds of calls that do not count, and how many do.
_WARM = 0.15
_CALLS = 3

# The column of the same ratio as the limit's, for some of the layers.
COMPUTE_BOUND = "limit, compute-bound"

Ratio = dict[str, float]
"""A ratio of medians over the rounds, "median", and the quartiles of the rounds' own, "low" and "high"."""


def interleaved(calls: dict[str, Callable[[], Any]], rounds: int, clock: str) -> dict[str, list[float]]:
    """Return each call's seconds in each round; each round begins with another, so that all follow all."""
    names = list(calls)
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            times[name].append(_turn(calls[name], CLOCKS[clock]))
    return times


def _turn(call: Callable[[], Any], now: Callable[[], float]) -> float:
    """Return the median of a few calls after some that do not count, or of one as long as all of those.

    By then no worker of the turn before spins any more, as those of most libraries do for up to a tenth of a
    second, and the system has found processors for the call's own threads, which takes some calls.
    """
    warm = time.perf_counter() + _WARM
    while (latest := _timed(call, now)) < _WARM and time.perf_counter() < warm:
        pass
    return latest if latest >= _WARM else statistics.median(_timed(call, now) for _ in range(_CALLS))


def _timed(call: Callable[[], Any], now: Callable[[], float]) -> float:
    begin = now()
    call()
    return now() - begin


def ratio(over: list[float], under: list[float]) -> Ratio:
    """Return the ratio of two calls' times."""
    each = [a / b for a, b in zip(over, under, strict=True)]
    low, _, high = statistics.quantiles(each, n=4) if len(each) > 1 else each * 3
    return {"median": statistics.median(over) / statistics.median(under), "low": low, "high": high}


def measure(layer: Layer, dtype: str, rounds: int, names: list[str], clock: str) -> dict[str, Any]:
    """Return all ratios of one layer: of the limit's time to convmm's, and of convmm's to each other one's.

    Raises:
        ValueError: a contender's result is not convmm's.
    """
    operands = Operands.of(layer, dtype)
    others = {name: CONTENDERS[name](layer, operands) for name in names}
    row: dict[str, Any] = {"layer": asdict(layer), "dtype": dtype, "flops": layer.flops}
    row["is_compute_bound"] = layer.is_compute_bound
    row["routes"] = {part: plan.route for part, plan in layer.plans(dtype).items()}
    product = limit(layer, dtype)
    for part, timed in ours(layer, operands).items():
        expected = timed.call()
        with_part = {name: calls[part] for name, calls in others.items() if part in calls}
        _check(layer, part, expected, with_part)
        calls = {"limit": product, "convmm": timed.call}
        calls |= {name: each.call for name, each in with_part.items()}
        times = interleaved(calls, rounds, clock)
        row[part] = {"limit": ratio(times["limit"], times["convmm"])}
        if layer.is_compute_bound:
            row[part][COMPUTE_BOUND] = row[part]["limit"]
        row[part] |= {name: ratio(times["convmm"], times[name]) for name in with_part}
        row[part]["seconds"] = {name: statistics.median(of) for name, of in times.items()}
    return row


def _check(layer: Layer, part: str, expected: Any, others: Calls) -> None:  # noqa: ANN401 - an array
    # Of sums of as many as 20,000 terms, rounded in single precision or by another algorithm.
    tolerance = 1e-3 * float(np.abs(expected).max())
    for name, each in others.items():
        found = each.as_array(each.call())
        if found.shape != expected.shape or not np.allclose(found, expected, rtol=0, atol=tolerance):
            msg = f"{name} computes another {part} of {layer.name} than convmm: allowed is what agrees"
            raise ValueError(msg)


def geometric_mean(values: list[float]) -> float:
    """Return the geometric mean of at least one value."""
    return math.exp(statistics.fmean(map(math.log, values)))


def means(rows: list[dict[str, Any]], columns: list[str]) -> list[dict[str, Any]]:
    """Return geometric means and extremes over the layers, for each dtype, operation and part."""
    found = []
    for dtype in dict.fromkeys(row["dtype"] for row in rows):
        for operation, transposed in (("conv", False), ("conv_transpose", True)):
            some = [r for r in rows if r["dtype"] == dtype and r["layer"]["transposed"] == transposed]
            for part in PARTS:
                line: dict[str, Any] = {"dtype": dtype, "operation": operation, "part": part}
                for column in columns:
                    values = [row[part][column]["median"] for row in some if column in row[part]]
                    if values:
                        line[column] = {
                            "mean": geometric_mean(values),
                            "low": min(values),
                            "high": max(values),
                            "layers": len(values),
                        }
                if some:
                    found.append(line)
    return found


def exponents(rounds: int, clock: str) -> dict[str, float]:
    """Return slopes of log time over log size: for batch, channels of either side, and pixels."""
    series: dict[str, list[tuple[int, Layer]]] = {
        "batch": [(n, Layer("", (n, 64, 28, 28), 64, 3, 1, 1)) for n in (2, 4, 8, 16, 32)],
        "channels product": [(c * c, Layer("", (4, c, 28, 28), c, 3, 1, 1)) for c in (64, 96, 128, 192, 256)],
        "pixels": [(n * n, Layer("", (2, 64, n, n), 64, 3, 1, 1)) for n in (28, 40, 56, 80, 112)],
    }
    return {name: _exponent(points, rounds, clock) for name, points in series.items()}


def _exponent(points: list[tuple[int, Layer]], rounds: int, clock: str) -> float:
    calls = {str(n): ours(layer, Operands.of(layer, "float64"))["forward"].call for n, layer in points}
    for call in calls.values():
        call()
    times = interleaved(calls, rounds, clock)
    logs = [(math.log(n), math.log(statistics.median(times[str(n)]))) for n, _ in points]
    return statistics.linear_regression(*zip(*logs, strict=True)).slope
