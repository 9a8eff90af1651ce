"""The frameworks by name: those of this package, and those that installed distributions offer."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points

from parity.cases.case import Case
from parity.cases.errors import InputError
from parity.frameworks.attempt import attempt, describe
from parity.frameworks.interface import Framework
from parity.frameworks.spelling import Spelling, Unsupported

ENTRY_POINTS = "convparity.frameworks"
"""The group of entry points by which a distribution offers a framework: its name, and its class or object."""

BUILT_IN = {
    "numpy": "parity.frameworks.numpy:NumPy",
    "torch": "parity.frameworks.torch:Torch",
    "keras": "parity.frameworks.keras:Keras",
}
"""The class of each framework of this package, by its name; imported when it is asked for."""


class FrameworkError(InputError):
    """A framework that is not known or not installed; the message says what is, or what to install."""


def find_framework(name: str) -> Framework:
    """Return the framework of this name.

    Raises:
        FrameworkError: there is none of this name, or it cannot be used here.
    """
    if name not in BUILT_IN and name not in _offered():
        raise FrameworkError(f"framework {name!r}: allowed are {', '.join(names())}")
    framework = _made(name)
    missing = framework.why_unavailable()
    if missing is not None:
        raise FrameworkError(f"framework {name!r} {missing}")
    return framework


def names() -> list[str]:
    """List the names of all frameworks, installed or not; nothing of them is imported."""
    return [*BUILT_IN, *_offered()]


def listed() -> list[Framework]:
    """Return every framework, whether or not it can be used or even made."""
    return [_made(name) for name in names()]


def all_frameworks() -> list[Framework]:
    """Return every framework that can be asked for its layers, installed or not."""
    return [framework for framework in listed() if not isinstance(framework, Unavailable)]


def installed() -> list[str]:
    """List the names of the frameworks that can be used here."""
    return [framework.name for framework in all_frameworks() if framework.why_unavailable() is None]


@functools.cache
def _offered() -> Mapping[str, EntryPoint]:
    """Return what installed distributions offer, by name; a name of this package's is not taken over."""
    offered = entry_points(group=ENTRY_POINTS)
    by_name = sorted(offered, key=lambda point: point.name)
    return {point.name: point for point in by_name if point.name not in BUILT_IN}


@functools.cache
def _made(name: str) -> Framework:
    """Make the framework of a name; the mistake of one is no reason for others to fail."""
    point = EntryPoint(name, BUILT_IN[name], ENTRY_POINTS) if name in BUILT_IN else _offered()[name]
    made, _warnings = attempt(partial(_make, point))
    if isinstance(made, BaseException):
        return Unavailable(f"cannot be made by {point.value}: {describe(made)}", point.name)
    return made


def _make(point: EntryPoint) -> Framework:
    """Make a framework, and ask it what everybody asks before anything runs."""
    offered = point.load()
    framework = offered() if isinstance(offered, type) else offered
    if not isinstance(framework, Framework):
        raise TypeError(f"it is no parity.frameworks.interface.Framework but {framework!r}")
    if framework.name != point.name:
        raise ValueError(f"its name is {framework.name!r}, and it is offered as {point.name!r}")
    pickle.dumps(framework)  # it is sent to processes
    if framework.why_unavailable() is None:
        framework.version(), framework.backend()
    return framework


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
