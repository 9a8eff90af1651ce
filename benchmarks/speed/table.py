"""What was measured, as text and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convmm.fast.plan import Plan
from speed.layers import PARTS, Layer

_WIDTH = 13


def layer_table(rows: list[dict[str, Any]], part: str, columns: list[str]) -> str:
    """Return a line per layer: its route, and each ratio with half the distance of its quartiles."""
    shown = [column for column in columns if any(column in row[part] for row in rows)]
    head = f"{part:30}{'route':>{_WIDTH}}" + "".join(f"{column:>{_WIDTH}}" for column in shown)
    lines = []
    for row in rows:
        cells = (_cell(row[part].get(column)) for column in shown)
        name, route = row["layer"]["name"], row["routes"][part]
        lines.append(f"{name:30}{route:>{_WIDTH}}" + "".join(f"{cell:>{_WIDTH}}" for cell in cells))
    return "\n".join([head, *lines])


def _cell(ratio: dict[str, float] | None) -> str:
    if ratio is None:
        return ""
    return f"{_number(ratio['median'])}±{_number((ratio['high'] - ratio['low']) / 2)}"


def _number(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 or not value else f"{value:.1g}"  # noqa: PLR2004 - two digits


def mean_table(lines: list[dict[str, Any]], columns: list[str]) -> str:
    """Return the geometric means, with the least and the largest of the layers, in Markdown."""
    shown = [column for column in columns if any(column in line for line in lines)]
    head = f"| | {' | '.join(shown)} |\n|---|{'---|' * len(shown)}"
    body = [
        f"| {line['dtype']} {line['operation']}, {line['part']} | "
        + " | ".join(_mean(line.get(column)) for column in shown)
        + " |"
        for line in lines
    ]
    return "\n".join([head, *body])


def route_table(layers: Sequence[Layer], dtypes: Sequence[str]) -> str:
    """Return the routes of the layers in Markdown; where the dtypes' differ, that of each."""
    lines = [f"| layer | {' | '.join(PARTS)} |", f"|---|{'---|' * len(PARTS)}"]
    for layer in layers:
        plans = [layer.plans(dtype) for dtype in dtypes]
        cells = (" / ".join(dict.fromkeys(_route(each[part]) for each in plans)) for part in PARTS)
        lines.append(f"| {layer.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _route(plan: Plan) -> str:
    if not plan.unfolded:
        return plan.route
    is_all = len(plan.unfolded) == len(plan.call.geometry.axes)
    return f"{plan.route}, {'all' if is_all else 'inner'} axes"


def _mean(found: dict[str, float] | None) -> str:
    if found is None:
        return ""
    mean, low, high = (_number(found[name]) for name in ("mean", "low", "high"))
    return f"{mean} ({low}–{high})"
