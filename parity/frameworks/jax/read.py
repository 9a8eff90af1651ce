"""Calls of ``jax.lax``'s convolutions as people write them, with arrays by the names of variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from convmm.geometry import LARGEST, GeometryError, check_ints, kernel_extent, shorten, shown
from parity.frameworks.code.expression import Bound, Call
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.shapes import given_shape
from parity.frameworks.jax.function import Function, Order
from parity.frameworks.jax.windows import FLIP, Pads, converting, cropped, rearranged

_CONV = (
    "lhs",
    "rhs",
    "window_strides",
    "padding",
    "lhs_dilation",
    "rhs_dilation",
    "dimension_numbers",
    "feature_group_count",
    "batch_group_count",
    "precision",
    "preferred_element_type",
)
_CONV_TRANSPOSE = (
    "lhs",
    "rhs",
    "strides",
    "padding",
    "rhs_dilation",
    "dimension_numbers",
    "transpose_kernel",
    "precision",
    "preferred_element_type",
    "use_consistent_padding",
)
_ARRAYS = ("lhs", "rhs")

CLASSES = {"conv_general_dilated": "", "conv_transpose": ""}
"""The functions that are read; how many axes they have the kernel's shape says."""

PREFIXES = ("lax", "jax.lax", "")

_DEFAULT_ORDERS = {
    3: ("NHC", "HIO", "NHC"),
    4: ("NHWC", "HWIO", "NHWC"),
    5: ("NHWDC", "HWDIO", "NHWDC"),
}
"""Of ``conv_transpose``; ``conv_general_dilated`` has the channels first."""

_MOST_AXES = 5

UNFLIPPED = (
    "{what} without transpose_kernel=True computes with the kernel as it is: torch and Keras flip theirs, so "
    "that the kernel is flipped on its way, and its axes of channels are exchanged"
)

AROUND = (
    "{what}'s padding of numbers is put around the input with zeros between its elements: it is the kernel's "
    "extent less 1 less torch's padding"
)


class Kernel(NamedTuple):
    """What the kernel's shape and the dimension numbers say.

    Attributes:
        filters: the size of its axis "O".
        channels: the size of its axis "I".
        taps: its sizes on the spatial axes.
        orders: of the data, as :class:`Function` takes them; None where channels are first.
        axes: of the kernel, those of "O" and "I", and the spatial ones.
    """

    filters: int
    channels: int
    taps: tuple[int, ...]
    orders: tuple[Order, Order] | None
    axes: Order


def read(call: Call) -> Reading:
    """Read the convolution that a call computes.

    Raises:
        ExpressionError: an argument that is not the function's, out of its range, or of this tool's reach.
    """
    if call.prefix not in PREFIXES:
        raise call.error(f"{shorten(call.path)}: allowed is lax.{call.name} or jax.lax.{call.name}")
    transposed = call.name == "conv_transpose"
    bound = call.bind(_CONV_TRANSPOSE if transposed else _CONV, arrays=_ARRAYS)
    for name in _ARRAYS:
        bound.required(name)
    bound.choice("preferred_element_type", (None,), None)
    bound.choice("batch_group_count", (None, 1), 1)
    kernel = _kernel(bound, transposed=transposed)
    if transposed:
        return _transposed(bound, kernel)
    rank = len(kernel.taps)
    if set(_numbers(bound, "lhs_dilation", rank)) == {1}:
        return _convolution(bound, kernel)
    return _stretched(bound, kernel)


def _convolution(bound: Bound, kernel: Kernel) -> Reading:
    rank, groups = len(kernel.taps), bound.number("feature_group_count", 1)
    arguments: dict[str, Any] = {
        "filters": kernel.filters,
        "kernel": kernel.taps,
        "stride": bound.numbers("window_strides", rank),
        "dilation": _numbers(bound, "rhs_dilation", rank),
        "groups": groups,
    }
    arguments["padding"] = convolution_padding(bound, arguments)
    return _reading(bound, f"conv{rank}d", kernel.channels * groups, arguments, kernel, _moved(kernel))


def convolution_padding(bound: Bound, arguments: dict[str, Any], default: object = None) -> Any:
    """Return a convolution's padding as a case has it.

    Raises:
        ExpressionError: it is none, it crops, or it is another one for inputs of other sizes.
    """
    extents = [*map(kernel_extent, arguments["kernel"], arguments["dilation"])]
    value = bound.value("padding", default)
    if value in ("SAME", "VALID"):
        return value.lower()
    if value == "SAME_LOWER":
        if set(arguments["stride"]) != {1}:
            raise bound.refuse("padding", "padding='SAME_LOWER': read at stride 1, where no size decides it")
        return tuple((extent // 2, (extent - 1) // 2) for extent in extents)
    pads = _pairs(bound, len(extents))
    if min(map(min, pads)) < 0:
        raise bound.refuse(
            "padding", f"padding={shown(value)}: read are numbers from 0 on, which crop nothing"
        )
    return pads


def _transposed(bound: Bound, kernel: Kernel) -> Reading:
    rank = len(kernel.taps)
    flips = not bound.flag("transpose_kernel", default=False)
    if not flips:
        kernel = kernel._replace(filters=kernel.channels, channels=kernel.filters)
    arguments: dict[str, Any] = {
        "filters": kernel.filters,
        "kernel": kernel.taps,
        "stride": bound.numbers("strides", rank),
        "dilation": _numbers(bound, "rhs_dilation", rank),
    }
    consistent = bound.flag("use_consistent_padding", default=False)
    notes = transposed_padding(bound, arguments, consistent=consistent)
    if flips:
        notes.append(UNFLIPPED.format(what="conv_transpose"))
    moved = _moved(kernel, *((FLIP,) if flips else ()), swapped=flips)
    return _reading(bound, f"conv_transpose{rank}d", kernel.channels, arguments, kernel, moved, notes)


def transposed_padding(
    bound: Bound, arguments: dict[str, Any], *, consistent: bool = False, default: object = None
) -> list[str]:
    """Add a transposed layer's padding, as a case has it; what there is to say about it.

    Raises:
        ExpressionError: it is none, or the output begins before the full response.
    """
    value = bound.value("padding", default)
    if value in ("SAME", "VALID"):
        arguments["padding"] = value.lower()
        return []
    extents = [*map(kernel_extent, arguments["kernel"], arguments["dilation"])]
    pads = _pairs(bound, len(extents))
    around = [(e - 1 - lo, e - 1 - hi) for e, (lo, hi) in zip(extents, pads, strict=True)]
    crops = pads if consistent else around
    if min(before for before, _ in crops) < 0:
        raise bound.refuse(
            "padding", f"padding={shown(value)}: its output begins with zeros before the full response"
        )
    arguments["padding"], arguments["output_padding"] = cropped(crops)
    return [] if consistent else [AROUND.format(what=bound.call.name)]


def _stretched(bound: Bound, kernel: Kernel) -> Reading:
    """Read a convolution of the stretched input, which is a transposed one."""
    rank, groups = len(kernel.taps), bound.number("feature_group_count", 1)
    if set(bound.numbers("window_strides", rank)) != {1}:
        raise bound.refuse("window_strides", "window_strides beside lhs_dilation: read is 1")
    arguments: dict[str, Any] = {
        "filters": kernel.filters,
        "kernel": kernel.taps,
        "stride": _numbers(bound, "lhs_dilation", rank),
        "dilation": _numbers(bound, "rhs_dilation", rank),
        "groups": groups,
    }
    if isinstance(bound.value("padding"), str):
        raise bound.refuse(
            "padding", f"padding={shown(bound.value('padding'))}: beside lhs_dilation JAX takes pairs"
        )
    notes = transposed_padding(bound, arguments)
    notes.append("conv_general_dilated with lhs_dilation is a transposed layer with the kernel flipped")
    moved = _moved(kernel, rearranged(groups), FLIP)
    channels = kernel.channels * groups
    return _reading(bound, f"conv_transpose{rank}d", channels, arguments, kernel, moved, notes)


class Moved(NamedTuple):
    """The way of a kernel, as statements: to convmm's layout, and back."""

    to: tuple[str, ...]
    back: tuple[str, ...]


def _moved(kernel: Kernel, *statements: str, swapped: bool = False) -> Moved:
    """Return the way from the call's kernel; the statements are their own inverses, in the other order."""
    first, second, *rest = kernel.axes
    axes = (second, first, *rest) if swapped else kernel.axes
    if axes == tuple(range(len(axes))):
        return Moved(statements, statements[::-1])
    back = tuple(axes.index(place) for place in range(len(axes)))
    return Moved(
        (f"kernel = np.transpose(kernel, {axes})", *statements),
        (*statements[::-1], f"kernel = np.transpose(kernel, {back})"),
    )


def _reading(
    bound: Bound,
    op: str,
    channels: int,
    arguments: dict[str, Any],
    kernel: Kernel,
    moved: Moved,
    notes: Sequence[str] = (),
) -> Reading:
    keywords = {name: each.value for name, each in bound.arguments.items() if name not in _ARRAYS}
    if keywords.pop("precision", None) is not None:
        notes = [*notes, "precision is left out: the processor has one, and the proof is run in the highest"]
    layer = Function(f"jax.lax.{bound.call.name}", (), tuple(keywords.items()), orders=kernel.orders)
    return Reading(
        "jax",
        op,
        channels,
        {**arguments, "bias": False},
        layer,
        notes=tuple(notes),
        to_convmm=moved.to,
        from_convmm=converting(*moved.back),
    )


def _numbers(bound: Bound, name: str, rank: int) -> tuple[int, ...]:
    if bound.value(name) is None:
        return (1,) * rank
    return bound.numbers(name, rank, default=1)


def _pairs(bound: Bound, rank: int) -> Pads:
    """Return a (low, high) pair an axis."""
    value = bound.required("padding")
    allowed = f"a name, or a pair of ints for each of {rank} axes"
    if not isinstance(value, tuple | list) or len(value) != rank:
        raise bound.refuse("padding", f"padding={shown(value)}: allowed is {allowed}")
    try:
        return tuple(map(_pair, value))
    except GeometryError as error:
        raise bound.refuse("padding", f"{error}; allowed is {allowed}") from None


def _pair(value: Sequence[int]) -> tuple[int, int]:
    low, high = check_ints("padding", value, 2, minimum=-LARGEST)
    return low, high


def _kernel(bound: Bound, *, transposed: bool) -> Kernel:
    """Read the kernel's shape by the dimension numbers, and the order of the data's axes."""
    shape = given_shape(bound, "rhs")
    if shape is None:
        example = "3,3,8,3 for 3x3 taps, 8 and 3 channels" if transposed else "8,3,3,3 for OIHW"
        raise bound.call.error(
            f"the line does not carry the kernel's shape: give --kernel-shape in its own layout, as {example}"
        )
    if not 3 <= len(shape) <= _MOST_AXES:  # noqa: PLR2004 - one spatial axis
        sizes = ",".join(map(str, shape))
        raise bound.call.error(f"kernel_shape={sizes}: allowed are 3 to {_MOST_AXES} sizes")
    lhs, rhs, out = _specs(bound, len(shape), transposed=transposed)
    spatial = [letter for letter in rhs if letter not in "OI"]
    axes = tuple(rhs.index(letter) for letter in ("O", "I", *spatial))
    filters, channels, *taps = (shape[axis] for axis in axes)
    if 0 in taps:
        raise bound.call.error(f"kernel_shape={','.join(map(str, shape))}: allowed are taps from 1 on")
    ours = "".join(("N", "C", *spatial))
    given, returned = tuple(ours.index(letter) for letter in lhs), tuple(out.index(letter) for letter in ours)
    orders = None if given == returned == tuple(range(len(shape))) else (given, returned)
    return Kernel(filters, channels, tuple(taps), orders, axes)


def _specs(bound: Bound, count: int, *, transposed: bool) -> tuple[str, str, str]:
    """Return the dimension numbers, as texts of so many letters.

    Raises:
        ExpressionError: they are no three texts that have the letters they have to.
    """
    value = bound.value("dimension_numbers")
    if value is None and transposed:
        return _DEFAULT_ORDERS[count]
    if value is None:
        axes = "HWD"[: count - 2]
        return f"NC{axes}", f"OI{axes}", f"NC{axes}"
    if not _are_texts(value) or not _fit(value, count):
        allowed = f"three texts of {count} letters, such as {_DEFAULT_ORDERS[count]}"
        raise bound.refuse("dimension_numbers", f"dimension_numbers={shown(value)}: allowed are {allowed}")
    lhs, rhs, out = value
    return lhs, rhs, out


def _are_texts(value: Any) -> bool:
    three = isinstance(value, tuple | list) and len(value) == len(_DEFAULT_ORDERS)
    return three and all(isinstance(each, str) for each in value)


def _fit(specs: Sequence[str], count: int) -> bool:
    """Return whether each has its two letters for what is no spatial axis, and all the same other ones."""
    pairs = [set("NC"), set("OI"), set("NC")]
    spatial = [set(spec) - pair for spec, pair in zip(specs, pairs, strict=True)]
    whole = all(
        pair <= set(spec) and len(set(spec)) == len(spec) == count
        for spec, pair in zip(specs, pairs, strict=True)
    )
    return whole and spatial[0] == spatial[1] == spatial[2]
