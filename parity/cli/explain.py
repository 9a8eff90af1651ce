"""Print the arithmetic of a case."""

from __future__ import annotations

from typing import Any

import click

from parity.cli.arrays import BiasOrFile, case_and_arrays
from parity.cli.options import case_options
from parity.cli.streams import say
from parity.explain.steps import explain
from parity.records.counts import Outcome


@click.command("explain", cls=BiasOrFile)
@case_options(values="arange", own=True)
def command(**case: Any) -> Outcome:
    """Print the arithmetic of a case, step by step."""
    for line in explain(*case_and_arrays(case)):
        say(line)
    return Outcome.EXPLAINED
