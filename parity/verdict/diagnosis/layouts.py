"""Mistakes in the memory order: an array of one layout read as of another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from parity.cases.arrays import Array
from parity.verdict.diagnosis.suspect import Output
from parity.verdict.reference import Reference


def another_layout(_result: Array, reference: Reference) -> Iterator[Output]:
    """Try an array in the memory order of another layout."""
    arrays = reference.arrays
    x, w, _ = arrays
    spatial = tuple(range(2, x.ndim))
    last = (0, *spatial, 1)
    for text, array in _readings(x, last):
        yield Output(f"the input {text}", reference.compute(arrays._replace(x=array)))
    for axes in ((*spatial, 1, 0), last):
        for text, array in _readings(w, axes):
            yield Output(f"the kernel {text}", reference.compute(arrays._replace(w=array)))
    for text, array in _readings(reference.y, last):
        yield Output(f"the output {text}", array)
    yield Output("the output is channels last", reference.y.transpose(last))


def _readings(array: Array, axes: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """Try the array's memory in the other order of axes, read as this one, and the other way round."""
    stored = array.transpose(axes)
    shape = f"{stored.shape} (axes {axes})"
    yield f"is stored as {shape} and read as {array.shape}", stored.reshape(array.shape)
    read = array.reshape(stored.shape).transpose(np.argsort(axes))
    yield f"is stored as {array.shape} and read as {shape}", read
