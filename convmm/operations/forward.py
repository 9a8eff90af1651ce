"""Convolution and transposed convolution: the fast route.

Neither flips the kernel, as no deep learning framework's layer does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convmm.arithmetic import Dtypes, dtypes_for
from convmm.extension import extend
from convmm.fast.kernels.sums import correlate, spread
from convmm.geometry import Geometry, GeometryError, Ints, Padding, conv_geometry, conv_transpose_geometry

Array = NDArray[Any]
Kernel = Callable[[Array, Array, Array | None, Geometry, Dtypes], Array]


def conv(
    x: ArrayLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> NDArray[Any]:
    """Compute a convolution (in the frameworks' sense: a correlation) over 1, 2 or 3 spatial axes.

    ``y[n, o, t] = bias[o] + sum over c, i of w[o, c, i] * x[n, c, t*stride + i*dilation - before]``, with
    zeros outside of ``x``, or what ``padding_mode`` says; c runs over the input channels of o's group.

    Args:
        x: input, (N, C, *spatial). Any size may be 0.
        w: kernel, (O, C/groups, *kernel).
        bias: (O,), or None.
        stride: input elements from one output to the next, per axis.
        padding: elements around the input: an int, one int per axis, one (before, after) pair per axis,
            "valid" for none, or "same" for Keras's, which gives ceil(size / stride) outputs.
        dilation: input elements from one kernel tap to the next, per axis.
        groups: number of separate groups that the channels fall into, in order.
        padding_mode: what they are: "zeros", or elements of the input by the rules of numpy.pad, also for
            more of them than it has: "reflect" (which repeats no edge), "replicate" (numpy.pad's "edge") or
            "circular" ("wrap"). The names are those of ``torch.nn.Conv2d``.

    Returns:
        The output, (N, O, *output sizes), of NumPy's common dtype of the arguments. float16 and bfloat16
        are accumulated in float32 and rounded once. Integers and booleans give exact int64.

    Raises:
        GeometryError: arguments that do not fit each other; the message names which. An axis of no elements
            can be padded with zeros alone.
        OverflowError: integers whose sums could exceed int64.
    """
    geometry = conv_geometry(
        np.shape(x),
        np.shape(w),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
    )
    read = extend(np.asarray(x), geometry)
    return _run(correlate, read, w, bias, geometry.extended, filters=geometry.coarse_channels)


def conv_transpose(
    x: ArrayLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints | None = None,
    output_size: Ints | None = None,
    dilation: Ints = 1,
    groups: int = 1,
) -> NDArray[Any]:
    """Compute a transposed convolution over 1, 2 or 3 spatial axes: ``conv``'s matrix, transposed.

    Each input element adds its scaled kernel to the full response, ``stride`` apart; the output is a
    window of it, zero where it reaches beyond the end, plus the bias.

    Args:
        x: input, (N, C, *spatial). Any size may be 0.
        w: kernel, (C, O/groups, *kernel).
        bias: (O,), or None.
        stride: elements of the full response from one input to the next, per axis.
        padding: elements to drop from the full response: an int, one int per axis, one (before, after) pair
            per axis, or "valid" or "same" with the sizes that Keras gives them
            (:func:`convmm.conv_transpose_output_size`).
        output_padding: elements to add at the end of each axis, fewer than the larger of stride and
            dilation. None means 0 beside explicit padding, Keras's default beside "valid" and "same".
        output_size: the wanted spatial sizes, in place of ``output_padding``: any that ``conv`` maps to the
            input's.
        dilation: elements from one kernel tap to the next, per axis.
        groups: number of separate groups that the channels fall into, in order.

    Returns:
        The output, (N, O, *output sizes), of NumPy's common dtype of the arguments; an axis may have no
        elements. float16 and bfloat16 are accumulated in float32 and rounded once. Integers and booleans
        give exact int64.

    Raises:
        GeometryError: arguments that do not fit each other; the message names which.
        OverflowError: integers whose sums could exceed int64.
    """
    geometry = conv_transpose_geometry(
        np.shape(x),
        np.shape(w),
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        output_size=output_size,
        dilation=dilation,
        groups=groups,
    )
    return _run(spread, x, w, bias, geometry, filters=geometry.fine_channels)


def _run(
    kernel: Kernel, x: ArrayLike, w: ArrayLike, bias: ArrayLike | None, geometry: Geometry, *, filters: int
) -> NDArray[Any]:
    if bias is not None and np.shape(bias) != (filters,):
        msg = f"bias has shape {np.shape(bias)}: allowed is ({filters},), one value per output channel"
        raise GeometryError(msg)
    arrays = [np.asarray(operand) for operand in (x, w, bias) if operand is not None]
    dtypes = dtypes_for(*arrays, terms=geometry.most_terms)
    return kernel(arrays[0], arrays[1], arrays[2] if bias is not None else None, geometry, dtypes)
