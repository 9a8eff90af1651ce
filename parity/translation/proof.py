"""Both layers on one input: whether they agree, and what is known of their frameworks where they do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.frameworks.task import Answer
from parity.records.counts import Outcome
from parity.records.result import Result
from parity.verdict.compare import TOLERANCES, compare


@dataclass(frozen=True)
class Answers:
    """What became of both layers on one input.

    Attributes:
        theirs: the source layer's answer.
        ours: the translation's.
    """

    theirs: Answer
    ours: Answer

    @property
    def tells(self) -> bool:
        """Whether the source layer's output has an element that is not zero: of zeros all layers agree."""
        return any(output.any() for output in self.theirs.outputs)

    def failures(self, source: str, target: str) -> Iterator[str]:
        """Say which of the two frameworks gave no output, and why."""
        for name, answer in ((source, self.theirs), (target, self.ours)):
            if answer.ending != "ok":
                yield f"{name} gave no output: {answer.error or answer.reason}"

    @property
    def crashed(self) -> bool:
        """Whether a layer's process ended, or it ran out of time."""
        return self.theirs.ended_badly or self.ours.ended_badly

    def are_equal(self, dtype: str, *, rounded: int) -> bool:
        """Return whether both gave the same output.

        Args:
            dtype: of the layers.
            rounded: how many layers one behind another round, each within the dtype's tolerances; 0 for
                outputs that are equal to the bit.
        """
        if not self.theirs.outputs or not self.ours.outputs:
            return False
        (expected,), (found,) = self.theirs.outputs, self.ours.outputs
        wide = expected.astype(np.float64)
        compared = compare(found, wide, dtype)
        if found.dtype != expected.dtype or not compared.shape_equal:
            return False
        return bool(compared.exact or (rounded and _are_near(found.astype(np.float64), wide, dtype, rounded)))


def _are_near(found: Array, expected: Array, dtype: str, rounded: int) -> bool:
    """Return whether outputs differ by what so many roundings of numbers as large as the largest may give."""
    rtol, atol = TOLERANCES[dtype]
    largest = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    within = rounded * max(atol, rtol * largest)
    return bool(np.isclose(found, expected, rtol=rounded * rtol, atol=within, equal_nan=True).all())


@dataclass(frozen=True)
class Pair(Answers):
    """What became of both layers on one case.

    Attributes:
        case: the case.
        theirs: as of :class:`Answers`.
        ours: likewise.
    """

    case: Case

    def agrees(self, *, exact: bool) -> bool:
        """Return whether both gave the same output, to the bit or close."""
        return self.are_equal(self.case.dtype, rounded=0 if exact else 1)


def excusing(results: Sequence[Result]) -> list[Result]:
    """Return those of both layers' results, beside the core, that excuse that the two do not agree.

    A result excuses that shows a known difference of its framework, or a refusal that its rules leave open.
    There are none where another result is neither so nor equal to the core's.
    """
    excuses = [each for each in results if each.explained and (each.divergence or each.status == "rejected")]
    right = [each for each in results if each.explained and each.exact]
    return excuses if len(excuses) + len(right) == len(results) else []


def outcome(agreeing: Iterable[Answers], failing: Sequence[Answers]) -> Outcome:
    """Return what a proof ends with: a difference goes before a crash, and nothing compared is no proof.

    Args:
        agreeing: the pairs that agree.
        failing: those that do not, and that nothing excuses.
    """
    if any(not pair.crashed for pair in failing):
        return Outcome.UNEXPLAINED
    if failing:
        return Outcome.CRASHED
    return Outcome.EXPLAINED if any(pair.tells for pair in agreeing) else Outcome.NOTHING_COMPARED
