"""What the arguments mean on each axis: where the kernel begins, and how large the other grid is."""

from __future__ import annotations

from collections.abc import Sequence

from convmm.geometry.arguments import (
    GeometryError,
    Ints,
    Padding,
    PaddingMode,
    Pair,
    check_ints,
    check_padding,
)
from convmm.geometry.grids import Axis, full_response_size, kernel_extent
from convmm.geometry.wording import shown


def axis_arguments(
    rank: int, stride: Ints, padding: Padding, dilation: Ints
) -> list[tuple[int, int, Pair | PaddingMode]]:
    """Return stride, dilation and padding of each axis.

    Raises:
        GeometryError: an argument is out of its range, or has another number of axes.
    """
    strides = check_ints("stride", stride, rank, minimum=1)
    dilations = check_ints("dilation", dilation, rank, minimum=1)
    pads = check_padding(padding, rank)
    each = (pads,) * rank if isinstance(pads, str) else pads
    return list(zip(strides, dilations, each, strict=True))


def conv_axes(
    sizes: Sequence[int], kernels: Sequence[int], *, stride: Ints, padding: Padding, dilation: Ints
) -> tuple[Axis, ...]:
    """Return the axes of a convolution of these input sizes.

    Raises:
        GeometryError: an argument is out of its range, or the kernel spans more than the padded input.
    """
    arguments = axis_arguments(len(sizes), stride, padding, dilation)
    return tuple(
        _conv_axis(number, size, kernel, *argument)
        for number, (size, kernel, argument) in enumerate(zip(sizes, kernels, arguments, strict=True))
    )


def conv_transpose_axes(
    sizes: Sequence[int],
    kernels: Sequence[int],
    *,
    stride: Ints,
    padding: Padding,
    output_padding: Ints | None,
    output_size: Ints | None,
    dilation: Ints,
) -> tuple[Axis, ...]:
    """Return the axes of a transposed convolution of these input sizes.

    Raises:
        GeometryError: an argument is out of its range, or the padding removes more than there is.
    """
    rank = len(sizes)
    if output_padding is not None and output_size is not None:
        msg = (
            f"output_size={shown(output_size)} beside output_padding={shown(output_padding)}: "
            "allowed is one of the two"
        )
        raise GeometryError(msg)
    arguments = axis_arguments(rank, stride, padding, dilation)
    added = output_paddings(output_padding, arguments)
    wanted = (
        (None,) * rank if output_size is None else check_ints("output_size", output_size, rank, minimum=0)
    )
    return tuple(
        _conv_transpose_axis(number, size, kernel, argument, q, m)
        for number, (size, kernel, argument, q, m) in enumerate(
            zip(sizes, kernels, arguments, added, wanted, strict=True)
        )
    )


def output_paddings(
    value: Ints | None, arguments: Sequence[tuple[int, int, Pair | PaddingMode]]
) -> tuple[int | None, ...]:
    """Return the output padding of each axis of these strides, dilations and paddings.

    Raises:
        GeometryError: out of its range, or of another number of axes.
    """
    if value is None:
        return (None,) * len(arguments)
    added = check_ints("output_padding", value, len(arguments), minimum=0)
    for number, (q, (stride, dilation, _)) in enumerate(zip(added, arguments, strict=True)):
        if q >= max(stride, dilation):
            msg = (
                f"output_padding={q} on axis {number}: allowed is 0 to {max(stride, dilation) - 1}, "
                f"less than the larger of stride={stride} and dilation={dilation}"
            )
            raise GeometryError(msg)
    return added


def input_sizes_of_axis(output_size: int, extent: int, stride: int, pad: Pair | PaddingMode) -> range:
    """Return the input sizes that the size formula of a convolution maps to this output size.

    Those of no output are as many by the formula, though a convolution refuses an input that its kernel does
    not fit in: the transposed convolution of no element can have them.
    """
    if pad == "same":
        return range(max((output_size - 1) * stride + 1, 0), output_size * stride + 1)
    smallest = full_response_size(output_size, extent, stride) - sum(as_pair(pad))
    return range(max(smallest, 0), max(smallest + stride, 0))


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
    """Split what the full response has beyond the fine grid evenly, the odd one after: Keras's "same"."""
    return max(full_response_size(coarse, extent, stride) - fine, 0) // 2


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
    if output_size is None:
        fine = transposed_size(coarse, extent, stride, pad, output_padding)
    else:
        fine = _check_output_size(number, output_size, input_sizes_of_axis(coarse, extent, stride, pad))
    if fine < 0 and not coarse:
        msg = (
            f"input size 0 on axis {number}: allowed is at least 1 beside stride={stride}, a kernel of "
            f"{extent} elements and padding={pad}, with which the output's size would be {fine}"
        )
        raise GeometryError(msg)
    if fine < 0:
        msg = (
            f"padding={pad} on axis {number} removes {sum(as_pair(pad))} elements: "
            f"allowed is at most the {fine + sum(as_pair(pad))} that there are"
        )
        raise GeometryError(msg)
    before = _same_before(coarse, extent, stride, fine) if pad == "same" else as_pair(pad)[0]
    return Axis(fine=fine, coarse=coarse, kernel=kernel, stride=stride, dilation=dilation, before=before)


def transposed_size(
    coarse: int, extent: int, stride: int, pad: Pair | PaddingMode, output_padding: int | None
) -> int:
    """Return the size of a transposed convolution's output; negative where all is removed, and more."""
    if pad == "same":
        return (
            coarse * stride if output_padding is None else (coarse - 1) * stride + extent % 2 + output_padding
        )
    if pad == "valid" and output_padding is None:
        return (coarse - 1) * stride + max(extent, stride)
    return full_response_size(coarse, extent, stride) - sum(as_pair(pad)) + (output_padding or 0)


def as_pair(pad: Pair | PaddingMode) -> Pair:
    """Return the zeros before and after an axis, of which "valid" has none."""
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
