"""Transposed convolution in NumPy, over any number of axes: a decoder's upsampling without a framework."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def conv_transpose(
    x: Array,
    w: Array,
    bias: Array | None = None,
    *,
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    output_padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Array:
    """Add each input element's scaled kernel to what the output is cut out of.

    Args:
        x: (N, C, *spatial).
        w: (C, O/groups, *kernel).
        bias: (O,), or None.
        stride: elements of the response from one input to the next, on each axis.
        padding: elements of the response to drop (before, after), on each axis.
        output_padding: elements to keep beyond that, after each axis.
        dilation: elements from one tap of the kernel to the next, on each axis.
        groups: of channels, each with filters of its own.

    Returns:
        The output, (N, O, *spatial).
    """
    batch, channels, *sizes = x.shape
    filters, *kernel = w.shape[1] * groups, *w.shape[2:]
    axes = list(zip(sizes, stride, dilation, kernel, strict=True))
    full = [(n - 1) * s + (k - 1) * d + 1 for n, s, d, k in axes]
    response = np.zeros((batch, filters, *full), x.dtype)
    inputs = x.reshape(batch, groups, channels // groups, *sizes)
    kernels = w.reshape(groups, channels // groups, filters // groups, *kernel)
    for tap in np.ndindex(*kernel):
        met = [slice(i * d, i * d + (n - 1) * s + 1, s) for i, (n, s, d, _) in zip(tap, axes, strict=True)]
        scaled = np.einsum("bgc...,gcf->bgf...", inputs, kernels[:, :, :, *tap])
        response[:, :, *met] += scaled.reshape(batch, filters, *sizes)
    kept = [slice(before, size - after) for size, (before, after) in zip(full, padding, strict=True)]
    output = np.pad(response[:, :, *kept], [(0, 0), (0, 0), *((0, q) for q in output_padding)])
    return output if bias is None else output + bias.reshape(-1, *(1 for _ in sizes))
