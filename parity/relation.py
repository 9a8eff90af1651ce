"""What a result is to its reference, seen from the arrays alone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from parity.compare import Comparison, compare
from parity.diagnose import diagnose
from parity.reference import Reference, make_reference
from parity.suspect import Mistake, Suspect
from parity.values import Array
from parity.whereabouts import differing_places, greatest_difference
from parity.windows import MOST_MATCHES, Offset, begins_at, find_windows

__all__ = [
    "MOST_MATCHES",
    "Observation",
    "Offset",
    "Reference",
    "Relation",
    "begins_at",
    "find_windows",
    "make_reference",
    "observe",
]

Relation = Literal["identical", "empty", "unrelated"] | Mistake

_MOST_OTHERS = 3


@dataclass(frozen=True)
class Observation:
    """How a result relates to the reference.

    Attributes:
        relation: "identical"; "empty", with no element to compare; the mistake that explains every value of
            it, such as "window", other elements of the same response; "numeric", within the tolerances where
            bit equality was due, or rounded to a narrower format; "unrelated", none of these.
        offsets: for a window (and for an identical result), how far it begins after the reference does,
            on each axis: in the full response for the transposed ops, in the input for the others. More
            than one where the values leave it open; the one nearest to the reference comes first.
        comparison: with the reference.
        message: the difference in words: both sides, where, and what else it may be. None without one.
    """

    relation: Relation
    offsets: tuple[Offset, ...]
    comparison: Comparison
    message: str | None = None


def observe(result: Array, reference: Reference) -> Observation:
    """Find out how a result relates to the reference."""
    comparison = compare(result, reference.y, reference.case.dtype)
    same = comparison.exact if reference.exact else comparison.allclose
    if same:
        return Observation("identical", ((0,) * reference.case.rank,), comparison)
    if not result.size:
        message = None if comparison.shape_equal else greatest_difference(result, reference.y)
        return Observation("empty", (), comparison, message)
    budget = iter(range(reference.affordable))
    found = diagnose(result, reference, budget)
    fitting = next(found, [])
    if not fitting:
        return _undiagnosed(result, reference, comparison, ended=next(budget, None) is None)
    unclear = _unclear(result)
    others = [*fitting[1:], *(itertools.chain.from_iterable(found) if unclear else ())]
    offsets = tuple(suspect.offset for suspect in fitting if suspect.offset is not None)
    message = "; ".join(
        [fitting[0].text, greatest_difference(result, reference.y), *_ambiguity(unclear, others)]
    )
    return Observation(fitting[0].mistake, offsets, comparison, message)


def _undiagnosed(result: Array, reference: Reference, comparison: Comparison, *, ended: bool) -> Observation:
    sides = greatest_difference(result, reference.y)
    if comparison.allclose:
        message = f"it is close, but integers have to be exact: {sides}"
        return Observation("numeric", (), comparison, message)
    parts = ["its values are unrelated to the reference", sides]
    if comparison.shape_equal:
        parts.append(differing_places(~reference.equal(result.astype(np.float64), reference.y)))
    if ended:
        parts.append("the case is too large to look for every known mistake")
    return Observation("unrelated", (), comparison, "; ".join(parts))


def _unclear(result: Array) -> str | None:
    """Why such a result tells little, if it does."""
    if result.size == 1:
        return "there is a single element"
    return f"every value is {result.flat[0]}" if (result == result.flat[0]).all() else None


def _ambiguity(unclear: str | None, others: Sequence[Suspect]) -> list[str]:
    """What else the result may be, as at most one clause."""
    if not (unclear or others):
        return []
    because = f", since {unclear}" if unclear else ""
    if not others:
        return [f"ambiguous{because}"]
    named = [f"{other.mistake} ({other.text})" for other in others[:_MOST_OTHERS]]
    more = f" and {len(others) - _MOST_OTHERS} more" if len(others) > _MOST_OTHERS else ""
    return [f"ambiguous{because}: as well it may be {', or '.join(named)}{more}"]
