"""What a result is to its reference, seen from the arrays alone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from math import inf, isfinite

import numpy as np

from parity.cases.arrays import Array, limit_of
from parity.frameworks.precision import Mode, accumulated_in_float32
from parity.verdict.bounds import FLUSHED, error_ratio, narrower_precision
from parity.verdict.compare import Comparison, compare
from parity.verdict.diagnosis import diagnose
from parity.verdict.diagnosis.suspect import Suspect
from parity.verdict.diagnosis.whereabouts import (
    differing_places,
    greatest_difference,
    patterns,
    shared_places,
)
from parity.verdict.reference import Reference
from parity.verdict.relation import NO_VERDICT, Observation

_MOST_OTHERS = 3


def observe(result: Array, reference: Reference, mode: Mode | None = None) -> Observation:
    """Find out how a result relates to the reference.

    Args:
        result: what a layer gave.
        reference: of the case.
        mode: in which precision it is computed, as far as sums are not exact; the dtype's own by default.
    """
    comparison = compare(result, reference.y, reference.case.dtype)
    if not result.size:
        message = None if comparison.shape_equal else greatest_difference(result, reference.y)
        return Observation("empty", (), comparison, message)
    mode = mode or accumulated_in_float32(reference.case.dtype)
    ratio = _ratio(comparison, result, reference, mode)
    own_place = ((0,) * reference.case.rank,)
    if ratio is None:
        return Observation("no verdict", own_place, comparison, NO_VERDICT)
    if ratio <= 1:
        return Observation("identical", own_place, comparison, bound_ratio=ratio)
    return replace(
        _differing(result, reference, comparison, mode), bound_ratio=ratio if isfinite(ratio) else None
    )


def _ratio(comparison: Comparison, result: Array, reference: Reference, mode: Mode) -> float | None:
    """Return the largest error over what is allowed: nothing at all, where sums are exact."""
    if comparison.exact:
        return 0.0
    rounds = mode.of_integers or not reference.exact
    return error_ratio(result, reference, mode) if comparison.shape_equal and rounds else inf


def _differing(result: Array, reference: Reference, comparison: Comparison, mode: Mode) -> Observation:
    if comparison.allclose and not reference.exact:  # so close that it is no other element's value
        return _imprecise(result, reference, comparison, mode) or _unrelated(result, reference, comparison)
    budget = iter(range(reference.affordable))
    found = diagnose(result, reference, budget)
    fitting = next(found, [])
    if not fitting:
        ended = next(budget, None) is None
        imprecise = _imprecise(result, reference, comparison, mode)
        return imprecise or _unrelated(result, reference, comparison, ended=ended)
    unclear = _unclear(result)
    others = [*fitting[1:], *(itertools.chain.from_iterable(found) if unclear else ())]
    offsets = tuple(suspect.offset for suspect in fitting if suspect.offset is not None)
    message = "; ".join(
        [fitting[0].text, greatest_difference(result, reference.y), *_ambiguity(unclear, others)]
    )
    return Observation(fitting[0].mistake, offsets, comparison, message)


def _imprecise(result: Array, reference: Reference, comparison: Comparison, mode: Mode) -> Observation | None:
    """Return the right values in too few digits, if that is what they are."""
    sides = greatest_difference(result, reference.y)
    if reference.exact or not comparison.shape_equal:
        message = f"it is close, but integers have to be exact: {sides}"
        return Observation("numeric", (), comparison, message) if comparison.allclose else None
    narrower = narrower_precision(result, reference, mode)
    if narrower == FLUSHED:
        return Observation("numeric", (), comparison, f"it is beyond the bound of {mode.name}: {narrower}")
    message = f"it is beyond the bound of {mode.name}, and {narrower}; {sides}"
    return Observation("numeric", (), comparison, message) if narrower else None


def _unrelated(
    result: Array, reference: Reference, comparison: Comparison, *, ended: bool = False
) -> Observation:
    parts = ["its values are unrelated to the reference", greatest_difference(result, reference.y)]
    places: tuple[str, ...] = ()
    if comparison.shape_equal:
        differ = ~reference.equal(result.astype(np.float64), reference.y)
        if _is_of_extremes(differ, result, reference):
            return Observation("extremes", (), comparison, "; ".join([_OF_EXTREMES, *parts[1:]]))
        parts.append(differing_places(differ))
        places = patterns(shared_places(differ))
    if ended:
        parts.append("the case is too large to look for every known mistake")
    return Observation("unrelated", (), comparison, "; ".join(parts), places=places)


_OF_EXTREMES = "it differs only where it or the reference is infinite, NaN or the largest number there is"


def _is_of_extremes(differ: Array, result: Array, reference: Reference) -> bool:
    """Return whether all differences are where one side is such a number, and most of the others agree.

    In a case that has such numbers, that is: elsewhere there is no reason for them.
    """
    if reference.case.values != "special":
        return False
    largest = min(limit_of(reference.case.dtype, "max"), limit_of("float32", "max"))
    of_result, of_reference = (~(np.abs(each.astype(np.float64)) < largest) for each in (result, reference.y))
    finite = np.count_nonzero(~of_reference)
    elsewhere = np.count_nonzero(differ & ~of_result & ~of_reference)
    return bool(not elsewhere and np.count_nonzero(differ & ~of_reference) * 2 < finite)


def _unclear(result: Array) -> str | None:
    """Say why such a result tells little, if it does."""
    if result.size == 1:
        return "there is a single element"
    return f"every value is {result.flat[0]}" if (result == result.flat[0]).all() else None


def _ambiguity(unclear: str | None, others: Sequence[Suspect]) -> list[str]:
    """Say what else the result may be, as at most one clause."""
    if not (unclear or others):
        return []
    because = f", since {unclear}" if unclear else ""
    if not others:
        return [f"ambiguous{because}"]
    named = [f"{other.mistake} ({other.text})" for other in others[:_MOST_OTHERS]]
    more = f" and {len(others) - _MOST_OTHERS} more" if len(others) > _MOST_OTHERS else ""
    return [f"ambiguous{because}: as well it may be {', or '.join(named)}{more}"]
