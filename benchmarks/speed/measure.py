"""Interleaved times, and what follows from them: ratios with their spread, means, and growth."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speed.contenders import OWN, Operands, ours
from speed.layers import PARTS, Layer
from speed.sides import Side, turn

# The column of the same ratio as the limit's, for some of the layers.
COMPUTE_BOUND = "limit, compute-bound"

Ratio = dict[str, float]
"""A ratio of medians over the rounds, "median", and the quartiles of the rounds' own, "low" and "high"."""


def interleaved(turns: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Return each one's seconds in each round; each round begins with another, so that all follow all."""
    names = list(turns)
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            times[name].append(turns[name]())
    return times


def ratio(over: list[float], under: list[float]) -> Ratio:
    """Return the ratio of two calls' times."""
    each = [a / b for a, b in zip(over, under, strict=True)]
    low, _, high = statistics.quantiles(each, n=4) if len(each) > 1 else each * 3
    return {"median": statistics.median(over) / statistics.median(under), "low": low, "high": high}


def measure(layer: Layer, dtype: str, rounds: int, sides: dict[str, Side], clock: str) -> dict[str, Any]:
    """Return all ratios of one layer: of the limit's time to convmm's, and of convmm's to each other one's.

    Args:
        layer: to compute.
        dtype: of its arrays.
        rounds: of turns.
        sides: "limit", "convmm", and those to compare.
        clock: one of ``CLOCKS``.

    Raises:
        ValueError: a contender's result is not convmm's.
    """
    parts = {name: side.prepare(layer, dtype) for name, side in sides.items()}
    row: dict[str, Any] = {"layer": asdict(layer), "dtype": dtype, "flops": layer.flops}
    row["is_compute_bound"] = layer.is_compute_bound
    row["routes"] = {part: plan.route for part, plan in layer.plans(dtype).items()}
    for part in PARTS:
        with_part = {name: side for name, side in sides.items() if part in parts[name]}
        others = {name: side for name, side in with_part.items() if name not in OWN}
        expected = with_part["convmm"].result(part)
        for name, side in others.items():
            if not _agree(side.result(part), expected):
                msg = f"{name} computes another {part} of {layer.name} than convmm: allowed is what agrees"
                raise ValueError(msg)
        turns = {name: partial(side.turn, part, clock) for name, side in with_part.items()}
        times = interleaved(turns, rounds)
        row[part] = {"limit": ratio(times["limit"], times["convmm"])}
        if layer.is_compute_bound:
            row[part][COMPUTE_BOUND] = row[part]["limit"]
        row[part] |= {name: ratio(times["convmm"], times[name]) for name in others}
        row[part]["seconds"] = {name: statistics.median(of) for name, of in times.items()}
    return row


def _agree(given: NDArray[Any], expected: NDArray[Any]) -> bool:
    # Of sums of as many as 20,000 terms, rounded in single precision or by another algorithm.
    tolerance = 1e-3 * float(np.abs(expected).max())
    return given.shape == expected.shape and np.allclose(given, expected, rtol=0, atol=tolerance)


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
    times = interleaved({size: partial(turn, call, clock) for size, call in calls.items()}, rounds)
    logs = [(math.log(n), math.log(statistics.median(times[str(n)]))) for n, _ in points]
    return statistics.linear_regression(*zip(*logs, strict=True)).slope
