"""Arrays as Keras's tensors, channels last, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from parity.adapters.keras.installation import load
from parity.values import Array


def to_keras(array: Array) -> Any:
    """The tensor of (N, C, *spatial), channels last."""
    last = np.ascontiguousarray(np.moveaxis(array, 1, -1))
    return load().ops.convert_to_tensor(last, dtype=array.dtype.name)


def to_numpy(tensor: Any) -> Array:
    """The array of a tensor with its channels last: (N, C, *spatial)."""
    return np.moveaxis(load().ops.convert_to_numpy(tensor), -1, 1)


def build(layer: Any, given: Any, weights: Sequence[Array]) -> None:
    """Build the layer for this input, and set its weights."""
    if not layer.built:
        layer.build(given.shape)
    layer.set_weights(weights)
