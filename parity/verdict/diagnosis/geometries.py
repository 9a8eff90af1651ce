"""Other geometries of a case, as mistaken arguments make them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from convmm.geometry import Geometry, GeometryError
from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.verdict.reference import Reference

_SPARE = 2**24
"""Bytes that computing another geometry may take beside what the case's own takes."""


def geometries(result: Array, reference: Reference, **others: tuple[int, ...]) -> Iterator[Geometry]:
    """Yield the case's geometry with other values on its axes and the result's sizes, whatever they are.

    Padding by name depends on the other arguments: it is kept in numbers, then kept by name. Geometries that
    would take more than an eighth of the search to compute, or much more memory than the case, are left out.

    Args:
        result: what a layer gave.
        reference: of the case.
        others: "stride", "dilation", "kernel", "input" (its sizes) and "before" (of the padding), of which
            those left out are the case's own.
    """
    case = reference.case
    own = case.geometry
    given, due = ("coarse", "fine") if case.transposed else ("fine", "coarse")
    fields = {given if name == "input" else name: values for name, values in others.items()}
    fields[due] = result.shape[2:]
    spare = _SPARE // max(8 * case.input[0] * own.fine_channels, 1)
    most = _places(own) + min(reference.affordable // 8 * _places(own), spare)
    for before in dict.fromkeys([fields.get("before", own.before), *_before_by_name(case, others)]):
        fields["before"] = before
        axes = [
            replace(axis, **{name: values[number] for name, values in fields.items()})
            for number, axis in enumerate(own.axes)
        ]
        geometry = replace(own, axes=tuple(axes))
        if _places(geometry) <= most:
            yield geometry


def _before_by_name(case: Case, others: dict[str, tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    """Return where the padding of this name begins, beside other arguments, if it does."""
    if case.padding == "same" and "before" not in others:
        arguments: dict[str, Any] = dict(others)
        if "input" in others:
            arguments["input"] = (*case.input[:2], *others["input"])
        with suppress(GeometryError):  # arguments that do not fit each other
            yield replace(case, **arguments).geometry.before


def _places(geometry: Geometry) -> int:
    """Return the number of places that it takes to compute one channel, about."""
    responses = math.prod(max(axis.full, axis.fine) for axis in geometry.axes)
    return responses + math.prod(geometry.coarse) * math.prod(geometry.kernel)
