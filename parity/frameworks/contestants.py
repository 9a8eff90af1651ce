"""Who is compared: frameworks by name, a function, and programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from convmm.geometry import shown
from parity.frameworks.function import Implementation, implementations
from parity.frameworks.interface import Framework
from parity.frameworks.program import programs as started
from parity.frameworks.table import FrameworkError, find_framework, installed


def contestants(
    frameworks: Sequence[str] | None,
    impl: Callable[..., Any] | str | Implementation | None = None,
    *,
    impl_grad: Callable[..., Any] | str | None = None,
    mode: str | None = None,
    arrays: str | None = None,
    programs: Sequence[str] = (),
    grad: bool = False,
) -> list[Framework]:
    """Return these frameworks (None: all that are installed), the function, and the programs.

    Raises:
        FrameworkError: as :func:`run`, or a name is given twice.
    """
    if isinstance(frameworks, str):
        raise FrameworkError(f"frameworks={shown(frameworks)}: allowed is a list of names")
    found: list[Framework] = [
        find_framework(name) for name in (installed() if frameworks is None else frameworks)
    ]
    if impl_grad is not None and not grad:
        raise FrameworkError(
            f"impl_grad={shown(impl_grad)}: allowed where gradients are asked for, with grad"
        )
    own_programs = started(programs, mode)
    own_mode = None if own_programs and impl is None and impl_grad is None else mode
    found += implementations(impl, own_mode, impl_grad, arrays)
    found += own_programs
    for name, count in Counter(each.name for each in found).items():
        if count > 1:  # results are told apart by the name
            raise FrameworkError(
                f"framework {shown(name)} is given {count} times: allowed is once, functions and programs "
                "included"
            )
    reasons = [each.why_no_gradients() for each in found]
    if grad and reasons and all(reasons):
        raise FrameworkError(
            f"gradients were asked for, and nothing here has any: {'; '.join(map(str, reasons))}"
        )
    return found
