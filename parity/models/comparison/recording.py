"""A model's run, kept: each call of a convolution with its input and its output, in files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from parity.cases.arrays import Array
from parity.frameworks.model import Model, Unread, Use


@dataclass(frozen=True)
class Kept:
    """An array in a file, so that memory holds the largest layer's arrays alone.

    Attributes:
        path: of the file, which has the elements and nothing else: some dtypes NumPy's own format has not.
        shape: of the array.
        dtype: of the array.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, array: Array, path: Path) -> Kept:
        """Write an array into a file."""
        np.ascontiguousarray(array).tofile(path)
        return cls(path, array.shape, array.dtype)

    def read(self) -> Array:
        """Read it."""
        if not prod(self.shape):
            return np.empty(self.shape, self.dtype)
        return np.fromfile(self.path, self.dtype).reshape(self.shape)


@dataclass(frozen=True)
class Call:
    """One call of a convolution, as it was.

    Attributes:
        use: what was called.
        number: of the calls of this layer, from 1 on.
        of: how often the layer is called.
        x: its input, (N, C, *spatial).
        y: its output, (N, O, *spatial), without an activation.
    """

    use: Use
    number: int
    of: int
    x: Kept
    y: Kept

    @property
    def label(self) -> str:
        """The layer's name, with the number of the call where there are several."""
        return self.use.name if self.of == 1 else f"{self.use.name} (call {self.number})"


@dataclass(frozen=True)
class Recording:
    """What a model did.

    Attributes:
        framework: whose it is.
        calls: of its convolutions, in order.
        outputs: of the model.
        unread: what could not be read.
        notes: what is to be said of the model.
    """

    framework: str
    calls: tuple[Call, ...]
    outputs: tuple[Array, ...]
    unread: tuple[Unread, ...]
    notes: tuple[str, ...]


def record(model: Model, inputs: Sequence[Array], folder: Path) -> Recording:
    """Run a model once and keep what its convolutions are given and give.

    Args:
        model: the model.
        inputs: of it, channels first.
        folder: for the files.

    Raises:
        ModelError: it does not run.
    """
    folder.mkdir()
    calls: list[Call] = []
    counts: Counter[str] = Counter()

    def seen(use: Use, x: Array, y: Array) -> None:
        counts[use.name] += 1
        place = folder / str(len(calls))
        x_kept, y_kept = Kept.of(x, place.with_suffix(".x")), Kept.of(y, place.with_suffix(".y"))
        calls.append(Call(use, counts[use.name], 0, x_kept, y_kept))

    ran = model.run([each.copy() for each in inputs], seen)
    counted = tuple(replace(call, of=counts[call.use.name]) for call in calls)
    return Recording(model.framework, counted, ran.outputs, ran.unread, model.notes)
