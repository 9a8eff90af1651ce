"""Mistakes in the order of a kernel's taps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from parity.cases.arrays import Array
from parity.cases.notation import format_axes
from parity.verdict.diagnosis.choices import choices
from parity.verdict.diagnosis.suspect import Output
from parity.verdict.reference import Reference


def flipped(_result: Array, reference: Reference) -> Iterator[Output]:
    """Try a kernel that is flipped, on some axes or all."""
    for text, w in flips(reference):
        yield Output(text, reference.compute(reference.arrays._replace(w=w)))


def flips(reference: Reference) -> Iterator[tuple[str, Array]]:
    """Yield the kernel flipped on all axes, on one, on two; an axis with one tap has no other way round."""
    rank = reference.case.rank
    for chosen in choices([axis for axis, taps in enumerate(reference.case.kernel) if taps > 1]):
        text = f"the kernel is flipped on {len(chosen)} of {rank} axes: {format_axes(chosen)}"
        yield text, np.flip(reference.arrays.w, tuple(2 + axis for axis in chosen))
