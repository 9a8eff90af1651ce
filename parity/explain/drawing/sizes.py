"""Which sizes an axis cannot tell apart, and what output padding chooses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from convmm.drawing.cells import LARGEST, Grid
from convmm.geometry import Axis, GeometryError
from parity.cases.case import Case
from parity.explain.drawing.windows import strips
from parity.explain.sizes import SizeRow, size_row


@dataclass(frozen=True)
class Ambiguity:
    """The sizes of the fine grid that belong to the case's coarse size, on an axis or on several alike.

    Attributes:
        title: which axes.
        sentence: what is ambiguous.
        row: the sizes, and what restores them.
        size: the case's own.
        picture: what a convolution reads of an input of each size.
    """

    title: str
    sentence: str
    row: SizeRow
    size: int
    picture: Grid


def ambiguities(case: Case) -> list[Ambiguity]:
    """Return the sizes of each axis; axes that are alike stand together.

    None of an axis without elements, or with a stride of more sizes than anybody looks at.
    """
    alike: dict[Axis, list[int]] = {}
    for place, axis in enumerate(case.geometry.axes):
        if axis.coarse and axis.stride <= LARGEST:
            alike.setdefault(axis, []).append(place)
    return [_ambiguity(case, axis, places) for axis, places in alike.items()]


def _ambiguity(case: Case, axis: Axis, places: list[int]) -> Ambiguity:
    padding = case.padding if isinstance(case.padding, str) else (case.padding[places[0]],)
    row = size_row(axis.coarse, axis.kernel, axis.stride, axis.dilation, padding)
    title = f"{'Axis' if len(places) == 1 else 'Axes'} {', '.join(map(str, places))}"
    sizes = ", ".join(map(str, row.fine))
    sentence = (
        f"Ambiguous: the convolution maps each of the sizes {sizes} to {axis.coarse}. The transposed one "
        f"gives {row.default} of itself, and another by its output padding."
        if row.ambiguous
        else f"Not ambiguous: {sizes or 'no size'} alone is mapped to {axis.coarse}."
    )
    rows = dict(_rows(row, axis, padding))
    said = "0 1 2 … read by the convolution, . left over, o an element of the padding."
    picture = strips(f"Sizes of {title.lower()}", said, rows, transposed=False)
    return Ambiguity(title, sentence, row, axis.fine, picture)


def _rows(row: SizeRow, axis: Axis, padding: object) -> Iterator[tuple[str, Axis]]:
    for size, added in zip(row.fine, row.output_padding, strict=True):
        with suppress(GeometryError):  # an input that the kernel does not fit into
            one = Case("conv1d", (1, 1, size), 1, axis.kernel, axis.stride, padding, dilation=axis.dilation)  # type: ignore[arg-type] # of a case
            restored = "the default" if added is None else f"output padding {added}"
            yield f"{size}, by {restored}", one.geometry.axes[0]
