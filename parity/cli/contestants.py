"""The options that choose what is compared, for the commands that compare: the others import less."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from parity.cli.options import NAMES, divergences_option, json_option, options, timeout_option
from parity.frameworks.function import implementation
from parity.frameworks.modes import ANY_SUMS, MODES
from parity.frameworks.table import BUILT_IN
from parity.running import contestants
from parity.workers.shared import TIMEOUT

FRAMEWORKS = f"of {', '.join(BUILT_IN)}, and what else `parity frameworks` lists"

contestant_options = options(
    click.option("--frameworks", type=NAMES, help=f"Any {FRAMEWORKS}; all installed ones by default."),
    click.option("--impl", metavar="MODULE:FUNCTION", help="A function of yours, compared beside them."),
    click.option(
        "--mode",
        metavar="NAME",
        help=f"The precision that it computes in: {', '.join(MODES)}.  [default: {ANY_SUMS}]",
    ),
)

run_options = options(
    contestant_options,
    click.option(
        "--grad",
        is_flag=True,
        help="Compare the gradients by input, kernel and bias too; of native and exact layers of frameworks.",
    ),
    timeout_option(TIMEOUT),
    divergences_option,
    json_option,
)


def select_frameworks(
    frameworks: Sequence[str] | None, impl: str | None, mode: str | None, *, grad: bool
) -> list[Any]:
    """Return the adapters that the options name."""
    return contestants(frameworks, implementation(impl) if impl else None, mode=mode, grad=grad)
