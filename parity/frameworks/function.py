"""A user's own function beside the frameworks."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

import convmm
from convmm.geometry import shown
from parity.cases.arrays import Array
from parity.cases.case import DTYPES, PADDING_MODES, Case
from parity.frameworks.attempt import describe
from parity.frameworks.code.layer import Layer, Name, layer
from parity.frameworks.code.script import Script, function_call, gradient_call
from parity.frameworks.distributions import installed_version, not_installed
from parity.frameworks.interface import Framework, NoOutputError
from parity.frameworks.modes import ANY_SUMS, MODES
from parity.frameworks.precision import Mode
from parity.frameworks.signature import check_takes_mode
from parity.frameworks.source import source_digest
from parity.frameworks.spelling import Spelling, Unsupported, why_not_in_numbers
from parity.frameworks.table import FrameworkError
from parity.frameworks.tensors import ARRAYS, NUMPY, as_returned


@dataclass(frozen=True)
class Implementation(Framework):
    """A function with convmm's signature, as a framework of its own.

    It is called as ``f(x, w, bias=None, *, stride, padding, dilation, groups)``, for the transposed ops
    also with ``output_padding``, with everything explicit: one int per axis, padding as (before, after)
    pairs. Its backward pass is another function, ``g(dy, x, w, *, stride, padding, dilation, groups)``, with
    the same explicit arguments, that returns the gradients by x, w and the bias, (dx, dw, db); of a case
    without a bias, whatever it returns as db is left out. What either cannot do it says by
    ``NotImplementedError``, whose message is the reason.

    Where padding holds anything but zeros, both are called with ``padding_mode`` too; one that does not take
    it is not called.

    Attributes:
        function: itself, or "MODULE:FUNCTION", to be imported by :meth:`load` in the process that calls it;
            None where there is a gradient alone.
        option: what it was given as, for the errors to say.
        declared: one of :data:`parity.frameworks.modes.MODES`, the precision that it is said to compute in.
        gradient: the function of its backward pass, as ``function``; None where there is none.
        arrays: what both are handed, one of :data:`parity.frameworks.tensors.ARRAYS`. What they return may
            be tensors of any library that has DLPack's protocol.

    Raises:
        FrameworkError: no such mode or kind of arrays, or neither function.
    """

    function: Callable[..., Any] | str | None
    option: str = "impl"
    declared: str = ANY_SUMS
    gradient: Callable[..., Any] | str | None = None
    arrays: str = NUMPY

    is_a_users = True
    padding_modes = PADDING_MODES

    def __post_init__(self) -> None:
        """Check the mode, and that there is a function."""
        if self.declared not in MODES:
            raise FrameworkError(f"mode={shown(self.declared)}: allowed are {', '.join(MODES)}")
        if self.arrays not in ARRAYS:
            raise FrameworkError(f"arrays={shown(self.arrays)}: allowed are {', '.join(ARRAYS)}")
        package = "tensorflow-cpu" if self.arrays == "tensorflow" else self.arrays
        if installed_version(self.arrays, package) is None:
            raise FrameworkError(f"arrays={shown(self.arrays)} {not_installed(self.arrays, self.arrays)}")
        if self.function is None and self.gradient is None:
            raise FrameworkError("impl None: allowed beside a gradient function only")

    @property
    def name(self) -> str:
        """The function's name, MODULE:FUNCTION; where there is a gradient alone, that one's."""
        return _name(self.gradient if self.function is None else self.function)

    @property
    def is_importable(self) -> bool:
        """Whether another process can import all of it."""
        return all(isinstance(each, str) for each in (self.function, self.gradient) if each is not None)

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return the calls with the case's arguments, all explicit."""
        missing = why_not_in_numbers(case)
        if missing:
            return [missing]
        own = None if self.gradient is None else _call(self.gradient, case)
        if self.function is not None:
            return [Spelling("native", _call(self.function, case), meaning=case, own_backward=own)]
        assert own is not None  # noqa: S101 - there is one of the two
        return [Spelling("native", own, meaning=case, own_backward=own, gives_output=False)]

    def mode(self, case: Case) -> Mode:
        """Return the mode that was declared."""
        return MODES[self.declared](case.dtype)

    def mode_of_gradients(self, case: Case) -> Mode:
        """Return the mode that was declared."""
        return self.mode(case)

    def load(self) -> None:
        """Import the functions of which only names are given; modules of the working folder are found too.

        Raises:
            FrameworkError: no such module or function, or not callable; or the module's own import fails.
        """
        if isinstance(self.function, str):
            _import(self.function, self.option)
        if isinstance(self.gradient, str):
            _import(self.gradient, GRADIENT_OPTION)

    def pin(self, threads: int) -> dict[str, Any]:
        """Set the threads of NumPy's matrix products and the core's; other switches are the function's.

        Beside them it tells the mode that was declared, and which code the functions are that :meth:`load`
        has imported: a record of other code is not to be gone on with.
        """
        threadpool_limits(threads)
        convmm.set_threads(threads)
        if self.arrays == "torch":
            import_module("torch").set_num_threads(threads)
        given = {"source": (self.function, self.option), "gradient_source": (self.gradient, GRADIENT_OPTION)}
        sources = {
            key: source_digest(_import(text, option), text.partition(":")[0])
            for key, (text, option) in given.items()
            if isinstance(text, str)
        }
        return {"threads": threads, "mode": self.declared, "arrays": self.arrays, **sources}

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:
        """Call the function, on the arrays that it is handed."""
        check_takes_mode(layer)
        given = [ARRAYS[self.arrays](array) for array in (x, *weights)]
        return as_returned(layer(*given))  # type: ignore[return-value] # what it is, is looked at by the caller

    def calling(self, dtype: str) -> Script:
        """Return a call of the function; where only its name is given, its module is imported first."""
        return function_call(dtype, *_module(self.function), arrays=self.arrays)

    @property
    def unsupported_by(self) -> tuple[type[BaseException], ...]:
        """NotImplementedError: a function may do a part of the operation only, and say so."""
        return (NotImplementedError,)

    def differentiating(self, dtype: str) -> Script:
        """Return a call of the gradient function, as :meth:`calling`."""
        return gradient_call(dtype, *_module(self.gradient), arrays=self.arrays)

    def why_no_gradients(self) -> str | None:
        """Return that without a function of its gradients there are none, or None."""
        if self.gradient is not None:
            return None
        return f"{self.name} is a function, and no impl_grad gives a backward pass to run"

    def backward(
        self, layer: Any, weights: Sequence[Array], x: Array, dy: Array
    ) -> tuple[Array, Sequence[Array]]:
        """Call the gradient function."""
        check_takes_mode(layer)
        kernel, *bias = weights
        found = layer(*(ARRAYS[self.arrays](array) for array in (dy, x, kernel)))
        if not isinstance(found, tuple | list):
            raise NoOutputError(f"it returned no tuple of gradients but {type(found).__name__}")
        if len(found) != _GRADIENTS:
            raise NoOutputError(f"it returned {len(found)} gradients, and allowed are {_ALL_GRADIENTS}")
        by_input, by_kernel, by_bias = found
        if bias and by_bias is None:
            raise NoOutputError("it returned None for the gradient by bias, and the case has a bias")
        gradients = (by_input, by_kernel, *(by_bias for _ in bias))
        own_input, *own_weights = (as_returned(each) for each in gradients)
        return own_input, own_weights  # type: ignore[return-value] # as of call


GRADIENT_OPTION = "impl_grad"
"""What a gradient function is given as."""

_GRADIENTS = 3
_ALL_GRADIENTS = f"{_GRADIENTS}: by input, by kernel, by bias"


def implementations(
    function: Callable[..., Any] | str | Implementation | None,
    mode: str | None,
    gradient: Callable[..., Any] | str | None = None,
    arrays: str | None = None,
) -> list[Implementation]:
    """Return the function, if there is one, with its gradient's and the mode that is declared, if one is.

    Raises:
        FrameworkError: no such mode, or a mode of no function; a text that is not MODULE:FUNCTION.
    """
    if isinstance(function, str):
        function = implementation(function)
    if function is None and gradient is None:
        if mode is not None:
            raise FrameworkError(
                f"mode={shown(mode)} without impl: it says in which precision impl's function computes"
            )
        if arrays is not None:
            raise FrameworkError(f"arrays={shown(arrays)} without impl: they are what its function is handed")
        return []
    own = function if isinstance(function, Implementation) else Implementation(function, gradient=gradient)
    if gradient is not None:
        own = replace(own, gradient=_checked(gradient, GRADIENT_OPTION))
    changes = {"declared": mode, "arrays": arrays}
    return [replace(own, **{name: value for name, value in changes.items() if value is not None})]


def implementation(text: str, option: str = "impl") -> Implementation:
    """Return the function that MODULE:FUNCTION names, not imported yet.

    Args:
        text: the name.
        option: what it was given as, for the errors to say.

    Raises:
        FrameworkError: not of that form.
    """
    return Implementation(_checked(text, option), option)


def _checked(function: Callable[..., Any] | str, option: str) -> Callable[..., Any] | str:
    if isinstance(function, str):
        module, colon, name = function.partition(":")
        if not (module and colon and name):
            raise FrameworkError(
                f"{option} {shown(function)}: allowed is MODULE:FUNCTION, as in mykernels:conv2d"
            )
    return function


def _name(function: Callable[..., Any] | str | None) -> str:
    if isinstance(function, str):
        return function
    named: Any = function if hasattr(function, "__name__") else type(function)
    return f"{named.__module__}:{named.__name__}"


def _module(function: Callable[..., Any] | str | None) -> tuple[str, ...]:
    """Return the module to import, where only the function's name is given."""
    return (function.partition(":")[0],) if isinstance(function, str) else ()


def _call(function: Callable[..., Any] | str, case: Case) -> Layer:
    """Return the function with the case's arguments, as code."""
    named = Name(function) if isinstance(function, str) else Name(_name(function), function)
    return layer("functools.partial", named, **case.explicit)


def usual_dtypes(adapters: Iterable[Framework]) -> tuple[str, ...]:
    """Return the dtypes of cases where nobody named any: all, and beside a function float32 alone.

    Whether a function is for others too its user says: what NumPy computes is not all that it computes of
    bfloat16, and a mistake of the function is found in any of them.
    """
    return ("float32",) if any(each.is_a_users for each in adapters) else DTYPES


@functools.cache
def _import(text: str, option: str) -> Callable[..., Any]:
    module, _, function = text.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: object = getattr(import_module(module), function)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise FrameworkError(f"{option} {shown(text)} cannot be imported: {describe(error)}") from error
    if not callable(found):
        raise FrameworkError(f"{option} {shown(text)}: {function} is no function but {type(found).__name__}")
    return found
