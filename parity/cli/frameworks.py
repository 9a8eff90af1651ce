"""Print what is installed."""

from __future__ import annotations

from collections.abc import Sequence

import click

from parity.cases.case import DTYPES, OPS
from parity.cli.options import (
    json_option,
)
from parity.cli.output import (
    Json,
    json_document,
    make_table,
    print_table,
)
from parity.frameworks.interface import Framework
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
    return {
        "framework": framework.name,
        "installed": why is None,
        "version": None if why else framework.version(),
        "backend": None if why else framework.backend(),
        "extra": framework.extra,
        "unavailable": why,
        "ops": list(OPS),
        "dtypes": list(DTYPES),
    }


def show_frameworks(found: Sequence[Json]) -> None:
    """Print what is installed, and what would be."""
    table = make_table("framework", "version", "backend", "ops", "dtypes", "unavailable")
    for each in found:
        table.add_row(
            each["framework"],
            each["version"] or ("" if each["installed"] else "not installed"),
            each["backend"] or "",
            ", ".join(each["ops"]),
            ", ".join(each["dtypes"]),
            each["unavailable"] or "",
        )
    print_table(table)
