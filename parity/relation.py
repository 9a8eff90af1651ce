"""What a result is to its reference, seen from the arrays alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from parity.compare import Comparison, compare
from parity.reference import Reference, make_reference
from parity.values import Array
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

Relation = Literal["identical", "empty", "window", "numeric", "unrelated"]


@dataclass(frozen=True)
class Observation:
    """How a result relates to the reference.

    Attributes:
        relation: "identical"; "empty", with no element to compare; "window", other
            elements of the same response; "numeric", within the tolerances where bit equality was due;
            "unrelated", none of these.
        offsets: for a window (and for an identical result), how far it begins after the reference does,
            on each axis: in the full response for the transposed ops, in the input for the others. More
            than one where the values leave it open; the one nearest to the reference comes first.
        comparison: with the reference.
    """

    relation: Relation
    offsets: tuple[Offset, ...]
    comparison: Comparison


def observe(result: Array, reference: Reference) -> Observation:
    """Find out how a result relates to the reference."""
    comparison = compare(result, reference.y, reference.case.dtype)
    same = comparison.exact if reference.exact else comparison.allclose
    if same:
        return Observation("identical", ((0,) * reference.case.rank,), comparison)
    if not result.size:
        return Observation("empty", (), comparison)
    offsets = find_windows(result, reference)
    if offsets:
        return Observation("window", offsets, comparison)
    return Observation("numeric" if comparison.allclose else "unrelated", (), comparison)
