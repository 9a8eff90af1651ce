"""What of a case decides which window a framework's layer has: the rows of the atlas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from parity.cases.case import Case

UNLIKE = "unlike on its axes"


class Matters(NamedTuple):
    """What of a case matters, each in a word or two.

    Attributes:
        padding: "none", "valid", "same", "explicit" or "explicit, uneven", with what it is filled with where
            that is no zero.
        stride: the kernel's extent against the stride.
        parity: whether the extent is even or odd.
        output_padding: of the transposed ops; "" of the others.
    """

    padding: str
    stride: str
    parity: str
    output_padding: str


UNKNOWN = Matters("not a case of this version", "", "", "")
"""Of a recorded case that this version does not take for one."""

TITLES = Matters("padding", "kernel extent and stride", "kernel extent", "output padding")


def matters_of(case: Case) -> Matters:
    """Return what of a case matters."""
    axes = case.geometry.axes
    return Matters(
        _padding(case),
        _shared([_against(axis.extent, axis.stride) for axis in axes]),
        _shared(["odd" if axis.extent % 2 else "even" for axis in axes]),
        _output_padding(case),
    )


def _padding(case: Case) -> str:
    kind: str
    if isinstance(case.padding, str):
        kind = case.padding
    elif not any(map(any, case.padding)):
        kind = "none"
    else:
        kind = "explicit" if all(before == after for before, after in case.padding) else "explicit, uneven"
    return kind if case.filled_with == "zeros" else f"{kind}, {case.filled_with}"


def _against(extent: int, stride: int) -> str:
    sign = "<" if extent < stride else "=" if extent == stride else ">"
    return f"extent {sign} stride"


def _output_padding(case: Case) -> str:
    if not case.transposed:
        return ""
    if case.output_padding is None:
        return "default"
    return _shared(["above 0" if added else "0" for added in case.output_padding])


def _shared(words: Sequence[str]) -> str:
    """Return the word for all axes."""
    return words[0] if len(set(words)) == 1 else UNLIKE


_PADDINGS = ("none", "valid", "same", "explicit")


def row_order(row: Matters) -> tuple[object, ...]:
    """Return what rows sort by: the kind of padding, then the words."""
    kind = row.padding.partition(",")[0]
    return (_PADDINGS.index(kind) if kind in _PADDINGS else len(_PADDINGS), *row)
