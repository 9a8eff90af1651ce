"""The frameworks by name: those of this package, and those that installed distributions offer."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from parity.cases.case import Case
from parity.cases.errors import InputError
from parity.frameworks.attempt import describe
from parity.frameworks.interface import Framework
from parity.frameworks.spelling import Spelling, Unsupported

BUILT_IN = {
    "numpy": "parity.frameworks.numpy:NumPy",
    "torch": "parity.frameworks.torch:Torch",
    "keras": "parity.frameworks.keras:Keras",
}
"""The class of each framework of this package, imported when it is asked for."""

ENTRY_POINTS = "convparity.frameworks"
"""The group of entry points by which a distribution offers a framework: its name, and MODULE:CLASS."""


class FrameworkError(InputError):
    """A framework that is not known or not installed; the message says what is, or what to install."""


def find_framework(name: str) -> Framework:
    """Return the framework of this name.

    Raises:
        FrameworkError: there is none of this name, or it cannot be used here.
    """
    if name not in names():
        raise FrameworkError(f"framework {name!r}: allowed are {', '.join(names())}")
    framework = _made(name)
    missing = framework.why_unavailable()
    if missing is not None:
        raise FrameworkError(f"framework {name!r} {missing}")
    return framework


def names() -> list[str]:
    """List the names of all frameworks, installed or not; nothing of them is imported."""
    return [*BUILT_IN, *_offered()]


def all_frameworks() -> list[Framework]:
    """Return every framework, whether or not it can be used."""
    return [_made(name) for name in names()]


def installed() -> list[str]:
    """List the names of the frameworks that can be used here."""
    return [framework.name for framework in all_frameworks() if framework.why_unavailable() is None]


@functools.cache
def _offered() -> Mapping[str, EntryPoint]:
    """Return what installed distributions offer, by name; a name of this package's is not taken over."""
    offered = entry_points(group=ENTRY_POINTS)
    return {point.name: point for point in offered if point.name not in BUILT_IN}


@functools.cache
def _made(name: str) -> Framework:
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        built_in: Framework = getattr(import_module(module), attribute)()
        return built_in
    return _from_entry_point(_offered()[name])


def _from_entry_point(point: EntryPoint) -> Framework:
    try:
        framework = point.load()()
    except Exception as error:  # noqa: BLE001 - another distribution's code, and no reason for others to fail
        return Unavailable(f"cannot be made by {point.value}: {describe(error)}", point.name)
    if isinstance(framework, Framework) and framework.name == point.name:
        return framework
    return Unavailable(
        f"is no parity.frameworks.interface.Framework of this name, but {framework!r}", point.name
    )


@dataclass(frozen=True)
class Unavailable(Framework):
    """A framework that a distribution offers and that cannot be made.

    Attributes:
        why: the reason, as the end of a sentence that begins with its name.
        name: what it is offered as.
    """

    why: str
    name: str = "unavailable"

    def why_unavailable(self) -> str:
        """Return the reason."""
        return self.why

    def spell(self, case: Case) -> list[Spelling | Unsupported]:  # noqa: ARG002 - it has none for any
        """Return that it has no layer."""
        return [Unsupported(f"{self.name} {self.why}")]
