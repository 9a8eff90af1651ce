"""A user's own function beside the frameworks."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

import convmm
from parity.cases.case import Case
from parity.frameworks.code.layer import Name, layer
from parity.frameworks.code.script import Script, function_call
from parity.frameworks.interface import Framework
from parity.frameworks.modes import ANY_SUMS, MODES
from parity.frameworks.precision import Mode
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.table import FrameworkError


@dataclass(frozen=True)
class Implementation(Framework):
    """A function with convmm's signature, as a framework of its own.

    It is called as ``f(x, w, bias=None, *, stride, padding, dilation, groups)``, for the transposed ops
    also with ``output_padding``, with everything explicit: one int per axis, padding as (before, after)
    pairs.

    Attributes:
        function: itself, or "MODULE:FUNCTION", to be imported by :meth:`load` in the process that calls it.
        option: what it was given as, for the errors to say.
        declared: one of :data:`parity.frameworks.modes.MODES`, the precision that it is said to compute in.

    Raises:
        FrameworkError: no such mode.
    """

    function: Callable[..., Any] | str
    option: str = "impl"
    declared: str = ANY_SUMS

    def __post_init__(self) -> None:
        """Check the mode."""
        if self.declared not in MODES:
            raise FrameworkError(f"mode={self.declared!r}: allowed are {', '.join(MODES)}")

    @property
    def name(self) -> str:
        """The function's name."""
        if isinstance(self.function, str):
            return self.function.partition(":")[2]
        return getattr(self.function, "__name__", type(self.function).__name__)

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return the call with the case's arguments."""
        named = (
            Name(self.function.replace(":", "."))
            if isinstance(self.function, str)
            else Name(self.name, self.function)
        )
        call = layer("functools.partial", named, **case.explicit)
        return [Spelling("native", call, meaning=case)]

    def mode(self, case: Case) -> Mode:
        """Return the mode that was declared."""
        return MODES[self.declared](case.dtype)

    def load(self) -> None:
        """Import the function where only its name is given; modules of the working folder are found too.

        Raises:
            FrameworkError: no such module or function, or not callable; or the module's own import fails.
        """
        if isinstance(self.function, str):
            _import(self.function, self.option)

    def pin(self, threads: int) -> dict[str, Any]:
        """Set the threads of NumPy's matrix products and the core's; other switches are the function's."""
        threadpool_limits(threads)
        convmm.set_threads(threads)
        return {"threads": threads}

    def calling(self, dtype: str) -> Script:
        """Return a call of the function; where only its name is given, its module is imported first."""
        module = (self.function.partition(":")[0],) if isinstance(self.function, str) else ()
        return function_call(dtype, *module)

    def why_no_gradients(self) -> str:
        """Return that a function says nothing of gradients."""
        return f"{self.name} is a function, and a function has no backward pass to run"


def implementations(
    function: Callable[..., Any] | str | Implementation | None, mode: str | None
) -> list[Implementation]:
    """Return the function, if there is one, in the mode that is declared, if one is.

    Raises:
        FrameworkError: no such mode, or a mode of no function; a text that is not MODULE:FUNCTION.
    """
    if isinstance(function, str):
        function = implementation(function)
    if function is not None:
        own = function if isinstance(function, Implementation) else Implementation(function)
        return [own if mode is None else replace(own, declared=mode)]
    if mode is not None:
        raise FrameworkError(
            f"mode={mode!r} without impl: it says in which precision impl's function computes"
        )
    return []


def implementation(text: str, option: str = "impl") -> Implementation:
    """Return the function that MODULE:FUNCTION names, not imported yet.

    Args:
        text: the name.
        option: what it was given as, for the errors to say.

    Raises:
        FrameworkError: not of that form.
    """
    module, colon, function = text.partition(":")
    if not (module and colon and function):
        raise FrameworkError(f"{option} {text!r}: allowed is MODULE:FUNCTION, as in mykernels:conv2d")
    return Implementation(text, option)


@functools.cache
def _import(text: str, option: str) -> None:
    module, _, function = text.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = getattr(import_module(module), function)
    except Exception as error:
        raise FrameworkError(
            f"{option} {text!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if not callable(found):
        raise FrameworkError(f"{option} {text!r}: {function} is no function but {type(found).__name__}")
