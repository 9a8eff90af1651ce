"""Gradient functions with the signature of ``--impl-grad``; to be named by MODULE:FUNCTION."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

import convmm
from parity.cases.arrays import Array

Gradients = tuple[Array, Array, Array]


def right_gradients(dy: Array, x: Array, w: Array, **arguments: Any) -> Gradients:  # noqa: ANN401 - ints and pairs
    name = "conv_transpose" if "output_padding" in arguments else "conv"
    by_input, by_kernel = getattr(convmm, f"{name}_input_grad"), getattr(convmm, f"{name}_weight_grad")
    by_bias = dy.astype(np.float64).sum(axis=(0, *range(2, dy.ndim)))
    return (
        by_input(dy, w, x.shape[2:], **arguments),
        by_kernel(x, dy, w.shape[2:], **arguments),
        by_bias.astype(dy.dtype),
    )


def flipped_gradients(dy: Array, x: Array, w: Array, **arguments: Any) -> Gradients:  # noqa: ANN401 - as above
    """Wrong by the kernel, where it has more than one tap."""
    by_input, by_kernel, by_bias = right_gradients(dy, x, w, **arguments)
    return by_input, np.flip(by_kernel, tuple(range(2, w.ndim))), by_bias


def raising_gradients(*_: object, **__: object) -> None:
    raise RuntimeError("no gradients")


def aborting_gradients(*_: object, **__: object) -> None:
    os.abort()
