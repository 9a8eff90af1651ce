"""How what one layer means differs from what another does, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from parity.cases.case import ZEROS, Case
from parity.cases.notation import by_axes, format_ints, format_padding, format_shape
from parity.models.comparison.placing import Padded, filled_with, part, places


@dataclass(frozen=True)
class Layer:
    """A layer with what is padded before it.

    Attributes:
        case: the layer, on the padded input.
        around: what is padded.
    """

    case: Case
    around: Padded


@dataclass(frozen=True)
class Meaning:
    """How two layers compare.

    Attributes:
        differs: how what the second computes differs from what the first does, or None.
        ours: which of the first one's outputs both have, as slices of the spatial axes.
        theirs: which of the second one's.
        spare: what has to be cropped behind one of them, where one has more outputs than the other.
    """

    differs: str | None
    ours: tuple[slice, ...] = ()
    theirs: tuple[slice, ...] = ()
    spare: str | None = None


def compare_meaning(ours: Layer, theirs: Layer) -> Meaning:
    """Compare what two layers compute of the same input, by the rules of their frameworks."""
    said = "; ".join(_differences(ours, theirs))
    if said:
        return Meaning(said)
    mine, other = (places(each.case, each.around) for each in (ours, theirs))
    whole = (slice(None),) * ours.case.rank
    within, holding = part(mine, other), part(other, mine)
    if within is not None and holding is not None:
        return Meaning(None, whole, whole)
    window = _window(ours, theirs)
    if within is not None:
        return Meaning(None, whole, within, f"{window}, and no crop makes up for it")
    if holding is not None:
        return Meaning(None, holding, whole, f"{window}, and no padding makes up for it")
    return Meaning(window)


def _differences(ours: Layer, theirs: Layer) -> Iterator[str]:
    """Yield what differs beside where the layers read and write."""
    a, b = ours.case, theirs.case
    if a.op != b.op:
        yield f"it is a {b.op} and not a {a.op}"
        return
    for name in ("filters", "groups"):
        mine, other = getattr(a, name), getattr(b, name)
        if mine != other:
            yield f"{name} {other} and not {mine}"
    for name in ("kernel", "stride", "dilation"):
        numbers, others = _telling(a, name), _telling(b, name)
        if numbers != others:
            yield f"{name} {format_ints(others)} and not {format_ints(numbers)}"
    filled, other_filled = (filled_with(each.case, each.around) for each in (ours, theirs))
    if _pads(ours) and _pads(theirs) and filled != other_filled:
        yield f"its padding holds {other_filled or 'several kinds'} and not {filled or 'several kinds'}"


def _pads(layer: Layer) -> bool:
    own = any(map(any, layer.case.geometry.pads)) and not layer.case.transposed
    return own or any(map(any, layer.around.pads))


def _telling(case: Case, name: str) -> tuple[int, ...]:
    """Return a number on each axis; of a kernel of one tap the dilation is 1, whatever it is."""
    numbers: tuple[int, ...] = getattr(case, name)
    if name != "dilation":
        return numbers
    return tuple(1 if taps == 1 else each for each, taps in zip(numbers, case.kernel, strict=True))


def _window(ours: Layer, theirs: Layer) -> str:
    """Say how windows of the same kernel, stride and dilation differ."""
    a, b = ours.case, theirs.case
    begins = [
        other.begin - mine.begin
        for mine, other in zip(places(a, ours.around), places(b, theirs.around), strict=True)
    ]
    said = f"padding {_written(theirs)} and not {_written(ours)}"
    if any(begins):
        what = "its output begins" if a.transposed else "its windows begin"
        said += f": {what} {by_axes([_far(each) for each in begins])}"
    if a.output_shape != b.output_shape:
        said += f"; its output is {format_shape(b.output_shape)} and not {format_shape(a.output_shape)}"
    return said


def _far(by: int) -> str:
    if not by:
        return "where the other's does"
    return f"{abs(by)} element{'s' if abs(by) > 1 else ''} {'later' if by > 0 else 'earlier'}"


def _written(layer: Layer) -> str:
    case, around = layer.case, layer.around
    text = format_padding(case.padding)
    if case.transposed and case.output_padding is not None and any(case.output_padding):
        text += f" with output padding {format_ints(case.output_padding)}"
    if any(map(any, around.pads)):
        held = "" if around.mode == ZEROS else f" of {around.mode}"
        text += f" behind a padding of {format_padding(around.pads)}{held}"
    return text
