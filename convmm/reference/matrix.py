"""The kernel as one matrix: a convolution is a product with it, the transposed one with its transpose."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convmm.arithmetic import HALF
from convmm.geometry import (
    BorderMode,
    Geometry,
    Ints,
    Padding,
    check_int,
    check_ints,
    check_kernel,
    conv_geometry,
    element_at,
)

if TYPE_CHECKING:  # it takes longer to import than all the rest, and few need it
    import scipy.sparse


@overload
def unroll_kernel(
    w: ArrayLike,
    input_size: Ints,
    *,
    stride: Ints = ...,
    padding: Padding = ...,
    dilation: Ints = ...,
    groups: int = ...,
    padding_mode: str = ...,
    sparse: Literal[False] = ...,
) -> NDArray[Any]: ...


@overload
def unroll_kernel(
    w: ArrayLike,
    input_size: Ints,
    *,
    stride: Ints = ...,
    padding: Padding = ...,
    dilation: Ints = ...,
    groups: int = ...,
    padding_mode: str = ...,
    sparse: Literal[True],
) -> scipy.sparse.csr_array: ...


def unroll_kernel(
    w: ArrayLike,
    input_size: Ints,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    sparse: bool = False,
) -> NDArray[Any] | scipy.sparse.csr_array:
    """Return the matrix M of a convolution, with ``conv(x, w).reshape(N, -1) == x.reshape(N, -1) @ M``.

    The same array read as the kernel of the transposed convolution gives
    ``conv_transpose(y, w, output_size=input_size).reshape(N, -1) == y.reshape(N, -1) @ M.T``.

    Args:
        w: kernel, (O, C/groups, *kernel).
        input_size: spatial sizes of the convolution's input; an int means that size on every axis.
        stride: input elements from one output to the next, per axis.
        padding: elements around the input, in the forms that ``conv`` takes.
        dilation: input elements from one kernel tap to the next, per axis.
        groups: number of separate groups that the channels fall into.
        padding_mode: what they are, as for ``conv``. Beside another one than "zeros" an entry is the sum of
            all kernel elements that read the same input for the same output, and M.T is not a transposed
            convolution but the input gradient.
        sparse: return a scipy.sparse CSR array; SciPy has none of half types, so that these are given
            (exactly) in float32.

    Returns:
        Shape (C * prod(input_size), O * prod(output_size)), dtype of ``w``; int64 where integers are summed.

    Raises:
        GeometryError: as ``conv``.

    >>> unroll_kernel(np.array([[[1, 2]]]), 4)
    array([[1, 0, 0],
           [2, 1, 0],
           [0, 2, 1],
           [0, 0, 2]])
    """
    kernel = np.asarray(w)
    sizes = check_ints("input_size", input_size, check_kernel(kernel.shape), minimum=0)
    channels = kernel.shape[1] * check_int("groups", groups, minimum=1)
    geometry = conv_geometry(
        (1, channels, *sizes),
        kernel.shape,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
    )
    return unroll(kernel, geometry, sparse=sparse)


def unroll(w: NDArray[Any], geometry: Geometry, *, sparse: bool) -> NDArray[Any] | scipy.sparse.csr_array:
    """Return the matrix from fine grid to coarse, (fine_channels * fine, coarse_channels * coarse)."""
    shape = (
        geometry.fine_channels * math.prod(geometry.fine),
        geometry.coarse_channels * math.prod(geometry.coarse),
    )
    rows, columns, values = _entries(w, geometry)
    adds_up = geometry.padding_mode != "zeros"  # several taps may read one element, as it is padded with
    is_half = w.dtype.name in HALF
    if adds_up and w.dtype.kind in "iub":
        values = values.astype(np.int64)
    if is_half and (adds_up or sparse):
        values = values.astype(np.float32)
    if sparse:
        import scipy.sparse  # noqa: PLC0415 - imported when first used

        return scipy.sparse.csr_array((values, (rows, columns)), shape=shape)  # adds up on its own
    matrix = np.zeros(shape, values.dtype)
    if adds_up:
        np.add.at(matrix, (rows, columns), values)
    else:
        matrix[rows, columns] = values
    return matrix.astype(w.dtype, copy=False) if is_half else matrix


def _entries(w: NDArray[Any], geometry: Geometry) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[Any]]:
    """Return row, column and value of every entry: one per kernel element and coarse position.

    The arrays are built over the axes (O, C/groups, *kernel, *coarse).
    """
    per_group = w.shape[1]
    filters = np.arange(geometry.coarse_channels)
    group = filters // (geometry.coarse_channels // geometry.groups)
    row = group[:, None] * per_group + np.arange(per_group)
    column = np.broadcast_to(filters[:, None], row.shape)
    inside = np.ones(row.shape, bool)
    rank = len(geometry.axes)
    row, column, inside = (a.reshape(*a.shape, *(1,) * (2 * rank)) for a in (row, column, inside))
    for number, axis in enumerate(geometry.axes):
        tap = _along(axis.kernel, 2 + number, 2 + 2 * rank)
        coarse = _along(axis.coarse, 2 + rank + number, 2 + 2 * rank)
        places = coarse * axis.stride + tap * axis.dilation - axis.before
        fine = _elements(places, axis.fine, geometry.padding_mode)
        row = row * axis.fine + fine
        column = column * axis.coarse + coarse
        inside = inside & (fine >= 0) & (fine < axis.fine)
    values = np.broadcast_to(w.reshape(*w.shape, *(1,) * rank), inside.shape)
    row, column = np.broadcast_to(row, inside.shape), np.broadcast_to(column, inside.shape)
    return row[inside], column[inside], values[inside]


def _elements(places: NDArray[np.intp], size: int, mode: BorderMode) -> NDArray[np.intp]:
    """Return the elements of an axis at these places; beside zeros the places, of which some are none."""
    if mode == "zeros":
        return places
    distinct, which = np.unique(places, return_inverse=True)
    elements = [element_at(int(place), size, mode) for place in distinct]
    return np.array(elements, np.intp)[which].reshape(places.shape)


def _along(count: int, axis: int, ndim: int) -> NDArray[np.intp]:
    """Return 0 to count - 1 along one axis of ``ndim``."""
    return np.arange(count).reshape(*(1 for _ in range(axis)), count, *(1 for _ in range(axis + 1, ndim)))
