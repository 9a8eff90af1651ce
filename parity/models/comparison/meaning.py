"""How what one layer means differs from what another does, in words."""

from __future__ import annotations

from collections.abc import Iterator

from parity.cases.case import Case
from parity.cases.notation import by_axes, format_ints, format_padding, format_shape


def explain_meaning(ours: Case, theirs: Case) -> str | None:
    """Say how what ``theirs`` computes differs from what ``ours`` does of the same input; None where not.

    Args:
        ours: the case of a layer, on its input.
        theirs: that of the other, on the same input.
    """
    said = list(_differences(ours, theirs))
    return "; ".join(said) or None


def _differences(ours: Case, theirs: Case) -> Iterator[str]:
    if ours.op != theirs.op:
        yield f"it is a {theirs.op} and not a {ours.op}"
        return
    for name in ("filters", "groups"):
        mine, other = getattr(ours, name), getattr(theirs, name)
        if mine != other:
            yield f"{name} {other} and not {mine}"
    changed = False
    for name in ("kernel", "stride", "dilation"):
        mine, other = _telling(ours, name), _telling(theirs, name)
        if mine != other:
            changed = True
            yield f"{name} {format_ints(other)} and not {format_ints(mine)}"
    if ours.filled_with != theirs.filled_with and any(map(any, ours.geometry.pads)):
        yield f"its padding holds {theirs.filled_with} and not {ours.filled_with}"
    if not changed:
        yield from _windows(ours, theirs)


def _telling(case: Case, name: str) -> tuple[int, ...]:
    """Return a number on each axis; of a kernel of one tap the dilation is 1, whatever it is."""
    numbers: tuple[int, ...] = getattr(case, name)
    if name != "dilation":
        return numbers
    return tuple(1 if taps == 1 else each for each, taps in zip(numbers, case.kernel, strict=True))


def _windows(ours: Case, theirs: Case) -> Iterator[str]:
    """Say how windows of the same kernel, stride and dilation differ."""
    mine, other = ours.geometry.axes, theirs.geometry.axes
    if [(a.before, a.fine, a.coarse) for a in mine] == [(b.before, b.fine, b.coarse) for b in other]:
        return
    padding = f"padding {_written(theirs)} and not {_written(ours)}"
    sizes = (
        ""
        if ours.output_shape == theirs.output_shape
        else (
            f"; its output is {format_shape(theirs.output_shape)} and not {format_shape(ours.output_shape)}"
        )
    )
    begins = [b.before - a.before for a, b in zip(mine, other, strict=True)]
    shift = "" if not any(begins) else f": {_shift(ours, begins)}"
    yield f"{padding}{shift}{sizes}"


def _shift(case: Case, begins: list[int]) -> str:
    """Say how far the windows are apart: a padding that is larger reads, or keeps, other elements."""
    what = "its output begins" if case.transposed else "its windows begin"
    words = ("later", "earlier") if case.transposed else ("earlier", "later")
    return f"{what} {by_axes([_far(each, words) for each in begins])}"


def _far(by: int, words: tuple[str, str]) -> str:
    if not by:
        return "where the other's does"
    return f"{abs(by)} element{'s' if abs(by) > 1 else ''} {words[by < 0]}"


def _written(case: Case) -> str:
    text = format_padding(case.padding)
    if case.transposed and case.output_padding is not None and any(case.output_padding):
        text += f" with output padding {format_ints(case.output_padding)}"
    return text
