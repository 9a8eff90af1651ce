"""Cases from hypothesis: many to look at, and the smallest that shows something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random

from hypothesis import Phase, Verbosity, find, settings
from hypothesis.errors import NoSuchExample, Unsatisfiable
from hypothesis.strategies import SearchStrategy

from parity.cases.case import Case

_BATCH = 10
"""Cases from one run of hypothesis: from the eleventh on it varies those before, and runs get very unlike."""


def draw(strategy: SearchStrategy[Case], seed: str, count: int) -> Iterator[tuple[Case, str]]:
    """Draw at most ``count`` different cases, the same ones for the same seed and version of hypothesis.

    Of a strategy whose filter nothing passes there are none.

    Yields:
        A case, and the seed from which :func:`smallest` draws it again.
    """
    drawn: set[Case] = set()
    for number in range(-(-count // _BATCH)):
        for case in _batch(strategy, f"{seed} {number}"):
            if case not in drawn and len(drawn) < count:
                drawn.add(case)
                yield case, f"{seed} {number}"


def smallest(strategy: SearchStrategy[Case], shows: Callable[[Case], bool], seed: str) -> Case | None:
    """Shrink the first of the cases drawn from a seed for which ``shows`` is true, while it is.

    Args:
        strategy: what the case is drawn from.
        shows: always the same of the same case.
        seed: one that :func:`draw` gave.

    Returns:
        None if it is true of none of them.
    """
    with suppress(NoSuchExample, Unsatisfiable):
        return _find(strategy, shows, seed)
    return None


def _batch(strategy: SearchStrategy[Case], seed: str) -> list[Case]:
    cases: list[Case] = []

    def look(case: Case) -> bool:
        cases.append(case)
        return False

    with suppress(NoSuchExample, Unsatisfiable):
        _find(strategy, look, seed)
    return cases


def _find(strategy: SearchStrategy[Case], shows: Callable[[Case], bool], seed: str) -> Case:
    chosen = settings(
        max_examples=_BATCH,
        phases=(Phase.generate, Phase.shrink),
        deadline=None,
        database=None,
        verbosity=Verbosity.quiet,
    )
    return find(strategy, shows, settings=chosen, random=Random(seed))  # noqa: S311 - no secrets
