"""Output sizes, and which inputs and output paddings belong to them."""

from __future__ import annotations

from collections.abc import Sequence

from convmm.geometry.arguments import (
    MAX_SPATIAL_AXES,
    GeometryError,
    Ints,
    Padding,
    check_ints,
    check_padding,
)
from convmm.geometry.axes import (
    as_pair,
    axis_arguments,
    conv_axes,
    conv_transpose_axes,
    input_sizes_of_axis,
    output_paddings,
    transposed_size,
)
from convmm.geometry.grids import Axis, kernel_extent
from convmm.geometry.wording import shown


def conv_output_size(
    input_size: Ints, kernel_size: Ints, *, stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1
) -> tuple[int, ...]:
    """Return the spatial sizes of a convolution's output: (input + pads - extent) // stride + 1 per axis.

    Args:
        input_size: spatial sizes of the input. An int beside an int ``kernel_size`` means one axis.
        kernel_size: taps of the kernel.
        stride: elements from one output to the next.
        padding: an int, one int per axis, one (before, after) pair per axis, "valid" or "same".
        dilation: elements from one tap to the next.

    Returns:
        One int per axis, also when there is one axis only.

    Raises:
        GeometryError: an argument is out of its range, or the kernel spans more than the padded input.
    """
    sizes, kernels = _same_rank(("input_size", input_size), ("kernel_size", kernel_size))
    axes = conv_axes(sizes, kernels, stride=stride, padding=padding, dilation=dilation)
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
    """Return the spatial sizes of a transposed convolution's output.

    With L = (input - 1) * stride + extent they are, on each axis: L - before - after + output_padding
    beside explicit padding; L + output_padding beside "valid", or (input - 1) * stride +
    max(extent, stride) without one; (input - 1) * stride + extent % 2 + output_padding beside "same", or
    input * stride without one (the last four are Keras's). They can be 0.

    Args:
        input_size: spatial sizes of the input. An int beside an int ``kernel_size`` means one axis.
        kernel_size: taps of the kernel.
        stride: elements of the full response from one input to the next.
        padding: an int, one int per axis, one (before, after) pair per axis, "valid" or "same".
        output_padding: elements added after each axis; None for 0 or Keras's own default, as above.
        output_size: the wanted sizes, in place of ``output_padding``: any that ``conv`` maps to
            ``input_size``.
        dilation: elements from one tap to the next.

    Returns:
        One int per axis, also when there is one axis only.

    Raises:
        GeometryError: an argument is out of its range, or the padding removes more than there is.
    """
    sizes, kernels = _same_rank(("input_size", input_size), ("kernel_size", kernel_size))
    axes = conv_transpose_axes(
        sizes,
        kernels,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        output_size=output_size,
        dilation=dilation,
    )
    return tuple(axis.fine for axis in axes)


def conv_smallest_input_size(
    kernel_size: Sequence[int], *, stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1
) -> tuple[int, ...]:
    """Return the smallest spatial sizes of which a convolution has an output.

    On each axis it is the first size of at least one element for which input + before + after >= extent;
    beside "same", 1.

    Raises:
        GeometryError: an argument is out of its range.
    """
    kernels = check_ints("kernel_size", kernel_size, len(kernel_size), minimum=1)
    arguments = axis_arguments(len(kernels), stride, padding, dilation)
    return tuple(
        1 if pad == "same" else max(kernel_extent(k, d) - sum(as_pair(pad)), 1)
        for k, (_, d, pad) in zip(kernels, arguments, strict=True)
    )


def conv_transpose_smallest_input_size(
    kernel_size: Sequence[int],
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints | None = None,
    dilation: Ints = 1,
) -> tuple[int, ...]:
    """Return the smallest spatial sizes of which a transposed convolution has an output.

    On each axis the output grows by the stride with each element of the input. So where one element gives m
    of them, which is negative where the padding removes more than there is, the smallest size is
    1 + max(ceil((1 - m) / stride), 0).

    Raises:
        GeometryError: an argument is out of its range.
    """
    kernels = check_ints("kernel_size", kernel_size, len(kernel_size), minimum=1)
    arguments = axis_arguments(len(kernels), stride, padding, dilation)
    added = output_paddings(output_padding, arguments)
    firsts = (
        transposed_size(1, kernel_extent(k, d), s, pad, q)
        for k, (s, d, pad), q in zip(kernels, arguments, added, strict=True)
    )
    return tuple(1 + max(-((first - 1) // s), 0) for first, (s, _, _) in zip(firsts, arguments, strict=True))


def input_sizes(
    output_size: Ints, kernel_size: Ints, *, stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1
) -> tuple[tuple[int, ...], ...]:
    """Return every input size that one convolution maps to this output size, ascending, per axis.

    The floor in the size formula makes up to ``stride`` sizes equal; a transposed convolution has to be
    told which one to restore (``output_padding`` or ``output_size``). An axis whose tuple is empty has no
    input that gives this output. No output comes of an empty axis beside "same" alone: elsewhere the kernel
    has to fit in.

    Raises:
        GeometryError: an argument is out of its range.
    """
    sizes, kernels = _same_rank(("output_size", output_size), ("kernel_size", kernel_size))
    arguments = axis_arguments(len(sizes), stride, padding, dilation)
    return tuple(
        tuple(input_sizes_of_axis(size, kernel_extent(k, d), s, pad)) if size or pad == "same" else ()
        for size, k, (s, d, pad) in zip(sizes, kernels, arguments, strict=True)
    )


def output_padding_for(
    output_size: Ints, kernel_size: Ints, *, stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1
) -> tuple[int, ...]:
    """Return the output padding with which a transposed convolution restores ``output_size``.

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
    axes = conv_axes(sizes, kernels, stride=stride, padding=padding, dilation=dilation)
    pads = check_padding(padding, len(axes))
    if pads == "same":
        return tuple(_same_output_padding(number, axis) for number, axis in enumerate(axes))
    each = ((0, 0),) * len(axes) if pads == "valid" else pads
    return tuple((a.fine - a.extent + sum(pad)) % a.stride for a, pad in zip(axes, each, strict=True))


def _same_output_padding(number: int, axis: Axis) -> int:
    added = axis.fine - (axis.coarse - 1) * axis.stride - axis.extent % 2
    if added >= axis.stride:
        msg = (
            f"output_size={axis.fine} on axis {number} beside padding='same': output_padding={added} would "
            f"restore it, and allowed is less than stride={axis.stride}; output_padding=None restores it"
        )
        raise GeometryError(msg)
    return added


def _same_rank(first: tuple[str, Ints], second: tuple[str, Ints]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    ranks = [len(value) for _, value in (first, second) if isinstance(value, Sequence)]
    rank = ranks[0] if ranks else 1
    if not 1 <= rank <= MAX_SPATIAL_AXES:
        msg = (
            f"{first[0]}={shown(first[1])} and {second[0]}={shown(second[1])}: allowed are 1, "
            "2 or 3 spatial axes"
        )
        raise GeometryError(msg)
    return check_ints(*first, rank, minimum=0), check_ints(*second, rank, minimum=1)
