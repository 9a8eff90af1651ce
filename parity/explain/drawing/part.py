"""Which part of a case is drawn: as much of it as a reader takes in."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from convmm.drawing.cells import LARGEST
from convmm.geometry import GeometryError
from parity.cases.arrays import Arrays
from parity.cases.case import Case
from parity.cases.own import OwnArrays, arrays_of
from parity.cases.values.drawing import draw_arrays
from parity.explain.steps import MOST_ENTRIES, entries

_LAST = slice(-1, None)

_SHORT = 24
"""Elements of an axis that is cut short, at the most; a number of strides is cut off, so
that what is left over stays."""


@dataclass(frozen=True)
class Part:
    """What is drawn of a case, which is a case itself.

    Attributes:
        case: of one sample, whose unrolled kernel has at most :data:`convmm.drawing.cells.LARGEST` rows and
            columns.
        arrays: its arrays, in float64.
        notes: what is left out of the whole case, in sentences.
    """

    case: Case
    arrays: Arrays
    notes: tuple[str, ...]


def part_of(case: Case, own: OwnArrays) -> Part | None:
    """Return the first that is small enough of the first sample, a channel of it, an axis, and a short one.

    None where there is none: the case has no output, or not even a short axis is small enough.

    Raises:
        CaseError: its arrays do not fit in memory.
    """
    for smaller, notes in _smaller(case):
        if not _fits(smaller):
            continue
        if own or entries(case) <= MOST_ENTRIES:
            arrays = _cut(arrays_of(case, own), smaller)
        else:
            arrays = draw_arrays(smaller)
            notes.append("Its values are drawn for what is shown alone, since the whole case is large.")
        return Part(smaller, arrays.widened(), tuple(notes))
    return None


def _smaller(case: Case) -> Iterator[tuple[Case, list[str]]]:
    notes = []
    if case.input[0] > 1:
        notes.append(f"Of {case.input[0]} samples the first is drawn.")
    if not case.input[0]:
        return
    one_sample = replace(case, input=(1, *case.input[1:]))
    yield one_sample, list(notes)
    if not case.filters or not case.input[1]:
        return
    one_channel = replace(one_sample, input=(1, 1, *case.input[2:]), filters=1, groups=1)
    if (case.input[1], case.filters) != (1, 1):
        notes.append(
            f"Drawn are the first input channel (of {case.input[1]}) and the first filter "
            f"(of {case.filters}): what the one adds to the other. The rest looks the same."
        )
        yield one_channel, list(notes)
    if case.rank > 1:
        notes.append(
            f"Of {case.rank} axes the last alone is drawn: the input's first row and the kernel's first row. "
            "Every other axis does the same, and the matrix of all of them is one such matrix in another."
        )
    one_axis = replace(
        one_channel,
        op="conv_transpose1d" if case.transposed else "conv1d",
        input=(1, 1, case.input[-1]),
        kernel=case.kernel[_LAST],
        stride=case.stride[_LAST],
        padding=case.padding if isinstance(case.padding, str) else case.padding[_LAST],
        output_padding=case.output_padding and case.output_padding[_LAST],
        dilation=case.dilation[_LAST],
    )
    if case.rank > 1:
        yield one_axis, list(notes)
    size, stride = case.input[-1], case.stride[-1]
    cut_off = max(-((_SHORT - size) // stride), 1) * stride
    for length in range(size - cut_off, 0, -stride):
        with suppress(GeometryError):  # the kernel does not fit into so short an axis
            yield (
                replace(one_axis, input=(1, 1, length)),
                [*notes, f"The axis is cut short, to {length} of {size} elements: the rest looks the same."],
            )


def _fits(case: Case) -> bool:
    """Return whether there is an output, and the matrices are small: its own, and that of stride 1."""
    geometry = case.geometry
    wholes = [
        axis.full if case.transposed else before + axis.fine + after
        for axis, (before, after) in zip(geometry.axes, geometry.pads, strict=True)
    ]
    at_stride_1 = [whole - axis.extent + 1 for whole, axis in zip(wholes, geometry.axes, strict=True)]
    if min(*case.input, *case.output_shape, *at_stride_1) < 1:
        return False
    of_channel = (*map(math.prod, (wholes, geometry.fine)), *map(math.prod, (at_stride_1, geometry.coarse)))
    channels = (geometry.fine_channels,) * 2 + (geometry.coarse_channels,) * 2
    return all(size * count <= LARGEST for size, count in zip(of_channel, channels, strict=True))


def _cut(arrays: Arrays, case: Case) -> Arrays:
    """Return the first elements of each array: as many as the smaller case has."""
    x, w = arrays.x, arrays.w
    while x.ndim > len(case.input):
        x, w = x[:, :, 0], w[:, :, 0]
    bias = None if arrays.bias is None else arrays.bias[: case.filters]
    return Arrays(x[tuple(map(slice, case.input))], w[tuple(map(slice, case.kernel_shape))], bias)
