"""Cases from hypothesis: many to look at, and the smallest that shows something."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random

from hypothesis import Phase, Verbosity, find, settings
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import SearchStrategy

from parity.case import Case


def draw(strategy: SearchStrategy[Case], seed: str, count: int) -> list[Case]:
    """At most ``count`` different cases, always the same ones of the same seed and version of hypothesis."""
    drawn: dict[Case, None] = {}

    def look(case: Case) -> bool:
        drawn[case] = None
        return False

    with suppress(NoSuchExample):
        _find(strategy, look, seed, count)
    return list(drawn)


def smallest(
    strategy: SearchStrategy[Case], shows: Callable[[Case], bool], seed: str, count: int
) -> Case | None:
    """The first of the cases that :func:`draw` gives for which ``shows`` is true, shrunk while it is.

    Args:
        strategy: what the case is drawn from.
        shows: always the same of the same case.
        seed: of the draw.
        count: of the draw.

    Returns:
        None if none of the cases shows it.
    """
    with suppress(NoSuchExample):
        return _find(strategy, shows, seed, count)
    return None


def _find(strategy: SearchStrategy[Case], shows: Callable[[Case], bool], seed: str, count: int) -> Case:
    chosen = settings(
        max_examples=count,
        phases=(Phase.generate, Phase.shrink),
        deadline=None,
        database=None,
        verbosity=Verbosity.quiet,
    )
    return find(strategy, shows, settings=chosen, random=Random(seed))  # noqa: S311 - no secrets
