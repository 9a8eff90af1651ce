"""A model's run, kept: each call of a convolution with its input and its output, in files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from parity.cases.arrays import Array
from parity.frameworks.model import Model, Unread, Use


@dataclass(frozen=True)
class Kept:
    """An array that is kept: the first ones in memory, the others in files.

    Attributes:
        shape: of the array.
        dtype: of the array.
        array: itself, or None.
        path: of the file otherwise, which has the elements and nothing else: some dtypes NumPy's own format
            has not.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    array: Array | None
    path: Path

    def read(self) -> Array:
        """Return it."""
        if self.array is not None:
            return self.array
        return np.fromfile(self.path, self.dtype).reshape(self.shape)


@dataclass
class Room:
    """Where arrays are kept.

    Attributes:
        folder: for those that are too many for memory.
        left: bytes of memory for others.
    """

    folder: Path
    left: int
    _files: int = 0

    def keep(self, array: Array) -> Kept:
        """Keep a copy of an array."""
        path = self.folder / str(self._files)
        if array.nbytes <= self.left:
            self.left -= array.nbytes
            return Kept(array.shape, array.dtype, array.copy(), path)
        self._files += 1
        np.ascontiguousarray(array).tofile(path)
        return Kept(array.shape, array.dtype, None, path)


MEMORY = 2**29
"""Bytes of the arrays of both models that are kept in memory."""


@dataclass(frozen=True)
class Call:
    """One call of a convolution, as it was.

    Attributes:
        use: what was called.
        number: of the calls of this layer, from 1 on.
        of: how often the layer is called.
        x: its input, (N, C, *spatial).
        y: its output, (N, O, *spatial), without an activation; None where that is not kept.
    """

    use: Use
    number: int
    of: int
    x: Kept
    y: Kept | None

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


def record(model: Model, inputs: Sequence[Array], room: Room, *, outputs: bool) -> Recording:
    """Run a model once and keep what its convolutions are given and give.

    Args:
        model: the model.
        inputs: of it, channels first.
        room: for what is kept.
        outputs: keep the layers' outputs too.

    Raises:
        ModelError: it does not run.
    """
    calls: list[Call] = []
    counts: Counter[str] = Counter()

    def seen(use: Use, x: Array, y: Array) -> None:
        counts[use.name] += 1
        calls.append(Call(use, counts[use.name], 0, room.keep(x), room.keep(y) if outputs else None))

    ran = model.run([each.copy() for each in inputs], seen)
    counted = tuple(replace(call, of=counts[call.use.name]) for call in calls)
    return Recording(model.framework, counted, ran.outputs, ran.unread, model.notes)
