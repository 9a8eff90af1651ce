"""Weights that are given to a layer, and whether they fit it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from parity.cases.arrays import Array
from parity.cases.errors import InputError


class WeightsError(InputError):
    """Weights that do not fit the layer that they are given to; the message says which shapes would."""


def check_weights(arrays: Sequence[Any], weights: Sequence[Array]) -> None:
    """Check that weights have the shapes of a layer's own arrays, in its order.

    Raises:
        WeightsError: they have others, or are more or fewer.
    """
    wanted, given = ([tuple(map(int, each.shape)) for each in these] for these in (arrays, weights))
    if wanted != given:
        raise WeightsError(
            f"the weights do not fit the layer: its arrays have the shapes {_shapes(wanted)}, and it was "
            f"given {_shapes(given)}"
        )


def shapes_of(weights: Sequence[Any]) -> str:
    """Write the shapes of arrays, or of what may be arrays."""
    return _shapes([np.shape(each) for each in weights])


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes)) or "none"
