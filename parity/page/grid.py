"""The atlas as grids: what matters down, who computed across, and in each cell what happens there."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from parity.cases.op import OPS
from parity.page.atlas import Atlas, Contestant, Place
from parity.page.matters import TITLES, row_order
from parity.page.outcome import OUTCOMES

Counts = Sequence[tuple[int, int]]
"""Of a cell: the place of each outcome in ``OUTCOMES``, with how many results have it."""


class Cell(NamedTuple):
    """A cell of a grid.

    Attributes:
        name: by which the script lists its cases; empty where it lists none.
        counts: what happens there.
        changed: how the other record, if there is one, differs: "changed", as many results have other
            outcomes, "other cases", it has more or fewer of them; empty where it does not.
    """

    name: str
    counts: Counts
    changed: str

    @property
    def ground(self) -> Markup:
        """The colours of the cell: a stripe for each outcome, as wide as its share."""
        total, at, stripes = sum(count for _, count in self.counts), 0, []
        for outcome, count in self.counts:
            colour = f"var(--{OUTCOMES[outcome].name})"
            stripes.append(f"{colour} {100 * at / total:.4g}% {100 * (at + count) / total:.4g}%")
            at += count
        return Markup(f"linear-gradient(90deg, {', '.join(stripes)})")  # noqa: S704 - of our names and numbers

    @property
    def words(self) -> str:
        """What happens there, in words."""
        return ", ".join(f"{count} {OUTCOMES[outcome].words}" for outcome, count in self.counts)


class Row(NamedTuple):
    """A row of a grid.

    Attributes:
        heads: what matters, and for how many rows, where that is not said by a row above.
        cells: one for each column.
    """

    heads: Sequence[tuple[str, int]]
    cells: Sequence[Cell]


class Grid(NamedTuple):
    """What happens in one operation.

    Attributes:
        titles: of what matters.
        columns: who computed.
        rows: of the grid.
    """

    titles: Sequence[str]
    columns: Sequence[Contestant]
    rows: Sequence[Row]

    @property
    def total(self) -> Counts:
        """What happens in all cells together."""
        total: Counter[int] = Counter()
        for row in self.rows:
            for cell in row.cells:
                total.update(dict(cell.counts))
        return sorted(total.items())

    @property
    def asks_for_attention(self) -> bool:
        """Whether anything is unexplained or crashed, or otherwise in the other record."""
        bad = any(OUTCOMES[outcome].name in ("wrong", "crashed") for outcome, _ in self.total)
        return bad or any(cell.changed for row in self.rows for cell in row.cells)


def make_grids(
    atlas: Atlas,
    order: Sequence[Contestant],
    *,
    other: Atlas | None = None,
    name: Callable[[Place], str] = lambda _: "",
) -> dict[str, Grid]:
    """Make a grid of each operation.

    Args:
        atlas: of the record.
        order: of the columns.
        other: of the record that stands beside it: the grids of both have the same rows and columns.
        name: gives a cell its name.
    """
    places = {*atlas.places, *(() if other is None else other.places)}
    return {
        op: _grid([place for place in places if place[0] == op], atlas, order, other, name)
        for op in OPS
        if any(place[0] == op for place in places)
    }


def _grid(
    places: Sequence[Place],
    atlas: Atlas,
    order: Sequence[Contestant],
    other: Atlas | None,
    name: Callable[[Place], str],
) -> Grid:
    op = places[0][0]
    rows = sorted({matters for _, matters, _ in places}, key=row_order)
    columns = sorted({contestant for _, _, contestant in places}, key=order.index)
    used = [level for level in range(len(TITLES)) if any(row[level] for row in rows)]
    heads = _heads([[row[level] for level in used] for row in rows])
    return Grid(
        [TITLES[level] for level in used],
        columns,
        [
            Row(head, [_cell((op, row, column), atlas, other, name) for column in columns])
            for row, head in zip(rows, heads, strict=True)
        ],
    )


def _cell(place: Place, atlas: Atlas, other: Atlas | None, name: Callable[[Place], str]) -> Cell:
    counts = atlas.counts(place)
    before = counts if other is None else other.counts(place)
    as_many = sum(count for _, count in before) == sum(count for _, count in counts)
    changed = "" if before == counts else "changed" if as_many else "other cases"
    return Cell(name(place) if counts else "", counts, changed)


def _heads(rows: Sequence[Sequence[str]]) -> list[list[tuple[str, int]]]:
    """Return the heads of each row: what is not as in the row above, and for how many rows it is the same."""
    heads: list[list[tuple[str, int]]] = [[] for _ in rows]
    for level in range(len(rows[0])):
        for _, group in itertools.groupby(enumerate(rows), key=lambda row: row[1][: level + 1]):
            numbers = [number for number, _ in group]
            heads[numbers[0]].append((rows[numbers[0]][level], len(numbers)))
    return heads
