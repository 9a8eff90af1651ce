"""The frameworks: one module each, named in one table, imported when first used.

An adapter module is the one place that knows its framework. It offers the members of :class:`Adapter`; its
``spell`` and ``version`` import nothing of the framework, ``load`` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol, cast

from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.cases.errors import InputError
from parity.frameworks.code.expression import Call
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.script import Conversion, Script
from parity.frameworks.precision import Mode
from parity.frameworks.spelling import Spelling, Unsupported

MODULES = {
    "numpy": "parity.frameworks.numpy",
    "torch": "parity.frameworks.torch",
    "keras": "parity.frameworks.keras",
}


class FrameworkError(InputError):
    """A framework that is not known or not installed; the message says what is, or what to install."""


class Adapter(Protocol):
    """What ``parity`` needs to know of a framework."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of the module
        """Its name on the command line."""

    @property
    def EXTRA(self) -> str | None:  # noqa: N802 - a constant of the module
        """The extra of this distribution that installs it, or None."""

    def missing(self) -> str | None:
        """Why it cannot be used here and what to do about it, as "needs …", or None."""

    def version(self) -> str | None:
        """The installed version, from its metadata."""

    def backend(self) -> str | None:
        """What computes underneath, with its version, where that is another distribution."""

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """The framework's layers for this case, the native one or the reason for its lack first."""

    def mode(self, case: Case) -> Mode:
        """In which precision it computes the case."""

    def load(self) -> object:
        """Import the framework, with its switches set; called before its layers are made."""

    def pin(self, threads: int) -> dict[str, Any]:
        """Set what changes numbers for the whole process, and the compute threads; what is set now, by name.

        For a process of the framework's own, after :meth:`load` and before anything is computed.
        """

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:
        """Give a layer its weights and call it: (N, C, *spatial) to (N, O, *spatial), in its own dtype."""

    def calling(self, dtype: str) -> Script:
        """What :meth:`call` does, as statements for a reader who has the framework and NumPy only.

        They find ``layer``, its weights in the list ``converted`` and ``x``, (N, C, *spatial), in float64,
        with values that the dtype has, and leave ``y``, (N, O, *spatial), in float64.
        """

    def forward_only(self) -> str | None:
        """Why no gradients can be had of it, in one sentence, or None."""

    def backward(
        self, layer: Any, weights: Sequence[Array], x: Array, dy: Array
    ) -> tuple[Array, Sequence[Array]]:
        """The gradients of the sum of output * ``dy``, by the framework's own differentiation.

        Returns:
            By the input, (N, C, *spatial), and by each of the weights, in the layer's order and layout.
        """


class Framework(Adapter, Protocol):
    """What translating needs to know beside, and testing: a framework whose layers people write in code."""

    @property
    def TO_CONVMM(self) -> tuple[str, ...]:  # noqa: N802 - a constant of the module
        """Statements that bring the framework's own ``kernel`` into convmm's layout."""

    @property
    def FROM_CONVMM(self) -> Conversion:  # noqa: N802 - a constant of the module
        """From convmm's kernel and bias to the arrays of the framework's own layers."""

    @property
    def CLASSES(self) -> Mapping[str, str]:  # noqa: N802 - a constant of the module
        """The names of its layers' classes, and the operation of each."""

    def read(self, call: Call) -> Reading:
        """What a layer's expression says; the call's name is one of ``CLASSES``."""

    def activation(self, name: str) -> str | None:
        """A statement that puts this activation behind ``layer``, or None where there is no twin."""

    def owns(self, thing: object) -> bool:
        """Whether this is a layer of the framework, of any class; nothing is imported to find out."""

    def written(self, layer: Any) -> str:
        """A layer that is there, as code where its class is known."""

    def exact(self, case: Case, *, any_size: bool = False) -> list[Spelling]:
        """Layers put together that compute the case, also where a native one does; none without an output."""


def adapter(name: str) -> Framework:
    """The adapter of this name.

    Raises:
        FrameworkError: there is none of this name, or its framework is not installed.
    """
    if name not in MODULES:
        raise FrameworkError(f"framework {name!r}: allowed are {', '.join(MODULES)}")
    found = _load(name)
    missing = found.missing()
    if missing is not None:
        raise FrameworkError(f"framework {name!r} {missing}")
    return found


def all_adapters() -> list[Framework]:
    """Every adapter, whether or not its framework is installed."""
    return [_load(name) for name in MODULES]


def installed() -> list[str]:
    """The names of the frameworks that can be used here."""
    return [found.NAME for found in all_adapters() if found.missing() is None]


def _load(name: str) -> Framework:
    return cast("Framework", import_module(MODULES[name]))
