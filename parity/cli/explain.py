"""Print the arithmetic of a case."""

from __future__ import annotations

from typing import Any

import click

from parity.cases.case import Case
from parity.cli.options import (
    case_options,
)
from parity.explain.steps import explain
from parity.records.counts import Outcome


@click.command("explain")
@case_options(values="arange")
def command(**case: Any) -> Outcome:
    """Print the arithmetic of a case, step by step."""
    for line in explain(Case.from_dict(case)):
        click.echo(line)
    return Outcome.EXPLAINED
