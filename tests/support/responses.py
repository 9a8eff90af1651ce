"""What surrounds a case's output, computed tap by tap from the definition, to cut windows from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.cases.arrays import Array, Arrays
from parity.cases.case import Case
from parity.cases.values.drawing import draw_arrays
from parity.verdict.reference import Reference, make_reference


@dataclass(frozen=True)
class Response:
    """The full response of a transposed convolution, or every read of a convolution's input, with room.

    Attributes:
        values: in float64, (N, O, *spatial).
        origin: where the case's own output begins, on each axis.
        step: from one output element to the next, on each axis.
    """

    values: Array
    origin: tuple[int, ...]
    step: tuple[int, ...]

    def cut(self, offset: tuple[int, ...], sizes: tuple[int, ...]) -> Array:
        """The window of these sizes that begins this far after the case's own output."""
        first = [o + shift for o, shift in zip(self.origin, offset, strict=True)]
        assert min(first) >= 0
        spans = zip(first, sizes, self.step, strict=True)
        window: Array = self.values[_at(slice(f, f + (m - 1) * s + 1, s) for f, m, s in spans)]
        assert window.shape[2:] == sizes
        return window


def reach(case: Case) -> tuple[int, ...]:
    """How far windows are looked for, on each axis."""
    return tuple(max(axis.extent + axis.stride, axis.before, axis.after) for axis in case.geometry.axes)


def widened(case: Case) -> Arrays:
    """The case's arrays in float64."""
    x, w, bias = (None if array is None else array.astype(np.float64) for array in draw_arrays(case))
    assert x is not None
    assert w is not None
    return Arrays(x, w, bias)


def response(case: Case, margin: tuple[int, ...], arrays: Arrays | None = None) -> Response:
    """The response around a case's output, with so many more elements on either side of each axis."""
    x, w, bias = arrays or widened(case)
    values, origin, step = (_full_response if case.transposed else _all_reads)(case, x, w, margin)
    if bias is not None:
        values = values + bias.reshape(-1, *[1] * case.rank)
    return Response(values, origin, step)


def _full_response(
    case: Case, x: Array, w: Array, margin: tuple[int, ...]
) -> tuple[Array, tuple[int, ...], tuple[int, ...]]:
    axes = case.geometry.axes
    ends = (max(axis.full, axis.before) + axis.fine for axis in axes)  # padding may drop output padding too
    sizes = [end + 2 * m for end, m in zip(ends, margin, strict=True)]
    values = np.zeros((case.input[0], case.filters, *sizes))
    for tap in np.ndindex(case.kernel):
        met = tuple(
            slice(m + i * a.dilation, m + i * a.dilation + (a.coarse - 1) * a.stride + 1, a.stride)
            for i, a, m in zip(tap, axes, margin, strict=True)
        )
        values[_at(met)] += _mix(w[_at(tap)], x, case.groups, "nc...,co->no...")
    origin = tuple(axis.before + m for axis, m in zip(axes, margin, strict=True))
    return values, origin, (1,) * case.rank


def _all_reads(
    case: Case, x: Array, w: Array, margin: tuple[int, ...]
) -> tuple[Array, tuple[int, ...], tuple[int, ...]]:
    axes = case.geometry.axes
    counts = [(axis.coarse - 1) * axis.stride + 1 + 2 * m for axis, m in zip(axes, margin, strict=True)]
    before = [axis.before + m for axis, m in zip(axes, margin, strict=True)]
    after = [n + a.extent for n, a in zip(counts, axes, strict=True)]  # more than is read
    padded = np.pad(x, [(0, 0), (0, 0), *zip(before, after, strict=True)])
    values = np.zeros((case.input[0], case.filters, *counts))
    for tap in np.ndindex(case.kernel):
        read = tuple(
            slice(i * a.dilation, i * a.dilation + n) for i, a, n in zip(tap, axes, counts, strict=True)
        )
        values += _mix(w[_at(tap)], padded[_at(read)], case.groups, "nc...,oc->no...")
    return values, margin, case.stride


def _at(places: Iterable[int | slice]) -> tuple[Any, ...]:
    """An index of the last axes."""
    return (..., *places)


def _mix(weights: Array, x: Array, groups: int, how: str) -> Array:
    """The channels of each group mixed by the weights of one tap."""
    parts = zip(np.split(x, groups, axis=1), np.split(weights, groups, axis=0), strict=True)
    mixed: list[Any] = [np.einsum(how, part, of_group) for part, of_group in parts]
    return np.concatenate(mixed, axis=1)


def reference_of(case: Case) -> Reference:
    return make_reference(case, draw_arrays(case))
