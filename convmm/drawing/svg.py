"""Grids as SVG: shapes and text alone, nothing that is loaded, and no script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from convmm.drawing.cells import Cell, Grid, Plane, colour_of

_HIGH = 22
_SMALL = 12
_LETTER = 6.7
_WIDEST = 1700
_GAP = 18
_LINE = 16
_FONT = 'font-family="ui-monospace, monospace" font-size="11"'

STYLE = """
svg { color-scheme: light; }
.ground { fill: #ffffff; }
text { fill: #1b1f24; }
text.faint { fill: #57606a; }
"""
"""Black on white, as a picture is that stands in a page of unknown colours."""

_FILLS = {"value": "#ffffff", "zero": "#f6f7f8", "pad": "#eceef1", "kept": "#cfe3ff", "left": "#f6f7f8"}
_LINES = {"kept": 'stroke="#1b1f24"', "pad": 'stroke="#57606a" stroke-dasharray="2 2"'}


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a picture: its size in pixels, and its elements from (0, 0) on."""

    width: float
    height: float
    body: str


def draw(grid: Grid, *, titled: bool = True) -> Block:
    """Draw a grid: its title and text where they are wanted, and its planes side by side."""
    blocks = [_plane(plane, square=grid.square) for plane in grid.planes]
    flow = beside(blocks, widest=900) if blocks else Block(0, 0, "")
    if not titled:
        return flow
    lines = _wrapped(grid.text, max(flow.width, 420))
    head = f'<text x="0" y="12" font-weight="bold">{shown(grid.title)}</text>' + "".join(
        f'<text class="faint" x="0" y="{12 + row * _LINE}">{shown(line)}</text>'
        for row, line in enumerate(lines, 1)
    )
    top = (1 + len(lines)) * _LINE + 4
    width = max([flow.width, *(len(line) * _LETTER for line in (grid.title, *lines))])
    return Block(width, top + flow.height, head + _at(0, top, flow.body))


def beside(blocks: Iterable[Block], *, widest: float) -> Block:
    """Set blocks side by side, in rows that are no wider than that unless one block is."""
    body, x, y, high, wide = [], 0.0, 0.0, 0.0, 0.0
    for block in blocks:
        if x and x + block.width > widest:
            x, y, high = 0.0, y + high + _GAP, 0.0
        body.append(_at(x, y, block.body))
        x, high = x + block.width + _GAP, max(high, block.height)
        wide = max(wide, x - _GAP)
    return Block(wide, y + high, "".join(body))


def below(blocks: Sequence[Block]) -> Block:
    """Set blocks below each other."""
    body, y = [], 0.0
    for block in blocks:
        body.append(_at(0, y, block.body))
        y += block.height + _GAP
    return Block(max((block.width for block in blocks), default=0), max(y - _GAP, 0), "".join(body))


def document(block: Block, *, title: str, text: str, name: str = "picture", style: str | None = STYLE) -> str:
    """Write an SVG of a block, with a title and a description for those who do not see it.

    Args:
        block: what is drawn.
        title: of the picture.
        text: its description.
        name: the beginning of its ids, unlike any other's in one page.
        style: its style sheet; None for a picture in a page that has one.
    """
    edge = 1 if style is None else 12
    width, height = block.width + 2 * edge, block.height + 2 * edge
    sheet = "" if style is None else f"<style>{style}</style>"
    ground = "" if style is None else '<rect class="ground" width="100%" height="100%" fill="#ffffff"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
        f' viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-labelledby="{name}-title {name}-text"'
        f' {_FONT} fill="#1b1f24">'
        f'<title id="{name}-title">{shown(title)}</title><desc id="{name}-text">{shown(text)}</desc>'
        f"{sheet}{ground}{_at(edge, edge, block.body)}</svg>"
    )


def shown(text: str) -> str:
    """Write a text as XML has it; what XML has no character for, or nobody sees, as an escape of Python's."""
    return escape("".join(each if each.isprintable() else ascii(each)[1:-1] for each in text))


def _plane(plane: Plane, *, square: bool) -> Block:
    columns = max(map(len, plane.rows), default=0)
    longest = max((len(cell.text) for row in plane.rows for cell in row), default=1)
    wide = max(_HIGH, longest * _LETTER + 6)
    high = wide if square else _HIGH
    written = max(columns * wide, len(plane.rows) * high if square else 0) <= _WIDEST
    if not written:
        wide = high = _SMALL
    left = max((len(name) * _LETTER + 8 for name in plane.names), default=0.0)
    top = _LINE if plane.label else 0
    parts = [f'<text class="faint" x="0" y="11">{shown(plane.label)}</text>'] if plane.label else []
    for row, line in enumerate(plane.rows):
        y = top + row * high
        if plane.names:
            parts.append(f'<text x="0" y="{y + high / 2 + 4:.1f}">{shown(plane.names[row])}</text>')
        parts += [
            _cell(cell, (row, column), (left + column * wide, y, wide, high), written=written)
            for column, cell in enumerate(line)
        ]
    least = len(plane.label) * _LETTER
    return Block(max(left + columns * wide, least), top + len(plane.rows) * high, "".join(parts))


def _cell(
    cell: Cell, place: tuple[int, int], box: tuple[float, float, float, float], *, written: bool
) -> str:
    if cell.kind == "none":
        return ""
    x, y, wide, high = box
    fill = _FILLS[cell.kind] if cell.tap is None else colour_of(cell.tap)
    line = _LINES.get(cell.kind, 'stroke="#d0d7de"')
    kind = cell.kind if cell.tap is None else "tap"
    tap = "" if cell.tap is None else f' data-tap="{cell.tap}"'
    taps = f' data-taps="{" ".join(map(str, cell.taps))}"' if cell.taps else ""
    text = ""
    if written and cell.text:
        middle = f'x="{x + wide / 2:.1f}" y="{y + high / 2 + 4:.1f}" text-anchor="middle"'
        text = f"<text {middle}>{shown(cell.text)}</text>"
    return (
        f'<g class="cell {kind}" data-at="{place[0]} {place[1]}"{tap}{taps}>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" fill="{fill}"'
        f" {line}/>{text}</g>"
    )


def _wrapped(text: str, width: float) -> list[str]:
    lines, room = [""], int(width / _LETTER)
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [line for line in lines if line]


def _at(x: float, y: float, body: str) -> str:
    return body if not (x or y) else f'<g transform="translate({x:.1f} {y:.1f})">{body}</g>'
