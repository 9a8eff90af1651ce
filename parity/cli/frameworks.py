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
from parity.frameworks.table import all_frameworks
from parity.records.counts import Outcome


@click.command("frameworks")
@json_option
def command(as_json: bool) -> Outcome:
    """Print what is installed, in which version, and what it can do; nothing is imported."""
    found = [
        {
            "framework": adapter.name,
            "installed": adapter.why_unavailable() is None,
            "version": None if adapter.why_unavailable() else adapter.version(),
            "backend": None if adapter.why_unavailable() else adapter.backend(),
            "extra": adapter.extra,
            "ops": list(OPS),
            "dtypes": list(DTYPES),
        }
        for adapter in all_frameworks()
    ]
    if as_json:
        json_document(found)
    else:
        show_frameworks(found)
    return Outcome.EXPLAINED


def show_frameworks(found: Sequence[Json]) -> None:
    """Print what is installed, and what would be."""
    table = make_table("framework", "version", "backend", "ops", "dtypes", "to install")
    for each in found:
        install = "" if each["installed"] else f"pip install 'convparity[{each['extra']}]'"
        table.add_row(
            each["framework"],
            each["version"] or "not installed",
            each["backend"] or "",
            ", ".join(each["ops"]),
            ", ".join(each["dtypes"]),
            install,
        )
    print_table(table)
