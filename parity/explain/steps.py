"""The arithmetic of a case in text, step by step, with the arrays where they are small enough to read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from convmm.geometry import Geometry
from convmm.reference.steps import Step, conv_steps, conv_transpose_steps
from parity.cases.arrays import Array, Arrays
from parity.cases.case import Case
from parity.cases.notation import format_shape
from parity.cases.own import NONE, OwnArrays, arrays_of
from parity.explain.picture import axis_pictures
from parity.verdict.reference import make_reference

_READABLE = 30
"""Rows and columns of a matrix that a reader still takes in."""

MOST_ENTRIES = 2**22
"""Of all arrays of the steps: as many are worked out in a second or two, and larger ones are not printed."""

_DENSE = 2**22
"""Elements up to which the unrolled kernel is made as a dense matrix."""


def explain(case: Case, own: OwnArrays = NONE) -> Iterator[str]:
    """Yield the lines that explain a case, on drawn arrays or a user's own.

    Raises:
        CaseError: the arrays do not fit in memory.
    """
    count = entries(case)
    arrays = arrays_of(case, own) if count <= MOST_ENTRIES else None
    yield f"{case.op}: input {format_shape(case.input)}, output {format_shape(case.output_shape)}"
    yield from axis_pictures(case)
    if arrays is None:
        yield ""
        yield (
            f"The steps are left out: their arrays have {count} entries, and up to {MOST_ENTRIES} are "
            "worked out here."
        )
        return
    for number, step in enumerate(steps_of(case, arrays), 1):
        yield ""
        yield f"{number}. {step.name}, {format_shape(step.array.shape)}: {step.text}"
        yield from _first_matrix(step)
    if case.transposed and arrays.x.size:
        yield from _windows(case, arrays)


def entries(case: Case) -> int:
    """Count what the unrolled kernel and the arrays of the steps hold, without making any."""
    geometry = case.geometry
    of_kernel = math.prod(geometry.kernel) * math.prod(geometry.coarse)
    unrolled = of_kernel * geometry.fine_channels * geometry.coarse_channels // geometry.groups
    shapes = (case.input, case.output_shape, case.kernel_shape)
    responses = case.input[0] * geometry.fine_channels * math.prod(geometry.full)
    return unrolled + responses + sum(map(math.prod, shapes))


def steps_of(case: Case, arrays: Arrays) -> tuple[Step, ...]:
    """Work out the steps of a case in float64."""
    wide = arrays.widened()
    arguments: dict[str, Any] = {
        "stride": case.stride,
        "padding": case.padding,
        "dilation": case.dilation,
        "groups": case.groups,
    }
    full = [axis.full for axis in case.geometry.axes]
    arguments["sparse"] = np.prod(full, dtype=float) ** 2 * case.input[1] * case.filters > _DENSE
    with np.errstate(over="ignore", invalid="ignore"):  # infinities and NaN are IEEE results, not accidents
        if case.transposed:
            return conv_transpose_steps(*wide, output_padding=case.output_padding, **arguments)
        return conv_steps(*wide, padding_mode=case.padding_mode, **arguments)


def _first_matrix(step: Step) -> Iterator[str]:
    """Yield the step's matrix, or its first sample's channels, each as a matrix."""
    if not isinstance(step.array, np.ndarray):
        yield f"  (sparse, {step.array.nnz} entries)"
        return
    array = step.array
    planes = [array] if array.ndim == 2 else _planes(array)  # noqa: PLR2004 - a matrix
    if any(max(plane.shape) > _READABLE for plane in planes) or len(planes) > _READABLE:
        yield "  (too large to print)"
        return
    for number, plane in enumerate(planes):
        if len(planes) > 1:
            yield f"  sample 0, channel {number}"
        yield from _lines(plane, np.ones(plane.shape, bool), marked=False)


def _planes(array: Array) -> list[Array]:
    """Return each channel of the first sample as a matrix: one axis as a row, three as stacked matrices."""
    return [channel.reshape(-1, channel.shape[-1]) for channel in array[0]] if array.size else []


def _windows(case: Case, arrays: Arrays) -> Iterator[str]:
    """Write the full response, or "valid", with what "same" and the case itself keep in brackets."""
    valid = replace(case, padding="valid")
    same = replace(case, padding="same")
    yield from _picture('"same" inside "valid"', valid, same.geometry, arrays)
    if case.geometry not in (valid.geometry, same.geometry):
        yield from _picture('this case inside "valid"', valid, case.geometry, arrays)


def _picture(title: str, valid: Case, window: Geometry, arrays: Arrays) -> Iterator[str]:
    response = make_reference(valid, arrays).y
    yield ""
    if not response.size or max(response.shape[2:]) > _READABLE:
        yield f"{title}: (too large to print)"
        return
    yield f"{title}: the {format_shape(window.fine)} in brackets, of {format_shape(valid.geometry.fine)}"
    inside = np.ones(valid.geometry.fine, bool)
    for number, axis in enumerate(window.axes):
        place = np.arange(valid.geometry.fine[number])
        kept = (place >= axis.before) & (place < axis.before + axis.fine)
        inside &= kept.reshape(*(-1 if i == number else 1 for i in range(len(window.axes))))
    yield from _lines(_planes(response)[0], inside.reshape(-1, inside.shape[-1]), marked=True)


def _lines(plane: Array, inside: Array, *, marked: bool) -> Iterator[str]:
    texts = [[f"{value:.0f}" if value.is_integer() else f"{value:.4g}" for value in row] for row in plane]
    width = max((len(text) for row in texts for text in row), default=0)
    for row, keep in zip(texts, inside, strict=True):
        if marked:
            cells = [
                f"[{text:>{width}}]" if k else f" {text:>{width}} " for text, k in zip(row, keep, strict=True)
            ]
        else:
            cells = [f"{text:>{width}}" for text in row]
        yield "  " + " ".join(cells).rstrip()
