"""The step-by-step route: the same results, one named intermediate after another.

Written to be read beside a text, and run with the arrays printed. The convolution: pad the input, unroll
the kernel into a matrix as if the stride were 1, multiply, keep each stride-th result. The transposed
convolution goes the same way back: insert zeros where the stride left results out (un-stride), multiply
by the transposed matrix, crop what was padding (un-pad).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convmm.extension import extend
from convmm.geometry import BorderMode, Geometry, Ints, Padding, conv_geometry, conv_transpose_geometry
from convmm.reference.matrix import unroll
from convmm.unfold import insert_zeros, spatial, window

if TYPE_CHECKING:
    import scipy.sparse


_BORDERS: dict[BorderMode, str] = {
    "zeros": "zeros",
    "reflect": "the elements next to each end, turned round,",
    "replicate": "the element at each end",
    "circular": "the elements from the other end",
}


@dataclass(frozen=True)
class Step:
    """One step: its name, what it does in one sentence, and what comes out of it."""

    name: str
    text: str
    array: NDArray[Any] | scipy.sparse.csr_array | scipy.sparse.csc_array

    def _repr_svg_(self) -> str:
        """Draw the array for a notebook, or the first part of a large one."""
        from convmm.drawing.steps import picture_of  # noqa: PLC0415 - imported when it is looked at

        return picture_of(self)


def conv_steps(
    x: ArrayLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    sparse: bool = False,
) -> tuple[Step, ...]:
    """Compute the steps of ``conv``: input, pad, unroll, matrix product, stride, and bias where there is one.

    The last step's array is the result. Arguments are those of :func:`convmm.conv`; ``sparse`` gives the
    matrix as a scipy.sparse array. Everything is computed in the arrays' own dtypes.

    Raises:
        GeometryError: as ``conv``.
    """
    x, w = np.asarray(x), np.asarray(w)
    geometry = conv_geometry(
        x.shape,
        w.shape,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
    )
    dense = _padded_at_stride_1(geometry)
    extended = extend(x, geometry)
    padded = window(extended, [-before for before in geometry.extended.before], dense.fine)
    matrix = unroll(w, dense, sparse=sparse)
    product = (_as_rows(padded) @ matrix).reshape(len(x), geometry.coarse_channels, *dense.coarse)
    strided = product[spatial(slice(None, None, s) for s in geometry.stride)]
    steps = [
        Step("input", "the input x", x),
        Step(
            "pad",
            f"{_BORDERS[geometry.padding_mode]} around each axis: "
            f"{_sizes(geometry.fine)} becomes {_sizes(dense.fine)}",
            padded,
        ),
        Step("unroll", "the kernel as a matrix, one column for each output at stride 1", matrix),
        Step("matrix product", "x as rows, times the matrix: every output at stride 1", product),
        Step("stride", f"every {_sizes(geometry.stride)}-th output on each axis", strided),
    ]
    return (*steps, *_bias_step(strided, bias))


def conv_transpose_steps(
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
    sparse: bool = False,
) -> tuple[Step, ...]:
    """Compute the steps of ``conv_transpose``: input, un-stride, unroll, matrix product, un-pad, and bias.

    The last step's array is the result. Arguments are those of :func:`convmm.conv_transpose`; ``sparse``
    gives the matrix as a scipy.sparse array. Everything is computed in the arrays' own dtypes.

    Raises:
        GeometryError: as ``conv_transpose``.
    """
    x, w = np.asarray(x), np.asarray(w)
    geometry = conv_transpose_geometry(
        x.shape,
        w.shape,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        output_size=output_size,
        dilation=dilation,
        groups=groups,
    )
    dense = _full_response_at_stride_1(geometry)
    unstrided = insert_zeros(x, geometry.stride)
    matrix = unroll(w, dense, sparse=sparse).transpose()
    product = (_as_rows(unstrided) @ matrix).reshape(len(x), geometry.fine_channels, *geometry.full)
    cropped = window(product, geometry.before, geometry.fine)
    steps = [
        Step("input", "the input x", x),
        Step(
            "insert zeros", f"un-stride: neighbours {_sizes(geometry.stride)} apart, zeros between", unstrided
        ),
        Step("unroll transposed", "the matrix of the convolution at stride 1, transposed", matrix),
        Step("matrix product", "x as rows, times the matrix: the full response", product),
        Step("crop", f"un-pad: from {_sizes(geometry.before)} on, {_sizes(geometry.fine)} elements", cropped),
    ]
    return (*steps, *_bias_step(cropped, bias))


def _padded_at_stride_1(geometry: Geometry) -> Geometry:
    """Return the same convolution over an input that has its padding already, with every output."""
    return replace(
        geometry,
        axes=tuple(
            replace(axis, fine=padded, coarse=max(padded - axis.extent + 1, 0), stride=1, before=0)
            for axis, (before, after) in zip(geometry.axes, geometry.pads, strict=True)
            for padded in [before + axis.fine + after]
        ),
        padding_mode="zeros",
    )


def _full_response_at_stride_1(geometry: Geometry) -> Geometry:
    """Return the same transposed convolution of an input that has its zeros inserted, uncropped."""
    return replace(
        geometry,
        axes=tuple(
            replace(axis, fine=full, coarse=max(axis.full - axis.extent + 1, 0), stride=1, before=0)
            for axis, full in zip(geometry.axes, geometry.full, strict=True)
        ),
    )


def _bias_step(values: NDArray[Any], bias: ArrayLike | None) -> tuple[Step, ...]:
    if bias is None:
        return ()
    added = values + np.asarray(bias).reshape(-1, *(1,) * (values.ndim - 2))
    return (Step("bias", "plus one value per output channel", added),)


def _as_rows(x: NDArray[Any]) -> NDArray[Any]:
    """Return the array with one row per sample."""
    return x.reshape(len(x), math.prod(x.shape[1:]))


def _sizes(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes))
