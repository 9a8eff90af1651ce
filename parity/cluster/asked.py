"""What a sweep asks of each worker of a cluster, and whether a worker can do it."""

from __future__ import annotations

import pickle
import platform
from collections.abc import Sequence
from dataclasses import dataclass

from parity.frameworks.distributions import installed_version
from parity.frameworks.interface import Framework
from parity.frameworks.known.divergences import Divergence
from parity.frameworks.table import FrameworkError, find_framework


class UnfitError(Exception):
    """A worker that cannot do what is asked of it; the message says why."""


class EndingError(Exception):
    """A worker that is ending, and is at nothing any more: what it was given is to be given to another."""


@dataclass(frozen=True)
class Asked:
    """Who computes cases, and how; plain data, which a worker without the frameworks can read.

    Attributes:
        frameworks: names of those that are no user's own, in order.
        own: pickled: a user's functions and programs, which come behind them.
        timeout: seconds that a layer may take.
        grad: run the backward passes too.
        divergences: pickled: known differences beside the built-in ones.
        convparity: the version that asks.
        python: its version of Python, without the last number.
    """

    frameworks: tuple[str, ...]
    own: bytes
    timeout: float | None
    grad: bool
    divergences: bytes
    convparity: str | None
    python: str

    @classmethod
    def of(
        cls,
        adapters: Sequence[Framework],
        *,
        timeout: float | None = None,
        grad: bool = False,
        divergences: Sequence[Divergence] = (),
    ) -> Asked:
        """Ask these frameworks, in this version of the project and of Python."""
        return cls(
            tuple(each.name for each in adapters if not each.is_a_users),
            pickle.dumps([each for each in adapters if each.is_a_users]),
            timeout,
            grad,
            pickle.dumps(tuple(divergences)),
            installed_version("convparity"),
            of_python(platform.python_version()),
        )

    def adapters(self) -> list[Framework]:
        """Return the frameworks as they are installed here.

        Raises:
            UnfitError: another version of this project or of Python, or a framework is not installed.
        """
        here = installed_version("convparity")
        if here != self.convparity:
            raise UnfitError(f"it has convparity {here}, and {self.convparity} asks")
        python = of_python(platform.python_version())
        if python != self.python:
            raise UnfitError(f"it has Python {python}, and {self.python} asks")
        try:
            found = [find_framework(name) for name in self.frameworks]
        except FrameworkError as error:
            raise UnfitError(str(error)) from error
        own: list[Framework] = pickle.loads(self.own)  # noqa: S301 - Dask runs what it is sent
        return found + own

    def known(self) -> tuple[Divergence, ...]:
        """Return the known differences beside the built-in ones."""
        found: tuple[Divergence, ...] = pickle.loads(self.divergences)  # noqa: S301 - as above
        return found


def of_python(version: str) -> str:
    """Return a version of Python without its last number, by which nothing changes that is sent."""
    return ".".join(version.split(".")[:2])
