"""A case's axes in text: what each framework's layer keeps of the full response, or reads of the input.

One mark an element: ``#`` is kept (or read), ``.`` is left out, ``o`` is one that is added: padding
before and after a convolution's input, zeros of output padding behind the full response.
"""

from __future__ import annotations

from collections.abc import Iterator

from convmm.geometry import Axis
from parity.cases.case import ZEROS, Case
from parity.frameworks.known.registry import layers_of
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import usual_frameworks

_WIDEST = 64


def axis_pictures(case: Case) -> Iterator[str]:
    """Draw every axis, one line per layer of each framework."""
    for number, rows in enumerate(axis_rows(case)):
        yield ""
        yield f"axis {number}: {what_marks_mean(case, number)}"
        yield from _lines(rows, transposed=case.transposed)


def axis_rows(case: Case) -> list[dict[str, Axis]]:
    """Return, for every axis, what this case and each framework's layers make of it, by their names."""
    layers = {"this case": case.geometry.axes} | {
        f"{found.name} {spelling.label}": spelling.meaning.geometry.axes
        for found in usual_frameworks()
        if not found.is_oracle
        for spelling in layers_of(found, case)
        if isinstance(spelling, Spelling)
    }
    return [{label: axes[number] for label, axes in layers.items()} for number in range(case.rank)]


def what_marks_mean(case: Case, number: int, kept: str = "#") -> str:
    """Say what there is on an axis, and what the marks of its picture stand for."""
    axis = case.geometry.axes[number]
    if case.transposed:
        return (
            f"full response of {axis.full} = ({axis.coarse} - 1) * {axis.stride} + {axis.extent}; "
            f"{kept} kept, . cropped, o a zero of the output padding"
        )
    added = "a zero" if case.filled_with == ZEROS else f"an element ({case.filled_with!r})"
    return f"input of {axis.fine}; {kept} read, . left over, o {added} of the padding"


def _lines(rows: dict[str, Axis], *, transposed: bool) -> Iterator[str]:
    marks = marks_of(rows, transposed=transposed)
    if marks is None:
        yield "  (too long to draw)"
        return
    width = max(map(len, rows))
    for label, row in marks.items():
        yield f"  {label:<{width}}  {''.join(row)}".rstrip()


def marks_of(rows: dict[str, Axis], *, transposed: bool) -> dict[str, list[str]] | None:
    """Return the marks of each row, all of one length; None where they are too many to draw."""
    spans = {label: _span(axis, transposed=transposed) for label, axis in rows.items()}
    wholes = {label: (0, axis.full if transposed else axis.fine) for label, axis in rows.items()}
    both = [*spans.values(), *wholes.values()]
    first, last = min(begin for begin, _ in both), max(end for _, end in both)
    if last - first > _WIDEST:
        return None
    return {
        label: [_mark(place, span, wholes[label]) for place in range(first, last)]
        for label, span in spans.items()
    }


def _span(axis: Axis, *, transposed: bool) -> tuple[int, int]:
    """Say from which element to which: of the full response, or of the padded input."""
    if transposed:
        return axis.before, axis.before + axis.fine
    return -axis.before, axis.full - axis.before


def _mark(place: int, span: tuple[int, int], whole: tuple[int, int]) -> str:
    inside, real = span[0] <= place < span[1], whole[0] <= place < whole[1]
    if inside:
        return "#" if real else "o"
    return "." if real else " "
