"""What an assertion runs among: nothing, or what a test runner wants compared and recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # pytest's plugin imports this in every run, whether or not it is used
    from parity.cases.case import Case
    from parity.cases.verdict import Verdict
    from parity.frameworks.interface import Framework
    from parity.records.result import CaseResult

Keep = Callable[["CaseResult", "Sequence[Framework]"], None]
"""Takes note of a comparison and of the frameworks in it, before it is judged."""


@dataclass(frozen=True)
class Surroundings:
    """What is compared where a test does not say, and who wants to know what came of it.

    Attributes:
        frameworks: the names of those that are compared where none are named; None for all installed ones.
        keep: takes note of a comparison; None where nobody does.
        expected: the verdict that a case has to have, of those that a suite expects one of.
    """

    frameworks: Sequence[str] | None = None
    keep: Keep | None = None
    expected: Mapping[Case, Verdict] = field(default_factory=dict)


_surroundings = [Surroundings()]


def current() -> Surroundings:
    """Return those of the innermost :func:`surrounded`, or none."""
    return _surroundings[-1]


@contextmanager
def surrounded(surroundings: Surroundings) -> Iterator[None]:
    """Have assertions run in other surroundings meanwhile."""
    _surroundings.append(surroundings)
    try:
        yield
    finally:
        _surroundings.remove(surroundings)
