"""What became of a result, in the few words that a page has colours for."""

from __future__ import annotations

from typing import NamedTuple

from parity.records.counts import classify, ended_badly
from parity.records.result import Result


class Outcome(NamedTuple):
    """A word for what became of results.

    Attributes:
        name: of its colour in the theme, and of its mark.
        sign: a character that stands for it beside the colour.
        words: what it means.
    """

    name: str
    sign: str
    words: str


OUTCOMES = (
    Outcome("wrong", "✗", "unexplained"),
    Outcome("crashed", "!", "crashed or out of time"),
    Outcome("known", "K", "a known difference"),
    Outcome("window", "≠", "differs as predicted"),
    Outcome("refused", "∅", "refused"),
    Outcome("absent", "○", "no such layer"),
    Outcome("empty", "–", "nothing to compare"),
    Outcome("agree", "✓", "agrees"),
)
"""All of them, what asks for attention first."""

_BY_NAME = {each.name: place for place, each in enumerate(OUTCOMES)}

_OF_CLASS = {
    "agree": "agree",
    "differ in shape": "window",
    "differ in value": "window",
    "empty": "empty",
    "no verdict": "empty",
    "refused": "refused",
    "unsupported": "absent",
    "failed": "crashed",
}


def outcome_of(result: Result) -> int:
    """Return the place in :data:`OUTCOMES` of what became of a result."""
    if result.divergence is not None:
        name = "known"
    elif not result.explained:
        name = "crashed" if ended_badly(result) else "wrong"
    else:
        name = _OF_CLASS[classify(result)]
    return _BY_NAME[name]
