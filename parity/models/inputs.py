"""What models are run on: arrays that are given, or drawn for shapes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convmm.geometry import GeometryError, check_ints, shown
from parity.cases.arrays import Array
from parity.cases.notation import format_shape
from parity.frameworks.model import Model, ModelError, written_shape

Input = str | Path | Sequence[int] | Array
"""The shape of an input, (N, C, *spatial), or its array, or the .npy file of that."""

_SEED = 0


def arrays_of(model: Model, inputs: Sequence[Input] | None) -> list[Array]:
    """Return the arrays that a model is run on: standard normal float32 numbers where shapes are given.

    Args:
        model: the model.
        inputs: of it, in order; None or nothing for the shapes that it declares, with a batch of 1.

    Raises:
        ModelError: none are given and it does not declare all, or one is no shape and no array.
    """
    if inputs is None or len(inputs) == 0:
        return [_drawn(shape, number) for number, shape in enumerate(_declared(model))]
    return [_array(each, number) for number, each in enumerate(inputs)]


def _declared(model: Model) -> list[tuple[int, ...]]:
    shapes = model.declared
    if not shapes:
        raise ModelError("the model does not say what it takes: give --input N,C,… for each of its inputs")
    found = []
    for shape in shapes:
        if any(size is None for size in shape[1:]):
            written = written_shape(shape)
            raise ModelError(f"the model takes inputs of {written}, channels first: give --input with all")
        found.append(tuple(1 if size is None else size for size in shape))
    return found


def _array(given: Input, number: int) -> Array:
    if isinstance(given, np.ndarray):
        return given
    if isinstance(given, str | Path):
        return _loaded(given)
    if not isinstance(given, Sequence):
        raise ModelError(
            f"input {shown(given)}: allowed is a shape (N, C, *spatial), an array or a .npy file"
        )
    try:
        shape = check_ints("input", [*given], len(given), minimum=1)
    except GeometryError as error:
        raise ModelError(str(error)) from None
    return _drawn(shape, number)


def _loaded(path: str | Path) -> Array:
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ModelError(f"input {shown(str(path))} cannot be read as a .npy file: {error}") from error
    if not isinstance(found, np.ndarray):
        raise ModelError(f"input {shown(str(path))}: allowed is a .npy file of one array")
    return found


def _drawn(shape: Sequence[int], number: int) -> Array:
    try:
        random = np.random.default_rng([_SEED, number])
        return random.standard_normal(tuple(shape), dtype=np.float32)
    except (MemoryError, ValueError) as error:
        raise ModelError(f"input {format_shape(shape)} does not fit in memory") from error
