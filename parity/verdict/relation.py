"""What a result is to its reference, in a word and in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from parity.verdict.compare import Comparison
from parity.verdict.diagnosis.suspect import Mistake, Offset

Relation = Literal["identical", "empty", "no verdict", "extremes", "unrelated"] | Mistake

NO_VERDICT = "no verdict: with so many terms in so few digits, the bound on the error says nothing"


@dataclass(frozen=True)
class Observation:
    """How a result relates to the reference.

    Attributes:
        relation: "identical"; "empty", with no element to compare; the mistake that explains every value of
            it, such as "window", other elements of the same response; "numeric", close where bit equality
            was due, or computed in a narrower format; "no verdict", where the bound on the error says
            nothing; "extremes", differing only where it or the reference is infinite, NaN or the largest
            number there is; "unrelated", none of these.
        offsets: for a window (and for an identical result), how far it begins after the reference does,
            on each axis: in the full response for the transposed ops, in the input for the others. More
            than one where the values leave it open; the one nearest to the reference comes first.
        comparison: with the reference.
        message: the difference in words: both sides, where, and what else it may be. None without one.
        bound_ratio: the largest error over its bound; None where there is no finite one.
        places: of what is unrelated, where all differences are, as "the last of axis 1".
    """

    relation: Relation
    offsets: tuple[Offset, ...]
    comparison: Comparison
    message: str | None = None
    bound_ratio: float | None = None
    places: tuple[str, ...] = ()
