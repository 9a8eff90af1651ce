"""What came of a translation: the code, the proof, and what there is to say of both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.cases.case import Case
from parity.cases.notation import format_shape
from parity.frameworks.task import Answer
from parity.records.counts import Outcome
from parity.verdict.compare import compare


@dataclass(frozen=True)
class Translation:
    """A layer's translation.

    Attributes:
        source: the expression.
        target: the framework.
        spelling: "native", a layer of the target alone, or "exact", layers put together.
        code: a complete script; executed, it leaves ``layer``, which takes the target's own input, and
            ``convert(weights)``, from the source layer's arrays to the list that the target's takes.
        verified: both layers were run on every one of ``sizes`` with the same values, and were identical
            (with an activation: close).
        sizes: shapes of the inputs, channels first, that they were run on.
        lookalike: what a port by names would have been, and how it differs; None where it is right.
        notes: what was left out of the expression, and why.
        crashed: a layer's process ended, or it ran out of time.
    """

    source: str
    target: str
    spelling: str
    code: str
    verified: bool
    sizes: tuple[tuple[int, ...], ...]
    lookalike: dict[str, Any] | None
    notes: tuple[str, ...]
    crashed: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the translation as JSON has it."""
        return {
            "source": self.source,
            "target": self.target,
            "spelling": self.spelling,
            "code": self.code,
            "verified": self.verified,
            "sizes": [list(shape) for shape in self.sizes],
            "lookalike": self.lookalike,
            "notes": list(self.notes),
        }

    @property
    def outcome(self) -> Outcome:
        """The exit code: what crashed, or ran out of time, was not compared."""
        if self.verified:
            return Outcome.EXPLAINED
        return Outcome.CRASHED if self.crashed else Outcome.UNEXPLAINED


@dataclass(frozen=True)
class Pair:
    """What became of both layers on one case.

    Attributes:
        case: the case.
        theirs: the source layer's answer.
        ours: the translation's.
    """

    case: Case
    theirs: Answer
    ours: Answer

    def agrees(self, *, exact: bool) -> bool:
        """Return whether both gave the same output, to the bit or close."""
        if not self.theirs.outputs or not self.ours.outputs:
            return False
        (expected,), (found,) = self.theirs.outputs, self.ours.outputs
        compared = compare(found, expected.astype(np.float64), self.case.dtype)
        return found.dtype == expected.dtype and bool(compared.exact if exact else compared.allclose)

    def failures(self, source: str, target: str) -> Iterator[str]:
        """Say which of the two frameworks gave no output, and why."""
        for name, answer in ((source, self.theirs), (target, self.ours)):
            if answer.ending != "ok":
                yield f"{name} gave no output: {answer.error or answer.reason}"

    @property
    def crashed(self) -> bool:
        """Whether a layer's process ended, or ran out of time."""
        return self.theirs.ended_badly or self.ours.ended_badly


def remarks(translation: Translation) -> list[str]:
    """Return what there is to say about a translation, in sentences."""
    lines = list(translation.notes)
    wrong = translation.lookalike
    if wrong:
        lines.append(
            f"not {wrong['layer']}: on an input of {format_shape(wrong['input'])} it gives "
            f"{format_shape(wrong['shape'])} and {wrong['reason']}; the largest error on small integers is "
            f"{wrong['max_abs_error']}"
        )
    shapes = ", ".join(format_shape(shape) for shape in translation.sizes)
    lines.append(
        f"{'verified' if translation.verified else 'NOT verified'} on inputs of sizes {shapes}: "
        f"{'identical' if translation.verified else 'not compared' if translation.crashed else 'different'}"
    )
    return lines
