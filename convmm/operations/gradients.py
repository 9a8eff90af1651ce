"""The gradients of both operations: a loss's derivatives by input and kernel, from that by the output.

An operation is linear in its input and in its kernel, so that each gradient is an adjoint, exact, and of
the operation's own geometry: the input gradient of a convolution is the transposed convolution, that of
the transposed convolution is the convolution, and the two weight gradients are one sum with the grids'
roles exchanged. Where a convolution's input is padded with elements of its own, the gradient by the padded
input is added up over each element's copies: the adjoint of the padding. The bias gradient is ``dy`` summed
over all axes but the channels.

Dtypes are treated as in ``conv`` and ``conv_transpose``.
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convmm.arithmetic import dtypes_for
from convmm.extension import extend, fold
from convmm.fast.kernels.sums import correlate, correlate_weights, spread
from convmm.geometry import (
    Geometry,
    GeometryError,
    Ints,
    Padding,
    check_groups,
    check_int,
    check_ints,
    check_kernel,
    check_spatial,
    conv_geometry,
    conv_output_size,
    conv_transpose_geometry,
)

Shape = tuple[int, ...]


def conv_input_grad(
    dy: ArrayLike,
    w: ArrayLike,
    input_size: Ints,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> NDArray[Any]:
    """Compute the gradient of ``conv`` by its input.

    Args:
        dy: the gradient by the output, (N, O, *output sizes).
        w: kernel, (O, C/groups, *kernel).
        input_size: spatial sizes of the input, which those of the output do not tell.
        stride: input elements from one output to the next, per axis.
        padding: elements around the input, in the forms that ``conv`` takes.
        dilation: input elements from one kernel tap to the next, per axis.
        groups: number of separate groups that the channels fall into.
        padding_mode: what they are, as for ``conv``.

    Returns:
        (N, C, *input_size)

    Raises:
        GeometryError: as ``conv``, and for a ``dy`` that does not have the output's shape.
        OverflowError: as ``conv``.
    """
    taps = np.shape(w)
    sizes = check_ints("input_size", input_size, check_kernel(taps), minimum=0)
    channels = taps[1] * check_int("groups", groups, minimum=1)
    samples = _samples(dy, taps)
    geometry = conv_geometry(
        (samples, channels, *sizes),
        taps,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
    )
    _check_dy(dy, (samples, geometry.coarse_channels, *geometry.coarse))
    operands = np.asarray(dy), np.asarray(w)
    dtypes = dtypes_for(*operands, terms=geometry.most_terms)
    if geometry.padding_mode == "zeros":
        return spread(*operands, None, geometry, dtypes)
    wide = spread(*operands, None, geometry.extended, dtypes.unrounded)
    with np.errstate(over="ignore", invalid="ignore"):  # infinities and NaN are IEEE results, not accidents
        return fold(wide, geometry).astype(dtypes.result, copy=False)


def conv_weight_grad(
    x: ArrayLike,
    dy: ArrayLike,
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> NDArray[Any]:
    """Compute the gradient of ``conv`` by its kernel.

    Args:
        x: input, (N, C, *spatial).
        dy: the gradient by the output, (N, O, *output sizes).
        kernel_size: taps of the kernel, which the other sizes do not tell.
        stride: input elements from one output to the next, per axis.
        padding: elements around the input, in the forms that ``conv`` takes.
        dilation: input elements from one kernel tap to the next, per axis.
        groups: number of separate groups that the channels fall into.
        padding_mode: what they are, as for ``conv``.

    Returns:
        (O, C/groups, *kernel_size)

    Raises:
        GeometryError: as ``conv``, and for a ``dy`` that does not have the output's shape.
        OverflowError: as ``conv``.
    """
    shape = np.shape(x)
    kernel = check_ints("kernel_size", kernel_size, check_spatial("x", shape), minimum=1)
    filters = _channels(dy, shape)
    check_groups(groups, channels=shape[1], filters=filters)
    taps = (filters, shape[1] // groups, *kernel)
    geometry = conv_geometry(
        shape,
        taps,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
    )
    _check_dy(dy, (shape[0], filters, *geometry.coarse))
    return _weight_grad(extend(np.asarray(x), geometry), dy, geometry.extended)


def conv_transpose_input_grad(
    dy: ArrayLike,
    w: ArrayLike,
    input_size: Ints | None = None,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints | None = None,
    output_size: Ints | None = None,
    dilation: Ints = 1,
    groups: int = 1,
) -> NDArray[Any]:
    """Compute the gradient of ``conv_transpose`` by its input.

    Args:
        dy: the gradient by the output, (N, O, *output sizes).
        w: kernel, (C, O/groups, *kernel).
        input_size: spatial sizes of the input; None for those that ``conv`` maps ``dy``'s to.
        stride: output elements from one input to the next, per axis.
        padding: elements dropped from the full response, in the forms that ``conv_transpose`` takes.
        output_padding: elements added at the end of each axis; may be left out, as ``dy`` has the output's
            sizes.
        output_size: spatial sizes of the output, in place of ``output_padding``; may be left out likewise.
        dilation: output elements from one kernel tap to the next, per axis.
        groups: number of separate groups that the channels fall into.

    Returns:
        (N, C, *input_size)

    Raises:
        GeometryError: as ``conv_transpose``, and for a ``dy`` that does not have the output's shape.
        OverflowError: as ``conv_transpose``.
    """
    taps = np.shape(w)
    rank = check_kernel(taps)
    samples = _samples(dy, taps)
    if input_size is None:
        sizes = conv_output_size(
            np.shape(dy)[2:], taps[2:], stride=stride, padding=padding, dilation=dilation
        )
    else:
        sizes = check_ints("input_size", input_size, rank, minimum=0)
    geometry = _transposed_geometry(
        (samples, taps[0], *sizes),
        taps,
        np.shape(dy)[2:],
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        output_size=output_size,
        dilation=dilation,
        groups=groups,
    )
    _check_dy(dy, (samples, geometry.fine_channels, *geometry.fine))
    operands = np.asarray(dy), np.asarray(w)
    return correlate(*operands, None, geometry, dtypes_for(*operands, terms=geometry.most_terms))


def conv_transpose_weight_grad(
    x: ArrayLike,
    dy: ArrayLike,
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints | None = None,
    output_size: Ints | None = None,
    dilation: Ints = 1,
    groups: int = 1,
) -> NDArray[Any]:
    """Compute the gradient of ``conv_transpose`` by its kernel.

    Args:
        x: input, (N, C, *spatial).
        dy: the gradient by the output, (N, O, *output sizes).
        kernel_size: taps of the kernel, which the other sizes do not tell.
        stride: output elements from one input to the next, per axis.
        padding: elements dropped from the full response, in the forms that ``conv_transpose`` takes.
        output_padding: elements added at the end of each axis; may be left out, as ``dy`` has the output's
            sizes.
        output_size: spatial sizes of the output, in place of ``output_padding``; may be left out likewise.
        dilation: output elements from one kernel tap to the next, per axis.
        groups: number of separate groups that the channels fall into.

    Returns:
        (C, O/groups, *kernel_size)

    Raises:
        GeometryError: as ``conv_transpose``, and for a ``dy`` that does not have the output's shape.
        OverflowError: as ``conv_transpose``.
    """
    shape = np.shape(x)
    kernel = check_ints("kernel_size", kernel_size, check_spatial("x", shape), minimum=1)
    filters = _channels(dy, shape)
    check_groups(groups, channels=shape[1], filters=filters)
    geometry = _transposed_geometry(
        shape,
        (shape[1], filters // groups, *kernel),
        np.shape(dy)[2:],
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        output_size=output_size,
        dilation=dilation,
        groups=groups,
    )
    _check_dy(dy, (shape[0], filters, *geometry.fine))
    return _weight_grad(dy, x, geometry)


def _weight_grad(fine: ArrayLike, coarse: ArrayLike, geometry: Geometry) -> NDArray[Any]:
    operands = np.asarray(fine), np.asarray(coarse)
    terms = len(operands[0]) * math.prod(geometry.coarse)
    return correlate_weights(*operands, geometry, dtypes_for(*operands, terms=terms))


def _transposed_geometry(
    shape: Shape,
    taps: Shape,
    sizes: Shape,
    *,
    stride: Ints,
    padding: Padding,
    output_padding: Ints | None,
    output_size: Ints | None,
    dilation: Ints,
    groups: int,
) -> Geometry:
    """Return the geometry that the arguments describe; where they leave the output's sizes open, ``sizes``.

    Where no output of the operation has those sizes, it is the default's, which the check of ``dy`` names.
    """

    def geometry(output_size: Ints | None) -> Geometry:
        return conv_transpose_geometry(
            shape,
            taps,
            stride=stride,
            padding=padding,
            output_padding=output_padding,
            output_size=output_size,
            dilation=dilation,
            groups=groups,
        )

    if output_padding is None and output_size is None:
        with contextlib.suppress(GeometryError):
            return geometry(sizes)
    return geometry(output_size)


def _samples(dy: ArrayLike, like: Shape) -> int:
    return _checked_rank(dy, like)[0]


def _channels(dy: ArrayLike, like: Shape) -> int:
    return _checked_rank(dy, like)[1]


def _checked_rank(dy: ArrayLike, like: Shape) -> Shape:
    shape = np.shape(dy)
    if len(shape) != len(like):
        msg = f"dy has shape {shape}: allowed are {len(like)} axes, the output's"
        raise GeometryError(msg)
    return shape


def _check_dy(dy: ArrayLike, allowed: Shape) -> None:
    if np.shape(dy) != allowed:
        msg = f"dy has shape {np.shape(dy)}: allowed is {allowed}, the output's"
        raise GeometryError(msg)
