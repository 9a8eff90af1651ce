"""Print what is installed."""

from __future__ import annotations

from collections.abc import Sequence

import click

from parity.cases.case import DTYPES, Case
from parity.cases.op import OPS, Op
from parity.cli.options import (
    json_option,
)
from parity.cli.output import Json, json_document
from parity.cli.tables import make_table, print_table
from parity.frameworks.interface import Framework
from parity.frameworks.known.registry import layers_of
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import listed
from parity.records.counts import Outcome


@click.command("frameworks")
@json_option
def command(as_json: bool) -> Outcome:
    """Print what is installed, in which version, and what it can do; nothing is imported."""
    found = [_described(framework) for framework in listed()]
    if as_json:
        json_document(found)
    else:
        show_frameworks(found)
    return Outcome.EXPLAINED


def _described(framework: Framework) -> Json:
    why = framework.why_unavailable()
    natives = {(op, dtype) for op in OPS for dtype in DTYPES if _has_native(framework, op, dtype)}
    return {
        "framework": framework.name,
        "installed": why is None,
        "version": None if why else framework.version(),
        "backend": None if why else framework.backend(),
        "extra": framework.extra,
        "unavailable": why,
        "routes": list(framework.routes),
        "devices": ["cpu", *framework.devices],
        "ops": [op for op in OPS if any(op == each for each, _ in natives)],
        "dtypes": [dtype for dtype in DTYPES if any(dtype == each for _, each in natives)],
    }


def _has_native(framework: Framework, op: str, dtype: str) -> bool:
    """Return whether it has a layer of its own for the plainest case of an operation in a dtype."""
    sizes = (4,) * Op.of(op).rank
    first = layers_of(framework, Case(op, (1, 2, *sizes), 2, 3, dtype=dtype))[0]
    return isinstance(first, Spelling) and (first.refusal is None or not first.refusal.certain)


def show_frameworks(found: Sequence[Json]) -> None:
    """Print what is installed, and what would be."""
    table = make_table("framework", "version", "backend", "routes, devices", "ops", "dtypes", "unavailable")
    for each in found:
        ways = [f"+{route}" for route in each["routes"]] + [f"@{device}" for device in each["devices"][1:]]
        table.add_row(
            each["framework"],
            each["version"] or ("" if each["installed"] else "not installed"),
            each["backend"] or "",
            ", ".join(ways),
            ", ".join(each["ops"]),
            ", ".join(each["dtypes"]),
            each["unavailable"] or "",
        )
    print_table(table)
