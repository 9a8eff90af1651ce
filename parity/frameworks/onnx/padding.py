"""The attributes by which a node says where its window lies, and the candidates for a case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from convmm.geometry import Axis, Pair
from parity.cases.case import Case

NOTSET, VALID, SAME_UPPER, SAME_LOWER = "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"
SAME = (SAME_UPPER, SAME_LOWER)
AUTO_PADS = (NOTSET, SAME_UPPER, SAME_LOWER, VALID)


class Window(NamedTuple):
    """What a node computes on one axis.

    Attributes:
        begin: of a transposed node, where it begins in the full response; of a convolution, the zeros before.
        size: elements of the output.
    """

    begin: int
    size: int


@dataclass(frozen=True)
class OfAxis:
    """A node's attributes for one axis.

    Attributes:
        auto_pad: one of :data:`AUTO_PADS`.
        pads: before and after; None where the node has none.
        output_padding: 0 where the node has none.
        output_size: its number in output_shape; None where the node has none.
    """

    auto_pad: str = NOTSET
    pads: Pair | None = None
    output_padding: int = 0
    output_size: int | None = None


@dataclass(frozen=True)
class Written:
    """The attributes of a node that say its padding.

    Attributes:
        variant: what tells it from a case's other nodes; empty for the one by ``pads``.
        axes: for each axis.
    """

    variant: str
    axes: tuple[OfAxis, ...]

    @property
    def auto_pad(self) -> str:
        """The node's ``auto_pad``."""
        return self.axes[0].auto_pad

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes as ``make_node`` takes them."""
        found: dict[str, Any] = {} if self.auto_pad == NOTSET else {"auto_pad": self.auto_pad}
        pads = [axis.pads for axis in self.axes if axis.pads is not None]
        if pads:
            found["pads"] = [before for before, _ in pads] + [after for _, after in pads]
        if any(axis.output_padding for axis in self.axes):
            found["output_padding"] = [axis.output_padding for axis in self.axes]
        sizes = [axis.output_size for axis in self.axes if axis.output_size is not None]
        return {**found, "output_shape": sizes} if sizes else found


Reads = Callable[[Axis, OfAxis], Window | None]
"""Returns the window that an engine reads these attributes as on an axis of a transposed node.

It looks at the axis's input size, stride, kernel and dilation alone. None where there is no such window.
"""


def total(axis: Axis, of: OfAxis, size: int) -> int:
    """Return how much longer the response, with the output padding, is than an output of this size."""
    return axis.full + of.output_padding - size


def smaller(total: int) -> int:
    """Return the smaller half of a padding, rounded towards zero as C does."""
    return total // 2 if total >= 0 else -(-total // 2)


def by_pads(case: Case) -> Written:
    """Return the attributes that say a case's window in numbers: ``pads``, and ``output_padding``."""
    if not case.transposed:
        return Written("", tuple(OfAxis(pads=pair) for pair in case.explicit["padding"]))
    axes = case.geometry.axes
    return Written(
        "",
        tuple(
            OfAxis(pads=(axis.before, max(axis.after, 0)), output_padding=max(-axis.after, 0))
            for axis in axes
        ),
    )


def convolutions(case: Case) -> Iterator[tuple[Written, tuple[Window, ...]]]:
    """Yield the other attributes that may mean a convolution, or give its size, and what all engines read."""
    axes = case.geometry.axes
    valid = tuple(Window(0, (axis.fine - axis.extent) // axis.stride + 1) for axis in axes)
    yield _automatic(VALID, axes), valid
    for auto_pad in SAME:
        yield _automatic(auto_pad, axes), tuple(same_convolution(axis, auto_pad) for axis in axes)


def same_convolution(axis: Axis, auto_pad: str) -> Window:
    """Return what SAME_UPPER and SAME_LOWER mean of a convolution: the odd zero after, or before."""
    size = -(-axis.fine // axis.stride)
    added = max((size - 1) * axis.stride + axis.extent - axis.fine, 0)
    return Window(added // 2 if auto_pad == SAME_UPPER else added - added // 2, size)


def transposed(case: Case, reads: Reads) -> Iterator[Written]:
    """Yield the other attributes that may mean a transposed case by an engine, or give its size."""
    axes = case.geometry.axes
    given = case.output_padding or (0,) * case.rank
    for auto_pad in (VALID, *SAME):
        yield from _first(
            Written(
                f"auto_pad={auto_pad}",
                tuple(OfAxis(auto_pad, output_padding=q) for q in added),
            )
            for added in dict.fromkeys(((0,) * case.rank, given, tuple(max(-axis.after, 0) for axis in axes)))
            if all(
                _gives(reads, axis, OfAxis(auto_pad, output_padding=q))
                for axis, q in zip(axes, added, strict=True)
            )
        )
    for auto_pad in (NOTSET, SAME_UPPER):
        name = "output_shape" if auto_pad == NOTSET else f"output_shape, {auto_pad}"
        yield Written(name, tuple(_sized(reads, axis, auto_pad) for axis in axes))
    pads = by_pads(case).axes
    if any(any(axis.pads or ()) for axis in pads):
        beside = zip(axes, pads, strict=True)
        yield Written(
            "output_shape beside pads",
            tuple(OfAxis(NOTSET, of.pads, of.output_padding, axis.fine) for axis, of in beside),
        )


def _first(found: Iterable[Written]) -> Iterator[Written]:
    yield from list(found)[:1]


def _automatic(auto_pad: str, axes: tuple[Axis, ...]) -> Written:
    return Written(f"auto_pad={auto_pad}", (OfAxis(auto_pad),) * len(axes))


def _gives(reads: Reads, axis: Axis, of: OfAxis) -> bool:
    """Return whether the axis has its size with these attributes."""
    window = reads(axis, of)
    return window is not None and window.size == axis.fine


def _sized(reads: Reads, axis: Axis, auto_pad: str) -> OfAxis:
    """Return an output size with the smallest output padding by which the window begins where it should."""
    apart = axis.before - axis.after
    added = sorted({q for q in (0, apart - 1, apart, apart + 1) if q >= 0})
    found = [OfAxis(auto_pad, None, q, axis.fine) for q in added]
    meant = Window(axis.before, axis.fine)
    return next((of for of in found if reads(axis, of) == meant), found[0])
