"""What stands around an input that is padded: zeros, or elements of its own.

Each axis goes on beyond its ends by a rule of its own elements, which has no need of the pads' widths:
"replicate" repeats the element at the end, "circular" begins again at the other end, "reflect" turns back at
the end without repeating its element. The names are those of ``torch.nn.Conv2d(padding_mode=...)``; what they
say is numpy.pad's "edge", "wrap" and "reflect", which holds for pads wider than the input, too, of which
PyTorch computes only some.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from convmm.geometry.arguments import GeometryError, Pair
from convmm.geometry.wording import shown

BorderMode = Literal["zeros", "reflect", "replicate", "circular"]
BORDER_MODES: tuple[BorderMode, ...] = get_args(BorderMode)


def check_padding_mode(value: object) -> BorderMode:
    """Return ``value``, one of :data:`BORDER_MODES`.

    Raises:
        GeometryError: anything else.
    """
    if isinstance(value, str) and value in BORDER_MODES:
        return value
    *others, last = map(repr, BORDER_MODES)
    msg = f"padding_mode={shown(value)}: allowed are {', '.join(others)} and {last}"
    raise GeometryError(msg)


def check_borders(mode: BorderMode, sizes: Sequence[int], pads: Sequence[Pair]) -> None:
    """Check that each axis of these sizes has elements to pad with, where it is padded.

    Raises:
        GeometryError: pads around an axis of no elements.
    """
    for number, (size, pad) in enumerate(zip(sizes, pads, strict=True)):
        if not size and any(pad):
            msg = (
                f"padding_mode={mode!r} on axis {number}: allowed is 'zeros' beside padding "
                f"{pad}, as the input has no elements there to pad with (size 0)"
            )
            raise GeometryError(msg)


def element_at(place: int, size: int, mode: BorderMode) -> int:
    """Return which element of an axis stands at a place of it, from 0 on, that may lie beyond its ends.

    Args:
        place: negative before the first element, ``size`` or more behind the last.
        size: elements of the axis, at least 1.
        mode: any but "zeros", which is no element.
    """
    if mode == "replicate":
        return min(max(place, 0), size - 1)
    if mode == "circular":
        return place % size
    period = 2 * (size - 1)  # there and back, without either end a second time
    within = place % period if period else 0
    return min(within, period - within)
