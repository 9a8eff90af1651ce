"""Functions with convmm's signature that compute in too few digits, each in another way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import convmm
from parity.cases.arrays import Array
from parity.verdict.formats import ROUNDINGS

Function = Callable[..., Array]


def _right(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401
    transposed = "output_padding" in arguments
    return np.asarray((convmm.conv_transpose if transposed else convmm.conv)(x, w, bias, **arguments))


def of_operands(rounded: Callable[[Array], Array]) -> Function:
    """One that rounds input and kernel."""

    def function(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401
        return _right(rounded(x).astype(x.dtype), rounded(w).astype(x.dtype), bias, **arguments)

    return function


def of_result(rounded: Callable[[Array], Array]) -> Function:
    """One whose result goes through another format."""

    def function(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401
        return rounded(_right(x, w, bias, **arguments)).astype(x.dtype)

    return function


def float16_sums(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401
    """Sums kept in float16, product by product: of each element of the input in turn."""
    whole = np.zeros_like(_right(x, w, bias, **arguments), np.float16)
    with np.errstate(over="ignore"):
        for place in np.argwhere(x.any(axis=0)):
            alone = np.zeros_like(x)
            alone[:, *place] = x[:, *place]
            whole += _right(alone, w, None, **arguments).astype(np.float16)
        if bias is not None:
            whole += bias.astype(np.float16).reshape(-1, *(1,) * (x.ndim - 2))
    return whole.astype(x.dtype)


def _flushed(values: Array) -> Array:
    smallest = np.finfo(values.dtype).smallest_normal
    return np.where(np.abs(values) < smallest, np.zeros_like(values), values)


NARROW: dict[str, Function] = {
    "operands are rounded to TF32": of_operands(ROUNDINGS["TF32"]),
    "operands are rounded to bfloat16": of_operands(ROUNDINGS["bfloat16"]),
    "result is rounded to float16": of_result(ROUNDINGS["float16"]),
    "result is rounded to bfloat16": of_result(ROUNDINGS["bfloat16"]),
    "sums are kept in float16": float16_sums,
    "flushed to zero": of_result(_flushed),
    "subnormal numbers are flushed": of_operands(_flushed),
}
"""By what a diagnosis has to say of them, or of their kind."""

RIGHT: Function = partial(_right)
