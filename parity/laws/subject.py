"""What is checked: one implementation, and who computes the opposite of its operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from parity.cases.errors import InputError
from parity.frameworks.function import implementation, implementations
from parity.frameworks.interface import Framework
from parity.frameworks.table import find_framework


class SelfCheckError(InputError):
    """What cannot be checked alone: the message names the argument, its value and what is allowed."""


@dataclass(frozen=True)
class Subject:
    """What is checked.

    Attributes:
        implementation: computes the case.
        opposite: computes the opposite operation; None for the core's gradient in its place.
        options: those of the command line that name the two.
    """

    implementation: Framework
    opposite: Framework | None
    options: tuple[str, ...] = ()

    @property
    def adapters(self) -> list[Framework]:
        """The two, or the one that is both."""
        return list(
            dict.fromkeys(found for found in (self.implementation, self.opposite) if found is not None)
        )


def choose_subject(
    frameworks: Sequence[str] | None, impl: str | None, adjoint: str | None, impl_grad: str | None = None
) -> Subject:
    """Return the one implementation that the options name.

    Args:
        frameworks: names, of which there has to be one where there is no ``impl``.
        impl: MODULE:FUNCTION, with convmm's signature.
        adjoint: the same, of the opposite operation; beside ``impl`` only.
        impl_grad: MODULE:FUNCTION of its backward pass; beside ``impl`` only.

    Raises:
        SelfCheckError: there is not exactly one implementation, or a function beside a framework.
        FrameworkError: an unknown framework, one that is not installed, or no such function.
    """
    if impl is None:
        if adjoint is not None:
            raise SelfCheckError(
                f"adjoint {adjoint!r}: allowed is one beside an impl; a framework has its own opposite layer"
            )
        if impl_grad is not None:
            raise SelfCheckError(
                f"impl_grad {impl_grad!r}: allowed is one beside an impl; a framework has a backward pass"
            )
        return _framework(frameworks)
    if frameworks is not None:
        raise SelfCheckError(f"frameworks {_text(frameworks)}: allowed beside an impl is none")
    [function] = implementations(impl, None, impl_grad)
    opposite = None if adjoint is None else implementation(adjoint, "adjoint")
    given = {"--impl": impl, "--adjoint": adjoint, "--impl-grad": impl_grad}
    options = [word for option, name in given.items() if name is not None for word in (option, name)]
    return Subject(function, opposite, tuple(options))


def _framework(names: Sequence[str] | None) -> Subject:
    if names is None or len(names) != 1:
        raise SelfCheckError(f"frameworks {_text(names)}: allowed is one, or an impl instead")
    found = find_framework(names[0])
    return Subject(found, found, ("--frameworks", found.name))


def _text(names: Sequence[str] | None) -> str:
    return "none" if names is None else repr(",".join(names))
