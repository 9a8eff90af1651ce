"""Sizes and positions: everything about a convolution except the numbers in its arrays.

A convolution and the transposed convolution with the same kernel connect the same two grids, in
opposite directions. This module calls them the *fine* grid (a convolution's input, a transposed
convolution's output) and the *coarse* grid (a convolution's output, a transposed convolution's input).
On one axis, with stride s, dilation d and a kernel of k taps, tap i joins coarse element t to fine
element ``t*s + i*d - before``; every other rule is about which ``before`` and which sizes an argument
means. One :class:`Geometry` therefore serves both operations, their matrices and their gradients.

The size formulas are those of Dumoulin and Visin, "A guide to convolution arithmetic for deep learning"
(arXiv:1603.07285), sections 2 and 4. "valid" and "same" are Keras's, for both operations.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, SupportsIndex, cast

Ints = SupportsIndex | Sequence[SupportsIndex]
"""One int for every axis, or a sequence of one int an axis."""

Pair = tuple[int, int]
"""Elements of zero padding (before, after) one axis."""

PaddingMode = Literal["valid", "same"]
Padding = SupportsIndex | Sequence[SupportsIndex] | Sequence[Sequence[SupportsIndex]] | str
"""An int, one int an axis, one (before, after) pair an axis, "valid" or "same"."""

MAX_SPATIAL_AXES = 3


class GeometryError(ValueError):
    """An argument that describes no convolution; the message names it, its value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One spatial axis: which fine element each kernel tap joins to each coarse element.

    Attributes:
        fine: elements on the convolution's input side, the transposed convolution's output side.
        coarse: elements on the convolution's output side, the transposed convolution's input side.
        kernel: taps of the kernel.
        stride: fine elements from one coarse element to the next.
        dilation: fine elements from one tap to the next.
        before: zero elements read before the first fine element; equally, elements of the full response
            dropped before the transposed convolution's first output.
    """

    fine: int
    coarse: int
    kernel: int
    stride: int
    dilation: int
    before: int

    @property
    def extent(self) -> int:
        """Fine elements that the kernel spans, its holes included."""
        return kernel_extent(self.kernel, self.dilation)

    @property
    def full(self) -> int:
        """Length of the full response: the fine elements that all coarse elements together touch."""
        return full_response_size(self.coarse, self.extent, self.stride)

    @property
    def after(self) -> int:
        """Elements of the full response beyond the last fine element.

        Negative where the fine grid goes on after the full response has ended: elements that a
        convolution never reads, and that a transposed convolution leaves at zero.
        """
        return self.full - self.before - self.fine

    def met_by(self, tap: int, places: slice) -> tuple[slice, slice]:
        """The fine elements that a tap joins to some coarse ones, and which of these, from 0 on."""
        start = places.start * self.stride + tap * self.dilation - self.before
        count = places.stop - places.start
        low = min(max(-(start // self.stride), 0), count)
        high = max(min((self.fine - 1 - start) // self.stride + 1, count), low)
        if low == high:
            return slice(0, 0), slice(0, 0)
        first, last = start + low * self.stride, start + (high - 1) * self.stride
        return slice(first, last + 1, self.stride), slice(low, high)


@dataclass(frozen=True, slots=True)
class Geometry:
    """A convolution's sizes and channels, and those of the transposed convolution beside it.

    The kernel array of both operations has the shape (coarse_channels, fine_channels/groups, *kernel).
    """

    axes: tuple[Axis, ...]
    fine_channels: int
    coarse_channels: int
    groups: int

    @property
    def fine(self) -> tuple[int, ...]:
        """Spatial sizes of the fine grid."""
        return tuple(axis.fine for axis in self.axes)

    @property
    def coarse(self) -> tuple[int, ...]:
        """Spatial sizes of the coarse grid."""
        return tuple(axis.coarse for axis in self.axes)

    @property
    def kernel(self) -> tuple[int, ...]:
        """Taps of the kernel on each axis."""
        return tuple(axis.kernel for axis in self.axes)

    @property
    def stride(self) -> tuple[int, ...]:
        """Stride on each axis."""
        return tuple(axis.stride for axis in self.axes)

    @property
    def dilation(self) -> tuple[int, ...]:
        """Dilation on each axis."""
        return tuple(axis.dilation for axis in self.axes)

    @property
    def before(self) -> tuple[int, ...]:
        """Where the fine grid begins in the full response, on each axis."""
        return tuple(axis.before for axis in self.axes)

    @property
    def full(self) -> tuple[int, ...]:
        """Spatial sizes of the full response."""
        return tuple(axis.full for axis in self.axes)

    @property
    def most_terms(self) -> int:
        """Most products that one element of either operation's output adds up."""
        channels = max(self.fine_channels, self.coarse_channels)
        return math.prod(self.kernel) * channels // self.groups


def conv_geometry(
    input_shape: Sequence[int],
    kernel_shape: Sequence[int],
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Geometry:
    """The geometry of ``conv`` for an input (N, C, *spatial) and a kernel (O, C/groups, *kernel).

    Raises:
        GeometryError: the shapes do not fit each other, or an argument is out of its range.
    """
    rank = check_spatial("x", input_shape)
    _check_kernel_rank(kernel_shape, rank)
    channels, filters = input_shape[1], kernel_shape[0]
    check_groups(groups, channels=channels, filters=filters)
    if kernel_shape[1] * groups != channels:
        msg = (
            f"w has shape {tuple(kernel_shape)}: with groups={groups} its axis 1 reads "
            f"{kernel_shape[1] * groups} input channels, x has {channels} (axis 1 of {tuple(input_shape)})"
        )
        raise GeometryError(msg)
    axes = _conv_axes(input_shape[2:], kernel_shape[2:], stride=stride, padding=padding, dilation=dilation)
    return Geometry(axes, fine_channels=channels, coarse_channels=filters, groups=groups)


def conv_transpose_geometry(
    input_shape: Sequence[int],
    kernel_shape: Sequence[int],
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints | None = None,
    output_size: Ints | None = None,
    dilation: Ints = 1,
    groups: int = 1,
) -> Geometry:
    """The geometry of ``conv_transpose`` for an input (N, C, *spatial), a kernel (C, O/groups, *kernel).

    Raises:
        GeometryError: the shapes do not fit each other, or an argument is out of its range.
    """
    rank = check_spatial("x", input_shape)
    _check_kernel_rank(kernel_shape, rank)
    channels, filters = input_shape[1], kernel_shape[1] * check_int("groups", groups, minimum=1)
    check_groups(groups, channels=channels, filters=filters)
    if kernel_shape[0] != channels:
        msg = (
            f"w has shape {tuple(kernel_shape)}: its axis 0 reads {kernel_shape[0]} input channels, "
            f"x has {channels} (axis 1 of {tuple(input_shape)})"
        )
        raise GeometryError(msg)
    axes = _conv_transpose_axes(
        input_shape[2:],
        kernel_shape[2:],
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        output_size=output_size,
        dilation=dilation,
    )
    return Geometry(axes, fine_channels=filters, coarse_channels=channels, groups=groups)


def conv_output_size(
    input_size: Ints, kernel_size: Ints, *, stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1
) -> tuple[int, ...]:
    """The spatial sizes of a convolution's output: (input + pads - extent) // stride + 1 on each axis.

    Args:
        input_size: spatial sizes of the input. An int beside an int ``kernel_size`` means one axis.
        kernel_size: taps of the kernel.
        stride: elements from one output to the next.
        padding: an int, one int an axis, one (before, after) pair an axis, "valid" or "same".
        dilation: elements from one tap to the next.

    Returns:
        One int an axis, also when there is one axis only.

    Raises:
        GeometryError: an argument is out of its range, or the kernel spans more than the padded input.
    """
    sizes, kernels = _same_rank(("input_size", input_size), ("kernel_size", kernel_size))
    axes = _conv_axes(sizes, kernels, stride=stride, padding=padding, dilation=dilation)
    return tuple(axis.coarse for axis in axes)


def conv_transpose_output_size(
    input_size: Ints,
    kernel_size: Ints,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints | None = None,
    output_size: Ints | None = None,
    dilation: Ints = 1,
) -> tuple[int, ...]:
    """The spatial sizes of a transposed convolution's output.

    With L = (input - 1) * stride + extent they are, on each axis: L - before - after + output_padding
    beside explicit padding; L + output_padding beside "valid", or (input - 1) * stride +
    max(extent, stride) without one; (input - 1) * stride + extent % 2 + output_padding beside "same", or
    input * stride without one (the last four are Keras's). They can be 0.

    Args:
        input_size: spatial sizes of the input. An int beside an int ``kernel_size`` means one axis.
        kernel_size: taps of the kernel.
        stride: elements of the full response from one input to the next.
        padding: an int, one int an axis, one (before, after) pair an axis, "valid" or "same".
        output_padding: elements added after each axis; None for 0 or Keras's own default, as above.
        output_size: the wanted sizes, in place of ``output_padding``: any that ``conv`` maps to
            ``input_size``.
        dilation: elements from one tap to the next.

    Returns:
        One int an axis, also when there is one axis only.

    Raises:
        GeometryError: an argument is out of its range, or the padding removes more than there is.
    """
    sizes, kernels = _same_rank(("input_size", input_size), ("kernel_size", kernel_size))
    axes = _conv_transpose_axes(
        sizes,
        kernels,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        output_size=output_size,
        dilation=dilation,
    )
    return tuple(axis.fine for axis in axes)


def input_sizes(
    output_size: Ints, kernel_size: Ints, *, stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1
) -> tuple[tuple[int, ...], ...]:
    """Every input size that one convolution maps to this output size, ascending, for each axis.

    The floor in the size formula makes up to ``stride`` sizes equal; a transposed convolution has to be
    told which one to restore (``output_padding`` or ``output_size``). An axis whose tuple is empty has no
    input of at least one element that gives this output.

    Raises:
        GeometryError: an argument is out of its range.
    """
    sizes, kernels = _same_rank(("output_size", output_size), ("kernel_size", kernel_size))
    arguments = _axis_arguments(len(sizes), stride, padding, dilation)
    return tuple(
        tuple(_input_sizes_of_axis(size, kernel_extent(k, d), s, pad))
        for size, k, (s, d, pad) in zip(sizes, kernels, arguments, strict=True)
    )


def output_padding_for(
    output_size: Ints, kernel_size: Ints, *, stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1
) -> tuple[int, ...]:
    """The output padding with which a transposed convolution restores ``output_size``.

    It undoes the convolution that maps ``output_size`` to its own output with the same arguments. On
    each axis it is M = (output_size - extent + before + after) mod stride, the elements that the floor of
    the convolution's size formula dropped; beside "same", M = output_size - (coarse - 1) * stride -
    extent % 2, by Keras's formula.

    Raises:
        GeometryError: an argument is out of its range, or Keras's "same" with an even kernel extent and a
            size that the stride divides, which no output padding below the stride restores
            (``output_padding=None`` does).
    """
    sizes, kernels = _same_rank(("output_size", output_size), ("kernel_size", kernel_size))
    axes = _conv_axes(sizes, kernels, stride=stride, padding=padding, dilation=dilation)
    pads = check_padding(padding, len(axes))
    if pads == "same":
        return tuple(_same_output_padding(number, axis) for number, axis in enumerate(axes))
    each = ((0, 0),) * len(axes) if pads == "valid" else pads
    return tuple((a.fine - a.extent + sum(pad)) % a.stride for a, pad in zip(axes, each, strict=True))


def check_ints(name: str, value: Ints, rank: int, *, minimum: int) -> tuple[int, ...]:
    """``value`` as one int an axis.

    Raises:
        GeometryError: not ints, of another number than ``rank``, or below ``minimum``.
    """
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        if len(value) != rank:
            msg = f"{name}={value!r}: allowed is one int, or one for each of {rank} axes, not {len(value)}"
            raise GeometryError(msg)
        return tuple(_int(item, minimum, name, value, number) for number, item in enumerate(value))
    return (check_int(name, value, minimum=minimum),) * rank


def check_int(name: str, value: object, *, minimum: int) -> int:
    """``value`` as an int of at least ``minimum``.

    Raises:
        GeometryError: not an int (a bool is none), or below ``minimum``.
    """
    return _int(value, minimum, name, value)


def check_padding(padding: Padding, rank: int) -> tuple[Pair, ...] | PaddingMode:
    """``padding`` as one (before, after) pair an axis, or the mode's name.

    Raises:
        GeometryError: neither of the forms, or a negative number.
    """
    if isinstance(padding, str):
        if padding in ("valid", "same"):
            return cast("PaddingMode", padding)
        msg = f"padding={padding!r}: allowed are an int, ints, (before, after) pairs, 'valid' and 'same'"
        raise GeometryError(msg)
    if not isinstance(padding, Sequence) or not any(isinstance(item, Sequence) for item in padding):
        return tuple((p, p) for p in _check_symmetric(padding, rank))
    if len(padding) != rank:
        msg = f"padding={padding!r}: allowed is one pair for each of {rank} axes, not {len(padding)}"
        raise GeometryError(msg)
    return tuple(_check_pair(padding, number, item) for number, item in enumerate(padding))


def check_spatial(name: str, shape: Sequence[int]) -> int:
    """The number of spatial axes of an array of this shape, (N, C, *spatial).

    Raises:
        GeometryError: none, more than 3, or one without elements.
    """
    rank = len(shape) - 2
    if not 1 <= rank <= MAX_SPATIAL_AXES:
        msg = f"{name} has shape {tuple(shape)}: allowed is (N, C, *spatial) with 1, 2 or 3 spatial axes"
        raise GeometryError(msg)
    for number, size in enumerate(shape[2:]):
        if size < 1:
            msg = f"{name} has size {size} on spatial axis {number} of {tuple(shape)}: allowed is at least 1"
            raise GeometryError(msg)
    return rank


def check_kernel(shape: Sequence[int]) -> int:
    """The number of spatial axes of a kernel of this shape.

    Raises:
        GeometryError: none, or more than 3.
    """
    rank = len(shape) - 2
    if not 1 <= rank <= MAX_SPATIAL_AXES:
        msg = (
            f"w has shape {tuple(shape)}: allowed is (O, C/groups, *kernel) for conv, "
            "(C, O/groups, *kernel) for conv_transpose, with 1, 2 or 3 spatial axes"
        )
        raise GeometryError(msg)
    return rank


def check_groups(groups: object, *, channels: int, filters: int) -> None:
    """Whether the channels fall into that many groups.

    Raises:
        GeometryError: they do not.
    """
    number = check_int("groups", groups, minimum=1)
    for what, count in (("input", channels), ("output", filters)):
        if count < 1 or count % number:
            msg = f"groups={number}: allowed is a divisor of the {count} {what} channels"
            raise GeometryError(msg)


def kernel_extent(kernel: int, dilation: int) -> int:
    """Elements that ``kernel`` taps span, ``dilation`` apart."""
    return (kernel - 1) * dilation + 1


def full_response_size(coarse: int, extent: int, stride: int) -> int:
    """Elements that ``coarse`` kernels of this extent touch, ``stride`` apart."""
    return (coarse - 1) * stride + extent


def _int(value: object, minimum: int, name: str, whole: object, axis: int | None = None) -> int:
    """``value`` as an int of at least ``minimum``; it is the argument ``name``, or of it that of an axis."""
    if type(value) is int and value >= minimum:  # most are, and this is done many times for each case
        return value
    try:
        number = minimum - 1 if isinstance(value, bool) else operator.index(cast("SupportsIndex", value))
    except TypeError:
        number = minimum - 1
    if number < minimum:
        where = "" if axis is None else f" on axis {axis}"
        msg = f"{name}={whole!r}{where}: allowed is an int of at least {minimum}"
        raise GeometryError(msg)
    return number


def _check_symmetric(padding: object, rank: int) -> tuple[int, ...]:
    try:
        return check_ints("padding", padding, rank, minimum=0)  # type: ignore[arg-type] # checked there
    except GeometryError as error:
        if rank == 1 and isinstance(padding, Sequence) and len(padding) == 2:  # noqa: PLR2004 - a pair
            msg = f"{error}; a (before, after) pair for one axis is written ({tuple(padding)},)"
            raise GeometryError(msg) from None
        raise


def _check_pair(padding: object, number: int, item: object) -> Pair:
    if not isinstance(item, Sequence) or isinstance(item, str) or len(item) != 2:  # noqa: PLR2004 - a pair
        msg = (
            f"padding={padding!r} on axis {number}: allowed is a (before, after) pair on every axis, or one "
            "int on every axis"
        )
        raise GeometryError(msg)
    before, after = (_int(value, 0, "padding", padding, number) for value in item)
    return before, after


def _same_rank(first: tuple[str, Ints], second: tuple[str, Ints]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    ranks = [len(value) for _, value in (first, second) if isinstance(value, Sequence)]
    rank = ranks[0] if ranks else 1
    if not 1 <= rank <= MAX_SPATIAL_AXES:
        msg = f"{first[0]}={first[1]!r} and {second[0]}={second[1]!r}: allowed are 1, 2 or 3 spatial axes"
        raise GeometryError(msg)
    sizes, kernels = (check_ints(name, value, rank, minimum=1) for name, value in (first, second))
    return sizes, kernels


def _axis_arguments(
    rank: int, stride: Ints, padding: Padding, dilation: Ints
) -> list[tuple[int, int, Pair | PaddingMode]]:
    strides = check_ints("stride", stride, rank, minimum=1)
    dilations = check_ints("dilation", dilation, rank, minimum=1)
    pads = check_padding(padding, rank)
    each = (pads,) * rank if isinstance(pads, str) else pads
    return list(zip(strides, dilations, each, strict=True))


def _conv_axes(
    sizes: Sequence[int], kernels: Sequence[int], *, stride: Ints, padding: Padding, dilation: Ints
) -> tuple[Axis, ...]:
    arguments = _axis_arguments(len(sizes), stride, padding, dilation)
    return tuple(
        _conv_axis(number, size, kernel, *argument)
        for number, (size, kernel, argument) in enumerate(zip(sizes, kernels, arguments, strict=True))
    )


def _conv_axis(
    number: int, size: int, kernel: int, stride: int, dilation: int, pad: Pair | PaddingMode
) -> Axis:
    extent = kernel_extent(kernel, dilation)
    if pad == "same":
        coarse = -(-size // stride)
        before = _same_before(coarse, extent, stride, size)
    else:
        before, after = (0, 0) if isinstance(pad, str) else pad
        if size + before + after < extent:
            msg = (
                f"kernel_size={kernel} on axis {number} spans {extent} elements (dilation={dilation}): "
                f"allowed is at most the padded input's {size + before + after} "
                f"(input size {size}, padding {(before, after)})"
            )
            raise GeometryError(msg)
        coarse = (size + before + after - extent) // stride + 1
    return Axis(fine=size, coarse=coarse, kernel=kernel, stride=stride, dilation=dilation, before=before)


def _same_before(coarse: int, extent: int, stride: int, fine: int) -> int:
    """Keras's "same": what the full response has over the fine grid is split evenly, the odd one after."""
    return max(full_response_size(coarse, extent, stride) - fine, 0) // 2


def _conv_transpose_axes(
    sizes: Sequence[int],
    kernels: Sequence[int],
    *,
    stride: Ints,
    padding: Padding,
    output_padding: Ints | None,
    output_size: Ints | None,
    dilation: Ints,
) -> tuple[Axis, ...]:
    rank = len(sizes)
    if output_padding is not None and output_size is not None:
        msg = (
            f"output_size={output_size!r} beside output_padding={output_padding!r}: allowed is one of the two"
        )
        raise GeometryError(msg)
    arguments = _axis_arguments(rank, stride, padding, dilation)
    added = (
        (None,) * rank
        if output_padding is None
        else check_ints("output_padding", output_padding, rank, minimum=0)
    )
    wanted = (
        (None,) * rank if output_size is None else check_ints("output_size", output_size, rank, minimum=0)
    )
    return tuple(
        _conv_transpose_axis(number, size, kernel, argument, q, m)
        for number, (size, kernel, argument, q, m) in enumerate(
            zip(sizes, kernels, arguments, added, wanted, strict=True)
        )
    )


def _conv_transpose_axis(
    number: int,
    coarse: int,
    kernel: int,
    argument: tuple[int, int, Pair | PaddingMode],
    output_padding: int | None,
    output_size: int | None,
) -> Axis:
    stride, dilation, pad = argument
    extent = kernel_extent(kernel, dilation)
    if output_padding is not None and output_padding >= max(stride, dilation):
        msg = (
            f"output_padding={output_padding} on axis {number}: allowed is 0 to {max(stride, dilation) - 1}, "
            f"less than the larger of stride={stride} and dilation={dilation}"
        )
        raise GeometryError(msg)
    if output_size is None:
        fine = _transposed_size(coarse, extent, stride, pad, output_padding)
    else:
        fine = _check_output_size(number, output_size, _input_sizes_of_axis(coarse, extent, stride, pad))
    if fine < 0:
        msg = (
            f"padding={pad} on axis {number} removes {sum(_pair(pad))} elements: "
            f"allowed is at most the {fine + sum(_pair(pad))} that there are"
        )
        raise GeometryError(msg)
    before = _same_before(coarse, extent, stride, fine) if pad == "same" else _pair(pad)[0]
    return Axis(fine=fine, coarse=coarse, kernel=kernel, stride=stride, dilation=dilation, before=before)


def _transposed_size(
    coarse: int, extent: int, stride: int, pad: Pair | PaddingMode, output_padding: int | None
) -> int:
    if pad == "same":
        return (
            coarse * stride if output_padding is None else (coarse - 1) * stride + extent % 2 + output_padding
        )
    if pad == "valid" and output_padding is None:
        return (coarse - 1) * stride + max(extent, stride)
    return full_response_size(coarse, extent, stride) - sum(_pair(pad)) + (output_padding or 0)


def _pair(pad: Pair | PaddingMode) -> Pair:
    return (0, 0) if isinstance(pad, str) else pad


def _check_output_size(number: int, wanted: int, allowed: range) -> int:
    if wanted not in allowed:
        msg = (
            f"output_size={wanted} on axis {number}: allowed is {_span(allowed)}, "
            "the sizes that the convolution maps to this input size"
        )
        raise GeometryError(msg)
    return wanted


def _span(sizes: range) -> str:
    if not sizes:
        return "no size"
    return str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"


def _input_sizes_of_axis(output_size: int, extent: int, stride: int, pad: Pair | PaddingMode) -> range:
    if pad == "same":
        return range((output_size - 1) * stride + 1, output_size * stride + 1)
    smallest = full_response_size(output_size, extent, stride) - sum(_pair(pad))
    return range(max(smallest, 1), max(smallest + stride, 1))


def _same_output_padding(number: int, axis: Axis) -> int:
    added = axis.fine - (axis.coarse - 1) * axis.stride - axis.extent % 2
    if added >= axis.stride:
        msg = (
            f"output_size={axis.fine} on axis {number} beside padding='same': output_padding={added} would "
            f"restore it, and allowed is less than stride={axis.stride}; output_padding=None restores it"
        )
        raise GeometryError(msg)
    return added


def _check_kernel_rank(kernel_shape: Sequence[int], rank: int) -> None:
    if len(kernel_shape) != rank + 2:
        msg = (
            f"w has shape {tuple(kernel_shape)}: allowed are {rank + 2} axes, the last {rank} of them spatial"
        )
        raise GeometryError(msg)
    for number, size in enumerate(kernel_shape[2:]):
        if size < 1:
            msg = (
                f"w has size {size} on spatial axis {number} of {tuple(kernel_shape)}: allowed is at least 1"
            )
            raise GeometryError(msg)
