"""Three right implementations of every operation: by convmm, by the definition, by PyTorch's functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import convmm
from parity.cases.arrays import Array
from tests.support import naive
from tests.support.strategies import TRANSPOSES


def of_convmm(op: str, x: Array, w: Array, *bias: Array, **arguments: Any) -> Array:  # noqa: ANN401 - ints and pairs
    return np.asarray((convmm.conv_transpose if op in TRANSPOSES else convmm.conv)(x, w, *bias, **arguments))


def of_loops(op: str, x: Array, w: Array, *bias: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
    function = naive.conv_transpose if op in TRANSPOSES else naive.conv
    return np.asarray(function(x, w, *bias, **arguments)).astype(x.dtype)


def of_torch(op: str, x: Array, w: Array, *bias: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
    """By ``torch.nn.functional``, all pads and crops outside."""
    torch = pytest.importorskip("torch")
    padding, added = arguments.pop("padding"), arguments.pop("output_padding", None)
    given_x, *weights = (torch.from_numpy(np.ascontiguousarray(array)) for array in (x, w, *bias))
    convolve, pad = getattr(torch.nn.functional, op), torch.nn.functional.pad
    if added is None:
        ends = [(before, after) for before, after in padding]
        return np.asarray(convolve(pad(given_x, last_first(ends)), *weights, **arguments).numpy())
    # Longer first: what is cropped before an axis may be more than there is without the output padding.
    longer = pad(convolve(given_x, weights[0], **arguments), last_first([(0, q) for q in added]))
    y = pad(longer, last_first([(-before, -after) for before, after in padding])).numpy()
    return np.asarray(y + bias[0].reshape(-1, *[1] * (x.ndim - 2)) if bias else y)


def last_first(ends: Sequence[tuple[int, int]]) -> list[int]:
    """Pads in torch's order: the last axis first."""
    return [end for pair in reversed(ends) for end in pair]


RIGHT: dict[str, Callable[..., Array]] = {
    "convmm": of_convmm,
    "the definition": of_loops,
    "torch.nn.functional": of_torch,
}
