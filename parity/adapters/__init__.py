"""The frameworks: one module each, named in one table, imported when first used.

An adapter module is the one place that knows its framework. It offers the members of :class:`Adapter`; its
``spell`` and ``version`` import nothing of the framework, its ``compute`` does.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from parity.case import Case
from parity.spelling import Spelling, Unsupported
from parity.values import Array, Arrays

MODULES = {
    "numpy": "parity.adapters.numpy",
    "torch": "parity.adapters.torch",
    "keras": "parity.adapters.keras",
}


class FrameworkError(ValueError):
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

    def compute(self, spelling: Spelling, arrays: Arrays) -> Array:
        """Make the layer, give it the weights, and call it: (N, O, *spatial) of the framework's own dtype."""


def adapter(name: str) -> Adapter:
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


def all_adapters() -> list[Adapter]:
    """Every adapter, whether or not its framework is installed."""
    return [_load(name) for name in MODULES]


def installed() -> list[str]:
    """The names of the frameworks that can be used here."""
    return [found.NAME for found in all_adapters() if found.missing() is None]


def _load(name: str) -> Adapter:
    return cast("Adapter", import_module(MODULES[name]))
