"""A pair of calls, judged alone: the second layer, with its own weights, on the first one's input."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from convmm.geometry import GeometryError
from parity.cases.arrays import Array
from parity.cases.case import ZEROS, CaseError
from parity.cases.errors import InputError
from parity.cases.notation import format_shape
from parity.frameworks.attempt import describe
from parity.frameworks.model import Use
from parity.frameworks.precision import ROUNDOFF
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import find_framework
from parity.models.comparison.between import explain_between
from parity.models.comparison.kernels import explain_weights, folded
from parity.models.comparison.meaning import Layer, Meaning, compare_meaning
from parity.models.comparison.placing import filled_with
from parity.models.comparison.ranks import OnePair, of_one_rank
from parity.models.comparison.recording import Call
from parity.models.comparison.result import RIGHT, Cause, Finding
from parity.models.comparison.rounding import Apart, apart
from parity.translation.translator import Draft, draft

_GROWTH = 32.0
"""Times by which what runs between two layers may let the distance of two models grow by itself."""

_LEAST = 128.0
"""Roundoffs that are no distance yet."""


@dataclass(frozen=True)
class Waiting:
    """A pair whose layers are the same if what follows them makes up for how they differ.

    Attributes:
        number: of the pair.
        cause: of a difference, where nothing makes up for it: "meaning", one layer has outputs that the other
            has not, and they are not cropped; "weights", its filters are multiplied by factors, and no
            normalization is left out for that.
        why: in a sentence.
        shape: of the input of a layer behind it, without the batch, once it is made up for; of crops without
            the channels.
        instead: what to write where it is not.
        beside: what tells the pair's own input, which layers of other branches may have, too.
    """

    number: int
    cause: Cause
    why: str
    shape: tuple[int, ...]
    instead: str | None
    beside: tuple[float, ...]

    def is_met(self, x: Array) -> bool:
        """Return whether an input that both models have may be what follows this pair."""
        return x.shape[-len(self.shape) :] == self.shape and _told_by(x) != self.beside

    def is_to_blame(self, inputs_apart: float) -> bool:
        """Return whether inputs that are so far apart may come of this pair."""
        return self.cause == "weights" or math.isinf(inputs_apart)


@dataclass
class Trail:
    """What two models have in common up to a pair.

    Attributes:
        noise: the largest distance of what layers are given, relative to its size, that rounding has made.
        parted: something differs by more than that.
        last: the pair before, as a sentence names it.
        waiting: pairs of which it is not seen yet that what follows makes up for how they differ.
    """

    noise: float = 0.0
    parted: bool = False
    last: tuple[str, str] | None = None
    waiting: list[Waiting] = field(default_factory=list)

    def differ(self, apart_by: float, roundoff: float) -> bool:
        """Return whether a distance is more than rounding makes."""
        return apart_by > max(_GROWTH * self.noise, _LEAST * roundoff)


def judge(
    ours: Call,
    theirs: Call,
    trail: Trail,
    frameworks: tuple[str, str],
    others: Callable[[Array], str | None],
    number: int,
) -> Finding:
    """Judge a pair of calls, and go on with the trail.

    Args:
        ours: the first model's, which is taken for right.
        theirs: the second model's.
        trail: up to here.
        frameworks: the names of whose they are.
        others: names another layer of the first model that has a kernel.
        number: of the pair.
    """
    pair = of_one_rank(ours, theirs)
    mine, other = pair.mine, pair.other
    roundoff = max(ROUNDOFF[mine.case.dtype], ROUNDOFF[other.case.dtype])
    around, other_around = pair.around
    x, x_other = around.within(pair.x), other_around.within(pair.x_other)
    found = _layer(pair, frameworks, others)
    inputs_apart = pair.inputs_apart
    before = None
    parts = not trail.parted and trail.differ(inputs_apart, roundoff)
    if parts:
        before = _before(x, x_other, inputs_apart, trail, (ours.label, theirs.label))
    else:
        trail.waiting = [each for each in trail.waiting if trail.parted or not each.is_met(x)]
    cause: Cause = "between" if before and found.cause in RIGHT else found.cause
    trail.parted = trail.parted or parts or found.cause not in RIGHT
    if not trail.parted:
        trail.noise = max(trail.noise, inputs_apart)
        shape = _cut(pair.y, found.ours).shape
        if found.spare is not None:
            trail.waiting.append(
                Waiting(number, "meaning", found.spare, shape[2:], _instead(pair, frameworks[1]), _told_by(x))
            )
        if found.folded is not None:
            trail.waiting.append(Waiting(number, "weights", found.folded, shape[1:], None, _told_by(x)))
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


def _told_by(x: Array) -> tuple[float, ...]:
    """Return what tells an input from others."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(x.sum(dtype=np.float64)), float(x.max(initial=0)), float(x.min(initial=0))


def blamed(finding: Finding, waiting: Waiting) -> Finding:
    """Return what is found of a pair after all, for which nothing makes up."""
    return replace(finding, cause=waiting.cause, why=waiting.why, instead=waiting.instead)


@dataclass(frozen=True)
class _Layer:
    """What came of a layer alone.

    Attributes:
        cause: of a difference, or that there is none.
        why: in a sentence.
        instead: what to write in its place.
        apart: how far the outputs are apart.
        spare: what has to be cropped behind one of the two.
        folded: how the weights differ, where they do as those do that a normalization is folded into.
        ours: which of the first layer's outputs both have.
    """

    cause: Cause
    why: str | None = None
    instead: str | None = None
    apart: Apart | None = None
    spare: str | None = None
    folded: str | None = None
    ours: tuple[slice, ...] = ()


def _layer(pair: OnePair, frameworks: tuple[str, str], others: Callable[[Array], str | None]) -> _Layer:
    """Judge the second layer on the first one's input."""
    mine, other = pair.mine, pair.other
    around, other_around = pair.around
    given = other_around.around(around.within(pair.x))
    meaning = _meaning(mine, other, pair, given)
    weights = None
    if mine.kernel.shape == other.kernel.shape or meaning.differs is None:
        weights = explain_weights(mine, other, others)
    if meaning.differs is not None:
        why = meaning.differs if weights is None else f"{meaning.differs}; and {weights}"
        return _Layer("meaning", why, _instead(pair, frameworks[1]))
    try:
        z = other.again(given)
    except Exception as error:  # noqa: BLE001 - whatever a layer raises is what is told of it
        return _Layer("unexplained", f"on the other's input it raised {describe(error)}")
    return _computed(pair, z, meaning, weights, frameworks)


def _computed(
    pair: OnePair, z: Array, meaning: Meaning, weights: str | None, frameworks: tuple[str, str]
) -> _Layer:
    """Judge what the second layer gave, ``z``, of two that mean the same, with weights that differ so."""
    mine, other = pair.mine, pair.other
    factors = None if weights is None else folded(mine, other)
    if factors is not None:
        pair = _as_folded(pair, factors)
    ours, theirs = _cut(pair.y, meaning.ours), _cut(z, meaning.theirs)
    if ours.shape != theirs.shape:
        return _Layer("unexplained", f"it gives {format_shape(z.shape)} and not {format_shape(pair.y.shape)}")
    found = apart(pair, theirs, meaning.ours, frameworks, converted=weights is None or factors is not None)
    layer = partial(_Layer, apart=found, spare=meaning.spare, ours=meaning.ours)
    if weights is not None and factors is None:
        return layer("weights", weights)
    if factors is not None and found.agree:
        said = "a normalization is folded into it"
        return layer("rounding", said, folded=f"{weights}, and no normalization is left out for it")
    if not found.agree:
        why = f"they mean the same and have the same weights, and differ by {found.largest:.3g}"
        if found.ratio is not None:
            why += f", {found.ratio:.3g} times what rounding allows"
        return layer("unexplained", why)
    note = None if mine.case.dtype == other.case.dtype else f"it computes in {other.case.dtype}"
    return layer("nothing" if not found.tells else "rounding" if found.largest else "same", note)


def _as_folded(pair: OnePair, factors: Array) -> OnePair:
    """Return a pair whose first layer has had a normalization folded into it as the second one has."""
    mine, other = pair.mine, pair.other
    shape = (-1, *(1,) * mine.case.rank)
    bias = 0.0 if mine.bias is None else mine.bias.astype(np.float64)
    moved = (0.0 if other.bias is None else other.bias.astype(np.float64)) - factors * bias
    y = factors.reshape(shape) * pair.y + np.broadcast_to(moved, factors.shape).reshape(shape)
    return replace(pair, mine=replace(mine, kernel=other.kernel, bias=other.bias), y=y)


def _cut(array: Array, window: tuple[slice, ...]) -> Array:
    return array[(slice(None), slice(None), *window)]


def _meaning(mine: Use, other: Use, pair: OnePair, given: Array) -> Meaning:
    channels, due = other.case.input[1], mine.case.input[1]
    if channels != due and mine.case.op == other.case.op:
        return Meaning(f"it takes {channels} channels and not {due}")
    around, other_around = pair.around
    try:
        shape = given.shape if mine.case.op == other.case.op else other.case.input
        theirs = replace(other.case, input=shape)
    except (CaseError, GeometryError) as error:
        return Meaning(f"it does not take the other's input: {error}")
    return compare_meaning(Layer(mine.case, around), Layer(theirs, other_around))


def _instead(pair: OnePair, framework: str) -> str | None:
    """Return the first layer as code of the second's framework, for what is given to the second layer."""
    mine = pair.mine
    try:
        if pair.around[0] != pair.around[1]:
            return _with_padding(pair, framework)
        found = draft(mine.text, framework, mine.case.input, kernel_shape=mine.kernel_shape)
    except (InputError, GeometryError):
        return None
    return str(found.ours[0].layer) if isinstance(found, Draft) else found.program.text


def _with_padding(pair: OnePair, framework: str) -> str | None:
    """Return the first layer with what is padded around it, and without what is around the second."""
    case, (around, there) = pair.mine.case, pair.around
    held = filled_with(case, around)
    sides = zip(case.geometry.pads, around.pads, there.pads, strict=True)
    left = tuple((own[0] + a[0] - b[0], own[1] + a[1] - b[1]) for own, a, b in sides)
    is_there = any(map(any, there.pads))
    if held is None or min(map(min, left)) < 0 or (is_there and any(map(any, left)) and held != ZEROS):
        return None  # it is no padding of the layer itself
    size = there.around(around.within(pair.x)).shape
    behind = replace(case, input=size, padding=left, padding_mode=held)
    for each in find_framework(framework).spell(behind):
        if isinstance(each, Spelling) and each.kind != "lookalike" and each.refusal is None:
            return str(each.layer)
    return None


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
