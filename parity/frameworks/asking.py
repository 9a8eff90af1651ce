"""Frameworks and functions as the options of the command line that ask them again."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Any

from parity.frameworks.function import Implementation
from parity.frameworks.interface import Framework
from parity.frameworks.modes import ANY_SUMS
from parity.frameworks.program import Program
from parity.frameworks.table import are_installed
from parity.frameworks.tensors import NUMPY
from parity.records.result import ORACLE


def asking(adapters: Sequence[Framework], *, grad: bool = False) -> tuple[str, ...]:
    """Return the options that name these; none where they are what a command takes by default.

    A function that no module has under its own name is written as MODULE:FUNCTION: no command finds it.
    Functions of gradients are named where these are asked for, with ``grad``.
    """
    names = [each.name for each in adapters if not each.is_a_users]
    options = [] if are_installed(names) else ["--frameworks", ",".join(names) or ORACLE]
    own = [each for each in adapters if isinstance(each, Implementation | Program)]
    options += [word for each in own for word in _options(each, grad=grad)]
    modes = dict.fromkeys(each.declared for each in own if each.declared != ANY_SUMS)
    return (*options, *(word for mode in modes for word in ("--mode", mode)))


def _options(own: Implementation | Program, *, grad: bool) -> list[str]:
    """Return the options that name a user's function, or program."""
    if isinstance(own, Program):
        return ["--contestant", f"{own.name}={shlex.join(own.command)}"]
    functions = {"--impl": own.function, "--impl-grad": own.gradient if grad else None}
    named = [(option, function) for option, function in functions.items() if function is not None]
    words = [(option, importable(function) or "MODULE:FUNCTION") for option, function in named]
    words += [] if own.arrays == NUMPY else [("--arrays", own.arrays)]
    return [word for pair in words for word in pair]


def importable(function: Callable[..., Any] | str) -> str | None:
    """Return MODULE:FUNCTION, if a module that can be imported has the function under its own name."""
    if isinstance(function, str):
        return function
    name, module = getattr(function, "__qualname__", "<"), getattr(function, "__module__", "__main__")
    return f"{module}:{name}" if name.isidentifier() and module != "__main__" else None
