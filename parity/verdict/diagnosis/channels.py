"""Mistakes in the order of a kernel's channels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from parity.cases.arrays import Array
from parity.verdict.diagnosis.suspect import Output
from parity.verdict.reference import Reference


def swapped(_result: Array, reference: Reference) -> Iterator[Output]:
    """Try a kernel whose channels axes are swapped, or read as if they were."""
    w, groups = reference.arrays.w, reference.case.groups
    first, second, *kernel = w.shape
    readings = {
        "the kernel's input and output channels are swapped": w.swapaxes(0, 1).reshape(w.shape),
        f"the kernel is read as ({second}, {first}) channels, for ({first}, {second})": (
            w.reshape(second, first, *kernel).swapaxes(0, 1)
        ),
    }
    if first == second * groups:
        each = w.reshape(groups, second, second, *kernel).swapaxes(1, 2).reshape(w.shape)
        readings["the kernel's input and output channels are swapped in each group"] = each
    seen = [w]
    for text, other in readings.items():
        if not any(np.array_equal(other, each) for each in seen):
            seen.append(other)
            yield Output(text, reference.compute(reference.arrays._replace(w=other)))
