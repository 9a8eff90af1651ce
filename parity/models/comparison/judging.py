"""A pair of calls, judged alone: the second layer, with its own weights, on the first one's input."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from convmm.geometry import GeometryError
from parity.cases.arrays import Array
from parity.cases.case import CaseError
from parity.cases.errors import InputError
from parity.cases.notation import format_shape
from parity.frameworks.attempt import describe
from parity.frameworks.model import Use
from parity.frameworks.precision import ROUNDOFF
from parity.models.comparison.between import explain_between
from parity.models.comparison.distance import distance
from parity.models.comparison.kernels import explain_weights
from parity.models.comparison.meaning import explain_meaning
from parity.models.comparison.ranks import of_one_rank
from parity.models.comparison.recording import Call
from parity.models.comparison.result import Cause, Finding
from parity.models.comparison.rounding import Apart, apart
from parity.translation.translator import Draft, draft

_GROWTH = 32.0
"""Times by which what runs between two layers may let the distance of two models grow by itself."""

_LEAST = 128.0
"""Roundoffs that are no distance yet."""


@dataclass
class Trail:
    """What two models have in common up to a pair.

    Attributes:
        noise: the largest distance of what they compute, relative to its size, that rounding has made.
        parted: something differs by more than that.
        last: the pair before, as a sentence names it.
    """

    noise: float = 0.0
    parted: bool = False
    last: tuple[str, str] | None = None

    def differ(self, apart_by: float, roundoff: float) -> bool:
        """Return whether a distance is more than rounding makes."""
        return apart_by > max(_GROWTH * self.noise, _LEAST * roundoff)


def judge(
    ours: Call,
    theirs: Call,
    trail: Trail,
    frameworks: tuple[str, str],
    others: Callable[[Array], str | None],
) -> Finding:
    """Judge a pair of calls, and go on with the trail.

    Args:
        ours: the first model's, which is taken for right.
        theirs: the second model's.
        trail: up to here.
        frameworks: the names of whose they are.
        others: names another layer of the first model that has a kernel.
    """
    mine, other, x, y, x_other = of_one_rank(ours, theirs)
    roundoff = max(ROUNDOFF[mine.case.dtype], ROUNDOFF[other.case.dtype])
    found = _layer(mine, other, x, y, frameworks, others)
    inputs_apart = distance(x, x_other)
    before = None
    if not trail.parted and trail.differ(inputs_apart, roundoff):
        before = _before(x, x_other, inputs_apart, trail, (ours.label, theirs.label))
    cause: Cause = "between" if before and found.cause in {"same", "rounding", "nothing"} else found.cause
    trail.parted = trail.parted or before is not None or found.cause in {"meaning", "weights", "unexplained"}
    if not trail.parted:
        trail.noise = max(trail.noise, inputs_apart, _finite(distance(y, _y_of(theirs, y))))
    trail.last = (ours.label, theirs.label)
    bound = found.apart
    return Finding(
        ours.label,
        theirs.label,
        cause,
        found.why,
        before,
        found.instead,
        inputs_apart,
        None if bound is None else bound.ratio,
        None if bound is None else bound.largest,
        tuple(dict.fromkeys((mine.case.command, other.case.command))),
    )


@dataclass(frozen=True)
class _Layer:
    """What came of a layer alone."""

    cause: Cause
    why: str | None = None
    instead: str | None = None
    apart: Apart | None = None


def _layer(
    mine: Use,
    other: Use,
    x: Array,
    y: Array,
    frameworks: tuple[str, str],
    others: Callable[[Array], str | None],
) -> _Layer:
    """Judge the second layer on the first one's input."""
    meaning = _meaning(mine, other)
    weights = None
    if mine.kernel.shape == other.kernel.shape or meaning is None:
        weights = explain_weights(mine, other, others)
    if meaning is not None:
        why = meaning if weights is None else f"{meaning}; and {weights}"
        return _Layer("meaning", why, _instead(mine, frameworks[1]))
    try:
        z = other.again(x)
    except Exception as error:  # noqa: BLE001 - whatever a layer raises is what is told of it
        return _Layer("unexplained", f"on the other's input it raised {describe(error)}")
    if z.shape != y.shape:
        return _Layer("unexplained", f"it gives {format_shape(z.shape)} and not {format_shape(y.shape)}")
    found = apart(mine, other, x, y, z, frameworks, converted=weights is None)
    if weights is not None:
        return _Layer("weights", weights, apart=found)
    if not found.agree:
        why = f"they mean the same and have the same weights, and differ by {found.largest:.3g}"
        if found.ratio is not None:
            why += f", {found.ratio:.3g} times what rounding allows"
        return _Layer("unexplained", why, apart=found)
    cause: Cause = "nothing" if not found.tells else "rounding" if found.largest else "same"
    return _Layer(cause, apart=found)


def _meaning(mine: Use, other: Use) -> str | None:
    channels, due = other.case.input[1], mine.case.input[1]
    if channels != due and mine.case.op == other.case.op:
        return f"it takes {channels} channels and not {due}"
    if mine.case.op != other.case.op:
        return explain_meaning(mine.case, other.case)
    try:
        theirs = replace(other.case, input=mine.case.input)
    except (CaseError, GeometryError) as error:
        return f"it does not take the other's input: {error}"
    return explain_meaning(mine.case, theirs)


def _instead(mine: Use, framework: str) -> str | None:
    """Return the first layer as code of the second model's framework."""
    try:
        found = draft(mine.text, framework, mine.case.input, kernel_shape=mine.kernel_shape)
    except (InputError, GeometryError):
        return None
    return str(found.ours[0].layer) if isinstance(found, Draft) else found.program.text


def _before(x: Array, x_other: Array, apart_by: float, trail: Trail, labels: tuple[str, str]) -> str:
    """Say that what runs before a pair differs."""
    if trail.last is None:
        where = f"what runs before {_both(*labels)} differs"
    else:
        where = f"what runs between {_both(*trail.last)} and {_both(*labels)} differs"
    said = explain_between(x, x_other)
    if said is None and math.isfinite(apart_by):
        noise = f", where rounding had made {trail.noise:.1e}" if trail.noise else ""
        said = f"is {apart_by:.1e} from the other's, relative to its size{noise}"
    return f"{where}: its input {said}" if said else where


def _both(ours: str, theirs: str) -> str:
    return ours if ours == theirs else f"{ours} ({theirs})"


def _y_of(theirs: Call, y: Array) -> Array:
    found = theirs.y.read()
    return found.reshape(y.shape) if found.size == y.size else found


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0
