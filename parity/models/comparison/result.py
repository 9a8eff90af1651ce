"""What came of comparing two models."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from parity.frameworks.model import Unread
from parity.models.page import counted, table
from parity.records.counts import Outcome

Cause = Literal["same", "rounding", "nothing", "between", "meaning", "weights", "unexplained"]

RIGHT: tuple[Cause, ...] = ("same", "rounding", "nothing")
"""Of a layer that is no cause of anything."""

SAID: dict[Cause, str] = {
    "same": "same",
    "rounding": "same, but for rounding",
    "nothing": "nothing compared: all outputs are zero or undefined",
    "between": "right, on other inputs",
    "meaning": "means another layer",
    "weights": "has other weights",
    "unexplained": "unexplained",
}
"""What the table says of each."""

COLUMNS = ("layer", "its like", "verdict", "inputs apart", "error / bound", "why")


@dataclass(frozen=True)
class Finding:
    """What came of a pair of layers, each call judged alone: the second on the first one's input.

    Attributes:
        ours: the first model's layer, with the number of the call where it is called several times.
        theirs: the second model's.
        cause: of a difference that begins here. "same": equal to the bit; "rounding": within the bound of
            what rounding allows; "nothing": all outputs are zero or undefined; "meaning": they mean
            different things; "weights": the second has other weights; "between": the layers are right, and
            what runs before them differs; "unexplained": they mean the same, have the same weights, and
            differ.
        why: in a sentence, or None.
        before: what differs in what the two are given, where that begins here.
        instead: the layer to write in the place of the second, as code; None where it means the same, or
            there is none.
        inputs_apart: the distance of what both were given when their models ran, relative to its size.
        bound_ratio: the largest error over its bound, where there is one.
        max_abs_error: the largest difference; None where there is none to take.
        commands: that show the layers, each by itself: the first model's, and where it is another, the
            second's.
    """

    ours: str
    theirs: str
    cause: Cause
    why: str | None
    before: str | None
    instead: str | None
    inputs_apart: float
    bound_ratio: float | None
    max_abs_error: float | None
    commands: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """Whether nothing differs that begins here."""
        return self.cause in RIGHT

    @property
    def sentence(self) -> str:
        """What differs, in a sentence that names both layers."""
        pair = f"{self.theirs}, of {self.ours}," if self.theirs != self.ours else self.ours
        said = [] if self.before is None else [self.before]
        if self.cause != "between":
            said.append(f"{pair} {SAID[self.cause]}" + (f": {self.why}" if self.why else ""))
        return "; and ".join(said)

    @property
    def cells(self) -> tuple[str, ...]:
        """A row of the table, of :data:`COLUMNS`."""
        ratio = "" if self.bound_ratio is None else f"{self.bound_ratio:.3g}"
        why = "; ".join(each for each in (self.before, self.why) if each)
        return self.ours, self.theirs, SAID[self.cause], _number(self.inputs_apart), ratio, why

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON has it."""
        return {
            "layer": self.ours,
            "other": self.theirs,
            "cause": self.cause,
            "why": self.why,
            "before": self.before,
            "instead": self.instead,
            "inputs_apart": _finite(self.inputs_apart),
            "bound_ratio": None if self.bound_ratio is None else _finite(self.bound_ratio),
            "max_abs_error": None if self.max_abs_error is None else _finite(self.max_abs_error),
            "commands": list(self.commands),
        }


def _number(value: float) -> str:
    return "0" if not value else f"{value:.1e}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


@dataclass(frozen=True)
class Side:
    """One of the two models.

    Attributes:
        name: what it was given as.
        framework: whose it is.
        alone: its layers that have no like in the other model.
        unread: what could not be read of it.
    """

    name: str
    framework: str
    alone: tuple[str, ...]
    unread: tuple[Unread, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the side as JSON has it."""
        return {
            "model": self.name,
            "framework": self.framework,
            "alone": list(self.alone),
            "unread": [each.to_dict() for each in self.unread],
        }


@dataclass(frozen=True)
class Comparison:
    """Two models, layer by layer.

    Attributes:
        ours: the first model, which is taken for right.
        theirs: the second.
        findings: on their pairs of calls, in the order of the first.
        outputs_apart: the distance of their outputs, relative to the size of the first's; None where they
            cannot be compared.
        outputs_agree: they differ by no more than rounding makes.
        after: what differs after the last layer, where all before is right, or None.
        notes: what else is to be said.
        mapped: the pairs are those of a map.
    """

    ours: Side
    theirs: Side
    findings: tuple[Finding, ...]
    outputs_apart: float | None
    outputs_agree: bool
    after: str | None
    notes: tuple[str, ...] = ()
    mapped: bool = False

    @property
    def first(self) -> Finding | None:
        """The first pair at which something differs."""
        return next((each for each in self.findings if not each.is_right), None)

    @property
    def cause(self) -> str | None:
        """The first cause of a difference, in a sentence; None where there is none."""
        if self.first is not None:
            return self.first.sentence
        alone = [] if self.outputs_agree else [*self._alone()]
        return alone[0] if alone else self.after

    @property
    def same(self) -> bool:
        """Whether something was compared, and nothing differs but by rounding."""
        return self.outcome is Outcome.EXPLAINED

    @property
    def outcome(self) -> Outcome:
        """What the command ends with.

        EXPLAINED: all pairs are the same, but for rounding, and so are the outputs. UNEXPLAINED: something
        differs, or a layer has no like and the outputs do not agree. NOTHING_COMPARED: there is no pair, or
        all outputs are zero.
        """
        if self.cause is not None:
            return Outcome.UNEXPLAINED
        told = any(each.cause != "nothing" for each in self.findings)
        return Outcome.EXPLAINED if told else Outcome.NOTHING_COMPARED

    def _alone(self) -> Iterator[str]:
        """Say which layers have no like: of a map, it is the user's word that they need none."""
        if self.mapped:
            return
        for side, other in ((self.ours, self.theirs), (self.theirs, self.ours)):
            if side.alone:
                yield f"{', '.join(side.alone)} of {side.name} has no like in {other.name}"

    @property
    def sentences(self) -> list[str]:
        """What there is to say beside the table: the first cause last."""
        said = list(self.notes)
        said += [
            f"{side.name}: {each.name} cannot be read: {each.reason}"
            for side in (self.ours, self.theirs)
            for each in side.unread
        ]
        if self.mapped:
            left = [name for side in (self.ours, self.theirs) for name in side.alone]
            said += [f"in no pair of the map: {', '.join(left)}"] if left else []
        else:
            said += self._alone()
        if self.outputs_apart is not None:
            apart = _number(self.outputs_apart)
            said.append(f"the models' outputs are {apart} apart, relative to their size")
        if self.cause is not None and self.outputs_agree:
            said.append("the outputs agree all the same: something makes up for it, or other inputs show it")
        return [*said, self.verdict]

    @property
    def verdict(self) -> str:
        """Say what came of it all, in one sentence."""
        if self.cause is not None:
            return f"first cause: {self.cause}"
        if self.outcome is Outcome.NOTHING_COMPARED:
            return "nothing was compared"
        return f"same, but for rounding: {counted(len(self.findings), 'pair')} of convolutions"

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON has it."""
        return {
            "schema": 1,
            "a": self.ours.to_dict(),
            "b": self.theirs.to_dict(),
            "same": self.same,
            "cause": self.cause,
            "first": None if self.first is None else self.first.to_dict(),
            "layers": [each.to_dict() for each in self.findings],
            "outputs_apart": None if self.outputs_apart is None else _finite(self.outputs_apart),
            "outputs_agree": self.outputs_agree,
            "notes": list(self.notes),
        }

    def _repr_html_(self) -> str:
        """Show the table in a notebook."""
        said = self.sentences
        if self.first is not None and self.first.instead:
            said = [*said, f"to write instead: {self.first.instead}"]
        return table(COLUMNS, (each.cells for each in self.findings), said)

    def __str__(self) -> str:
        """Return a line a pair, and the sentences."""
        lines = [" | ".join(each for each in finding.cells if each) for finding in self.findings]
        lines += self.sentences
        if self.first is not None and self.first.instead:
            lines += ["to write instead:", self.first.instead]
        return "\n".join(lines)
