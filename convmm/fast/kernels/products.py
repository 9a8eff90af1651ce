"""Matrix products that are added up without a new array for each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.fast.threads import Scratch

Array = NDArray[Any]


def add_product(left: Array, right: Array, total: Array, scratch: Scratch, *, begun: bool) -> None:
    """Add ``left @ right`` to the total, or make it the total where nothing has begun to be added up."""
    if begun:
        product = scratch.take("product", total.shape, total.dtype)
        np.add(total, np.matmul(left, right, out=product), out=total)
    else:
        np.matmul(left, right, out=total)
