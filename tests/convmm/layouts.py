"""Ways to store the same elements."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def _unaligned(array: NDArray[Any]) -> NDArray[Any]:
    raw = np.zeros(array.nbytes + 1, np.uint8)
    moved: NDArray[Any] = raw[1:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved


LAYOUTS: dict[str, Any] = {
    "Fortran order": np.asfortranarray,
    "every other element": lambda a: np.repeat(a, 2, -1)[..., ::2],
    "negative strides": lambda a: np.ascontiguousarray(a[:, :, ::-1])[:, :, ::-1],
    "channels last": lambda a: np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1),
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder("S")),
    "unaligned": _unaligned,
}
