"""A case drawn: as a page of HTML to step through, and as one picture of SVG."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import numpy as np
from markupsafe import Markup

from convmm.drawing.cells import LARGEST, Grid, sentence
from convmm.drawing.svg import below, beside, document, draw
from convmm.reference.matrix import unroll
from parity.cases.case import ZEROS, Case
from parity.cases.errors import InputError
from parity.cases.files import replacing
from parity.cases.notation import format_shape
from parity.cases.own import NONE, OwnArrays, command_of
from parity.explain.drawing.flow import flow_of
from parity.explain.drawing.part import Part, part_of
from parity.explain.drawing.sizes import Ambiguity, ambiguities
from parity.explain.drawing.taps import (
    Tap,
    kernel_grid,
    matrix_grid,
    matrix_taps,
    taps_of,
)
from parity.explain.drawing.windows import same_inside_valid, windows_of
from parity.markup.templates import render, theme

_WIDEST = 1200


class PictureError(InputError):
    """A picture that cannot be written; the message names its file."""


@dataclass(frozen=True)
class Pictures:
    """All that is drawn of a case.

    Attributes:
        title: the operation and its sizes.
        command: that explains the case.
        notes: what is left out, in sentences.
        kernel: the kernel; None, as all down to ``same``, where no part of the case can be drawn.
        taps: of the kernel.
        padded: the matrices, and the taps, are of the input with its padding, which holds elements.
        flow: the steps.
        matrices: the unrolled kernel and its transpose.
        same: where "same" lies inside "valid", of a transposed case.
        windows: the axes.
        sizes: what is ambiguous.
    """

    title: str
    command: str
    notes: tuple[str, ...]
    kernel: Grid | None
    taps: list[Tap]
    padded: bool
    flow: list[Grid]
    matrices: list[Grid]
    same: Grid | None
    windows: list[Grid]
    sizes: list[Ambiguity]


def pictures_of(case: Case, own: OwnArrays = NONE) -> Pictures:
    """Draw a case, on drawn arrays or a user's own.

    Raises:
        CaseError: the arrays do not fit in memory.
    """
    part, windows = part_of(case, own), windows_of(case)
    if part and not any(grid.planes for grid in windows):
        windows = [replace(windows_of(part.case)[-1], title="The last axis, as it is drawn above")]
    nothing = (
        f"The steps and the matrix are left out: drawn are kernels that unroll to at most {LARGEST} rows and "
        f"{LARGEST} columns, and have an output; here not even a short axis alone does."
    )
    return Pictures(
        f"{case.op}: input {format_shape(case.input)}, output {format_shape(case.output_shape)}",
        command_of(case, own).replace("parity run", "parity explain", 1),
        part.notes if part else (nothing,),
        kernel_grid(part) if part else None,
        taps_of(part) if part else [],
        case.filled_with != ZEROS,
        flow_of(part) if part else [],
        _matrices(part) if part else [],
        same_inside_valid(part) if part else None,
        windows,
        ambiguities(case),
    )


def _matrices(part: Part) -> list[Grid]:
    """Draw the matrix of the case itself, with its stride and padding, and beside it the same transposed."""
    geometry = part.case.geometry.extended
    taps = matrix_taps(part.case, geometry)
    values = np.asarray(unroll(part.arrays.w, geometry, sparse=False))
    rows, columns = values.shape
    over = "" if part.case.filled_with == ZEROS else " with the padding"
    return [
        matrix_grid(
            f"The convolution's matrix, {rows} × {columns}",
            f"Its input{over} as a row, times this: a row for each element of the input, a column for each "
            "of the output.",
            values,
            taps,
        ),
        matrix_grid(
            f"The transposed convolution's, {columns} × {rows}",
            "The same picture transposed: what the one joins, the other joins the other way.",
            values.T,
            taps.T,
        ),
    ]


def write_pictures(
    case: Case, own: OwnArrays = NONE, *, html: Path | None = None, svg: Path | None = None
) -> None:
    """Write a case's page, its picture or both, each whole or not at all; files that are there are replaced.

    Args:
        case: the case.
        own: arrays that are not drawn; their files are never replaced.
        html: of the page; None for none.
        svg: of the picture; None for none.

    Raises:
        CaseError: the arrays do not fit in memory.
        PictureError: a file cannot be written there.
    """
    pictures = pictures_of(case, own)
    texts = [(html, make_page), (svg, make_svg)]
    for path, text in [(path, make(pictures)) for path, make in texts if path is not None]:
        try:
            sources = [Path(each.file) for each in own.values() if Path(each.file).exists()]
            with replacing(path, *sources) as file:
                file.write(text.encode())
        except OSError as error:
            raise PictureError(f"{path} cannot be written: {error.strerror}") from error


def make_svg(pictures: Pictures) -> str:
    """Return one picture of everything, which is valid XML and stands alone."""
    flow = [grid for grid in (pictures.kernel, *pictures.flow) if grid]
    rows = [
        beside(map(draw, flow), widest=_WIDEST),
        beside(map(draw, pictures.matrices), widest=_WIDEST),
        beside(map(draw, [grid for grid in (pictures.same, *pictures.windows) if grid]), widest=_WIDEST),
        beside((draw(each.picture) for each in pictures.sizes), widest=_WIDEST),
    ]
    said = sentence(
        f"Made by {pictures.command}.", *pictures.notes, *(grid.title + "." for grid in pictures.flow)
    )
    head = draw(Grid(pictures.title, sentence(*pictures.notes), ()))
    whole = below([row for row in (head, *rows) if row.height])
    return document(whole, title=pictures.title, text=said, style=theme() + _own("picture.css"))


def make_page(pictures: Pictures) -> str:
    """Return the page as HTML, which asks for nothing from anywhere."""
    return render(
        "parity.explain.drawing",
        "page.html",
        {
            "pictures": pictures,
            "svg": _inline,
            "largest": LARGEST,
            "theme": theme(),
            "style": _own("picture.css") + _own("page.css"),
            "script": _own("page.js"),
        },
    )


def _inline(grid: Grid, name: str) -> Markup:
    text = document(draw(grid, titled=False), title=grid.title, text=grid.text, name=name, style=None)
    return Markup(text)  # noqa: S704 - its texts are escaped


def _own(name: str) -> Markup:
    return Markup(resources.files(__package__).joinpath("templates", name).read_text(encoding="utf-8"))  # noqa: S704 - ours
