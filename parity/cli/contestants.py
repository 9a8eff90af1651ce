"""The options that choose what is compared, for the commands that compare: the others import less."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from parity.cases.notation import parse_names
from parity.cli.options import Notation, divergences_option, json_option, options, timeout_option
from parity.frameworks.contestants import contestants
from parity.frameworks.modes import ANY_SUMS, MODES
from parity.frameworks.table import BUILT_IN, on_device
from parity.frameworks.tensors import ARRAYS, NUMPY
from parity.workers.shared import TIMEOUT

FRAMEWORKS = f"of {', '.join(BUILT_IN)}, and what else `parity frameworks` lists, with +ROUTE"

FRAMEWORK_NAME = Notation("name", str, BUILT_IN)
FRAMEWORK_NAMES = Notation("names", parse_names, BUILT_IN)

impl_grad_option = click.option(
    "--impl-grad",
    metavar="MODULE:FUNCTION",
    help="Your function of its gradients, f(dy, x, w, ...) returning (dx, dw, db).",
)

grad_option = click.option(
    "--grad",
    is_flag=True,
    help="Compare the gradients by input, kernel and bias too; of native and exact layers of frameworks.",
)

contestant_options = options(
    click.option("--frameworks", type=FRAMEWORK_NAMES, help=f"Any {FRAMEWORKS}; all installed by default."),
    click.option(
        "--device",
        metavar="NAME",
        help="What frameworks named without @DEVICE compute on, as in cuda; by default all that have it.",
    ),
    click.option(
        "--impl",
        metavar="MODULE:FUNCTION",
        help="A function of yours, compared beside them: f(x, w, bias=None, *, stride, padding, dilation, "
        "groups), of transposed ops also output_padding; one int per axis, padding as (before, after) pairs.",
    ),
    impl_grad_option,
    click.option(
        "--arrays",
        metavar="NAME",
        help=f"What --impl and --impl-grad are handed: {', '.join(ARRAYS)}; they may return any of these.  "
        f"[default: {NUMPY}]",
    ),
    click.option(
        "--contestant",
        "programs",
        multiple=True,
        metavar="NAME=COMMAND",
        help="A program of yours, compared beside them: it reads and writes lines of JSON.",
    ),
    click.option(
        "--mode",
        metavar="NAME",
        help=f"The precision that yours compute in: {', '.join(MODES)}.  [default: {ANY_SUMS}]",
    ),
    grad_option,
)

run_options = options(
    contestant_options,
    timeout_option(TIMEOUT),
    divergences_option,
    json_option,
)


def select_frameworks(
    frameworks: Sequence[str] | None,
    impl: str | None,
    impl_grad: str | None,
    mode: str | None,
    arrays: str | None,
    programs: Sequence[str],
    device: str | None,
    *,
    grad: bool,
) -> list[Any]:
    """Return the adapters that the options name."""
    if device is not None:
        frameworks = on_device(frameworks, device)
    return contestants(
        frameworks, impl, impl_grad=impl_grad, mode=mode, arrays=arrays, programs=programs, grad=grad
    )
