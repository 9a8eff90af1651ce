"""Layers of ``mlx.nn`` and functions of ``mlx.core`` as people write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from convmm.geometry import kernel_extent, shorten, shown
from parity.cases.op import OPS, Op
from parity.frameworks.code.expression import Bound, Call
from parity.frameworks.code.layer import Layer, Name
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.shapes import given_shape
from parity.frameworks.mlx.rules import GENERAL, TO_CONVMM, dropped

_MODULES = {
    f"{name}{rank}d": f"{op}{rank}d"
    for name, op in (("Conv", "conv"), ("ConvTranspose", "conv_transpose"))
    for rank in (1, 2, 3)
}
_FUNCTIONS = (*OPS, GENERAL)
_OF_MODULES, _OF_FUNCTIONS = ("mlx.nn",), ("mlx.core", "mx")

CLASSES = {**_MODULES, **dict.fromkeys(_FUNCTIONS, "")}
"""The operation of each module; a function's follows from its arguments."""

PREFIXES = (*_OF_MODULES, *_OF_FUNCTIONS)

_BEGIN = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation")
_ARRAYS = ("input", "weight")


def read(call: Call) -> Reading:
    """Read the layer that a call makes, or computes.

    Raises:
        ExpressionError: an argument that is not the layer's, out of its range, or out of this tool's reach.
    """
    prefixes = _OF_FUNCTIONS if call.name in _FUNCTIONS else _OF_MODULES
    if call.prefix not in prefixes:
        raise call.error(f"{shorten(call.path)}: allowed is {prefixes[0]}.{call.name}")
    if call.name == GENERAL:
        return _general(call)
    return _function(call) if call.name in _FUNCTIONS else _module(call)


def _module(call: Call) -> Reading:
    op = _MODULES[call.name]
    transposed, rank = Op.of(op)
    groups = () if transposed or rank == 3 else ("groups",)  # noqa: PLR2004 - axes
    bound = call.bind((*_BEGIN, *(("output_padding",) if transposed else groups), "bias"))
    kernel = bound.numbers("kernel_size", rank)
    arguments = {
        "filters": bound.number("out_channels", minimum=0),
        "kernel": kernel,
        **_shared(bound, op, kernel),
        "bias": bound.flag("bias", default=True),
    }
    channels = bound.number("in_channels", minimum=0)
    made = replace(bound.layer("mlx.nn"), path=f"mlx.nn:{call.name}")
    return Reading("mlx", op, channels, arguments, made, to_convmm=(TO_CONVMM[transposed],))


def _function(call: Call) -> Reading:
    op = call.name
    transposed, rank = Op.of(op)
    added = ("output_padding",) if transposed else ()
    names = (*_ARRAYS, "stride", "padding", "dilation", *added, "groups", "stream")
    bound = call.bind(names, arrays=_ARRAYS)
    return _called(bound, op, _shape(bound, rank), _shared(bound, op, _shape(bound, rank)[1:-1]))


def _general(call: Call) -> Reading:
    names = (*_ARRAYS, "stride", "padding", "kernel_dilation", "input_dilation", "groups", "flip", "stream")
    bound = call.bind(names, arrays=_ARRAYS)
    shape = _shape(bound, None)
    rank = len(shape) - 2
    flips = bound.flag("flip", default=False)
    strides, between = (bound.numbers(name, rank, default=1) for name in ("stride", "input_dilation"))
    if not flips and max(between) > 1:
        raise bound.refuse("input_dilation", "input_dilation beside flip=False: allowed is it with flip=True")
    if flips and max(strides) > 1:
        raise bound.refuse("stride", f"stride={shown(strides)} beside flip=True: allowed is 1")
    arguments: dict[str, Any] = {
        "stride": between if flips else strides,
        "dilation": bound.numbers("kernel_dilation", rank, default=1),
        "groups": bound.number("groups", 1),
    }
    pads = _pairs(bound, rank)
    if flips:
        extents = map(kernel_extent, shape[1:-1], arguments["dilation"])
        pads = tuple(
            (extent - 1 - low, extent - 1 - high) for extent, (low, high) in zip(extents, pads, strict=True)
        )
        if min(low for low, _ in pads) < 0:
            raise bound.refuse(
                "padding", "padding beyond the kernel's extent less one: allowed is less before"
            )
    arguments |= _window(pads) if flips else {"padding": pads}
    return _called(bound, f"conv{'_transpose' if flips else ''}{rank}d", shape, arguments)


def _shared(bound: Bound, op: str, kernel: tuple[int, ...]) -> dict[str, Any]:
    """Return what modules and functions have in common."""
    transposed, rank = Op.of(op)
    strides, dilations = (bound.numbers(name, rank, default=1) for name in ("stride", "dilation"))
    padding = bound.numbers("padding", rank, minimum=0, default=0)
    found = {"stride": strides, "dilation": dilations, "groups": bound.number("groups", 1)}
    if not transposed:
        return {**found, "padding": padding}
    added = bound.numbers("output_padding", rank, minimum=0, default=0)
    extents = map(kernel_extent, kernel, dilations)
    pads = [dropped(*axis) for axis in zip(extents, strides, padding, added, strict=True)]
    return {**found, **_window(pads)}


def _window(pads: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Return the padding and the output padding that drop so many elements at either end."""
    return {
        "padding": tuple((before, max(after, 0)) for before, after in pads),
        "output_padding": tuple(max(-after, 0) for _, after in pads),
    }


def _shape(bound: Bound, rank: int | None) -> tuple[int, ...]:
    """Return the kernel's shape, (O, *kernel, C/groups)."""
    for name in _ARRAYS:
        bound.required(name)
    shape = given_shape(bound, "weight")
    if shape is None:
        raise bound.call.error(
            "the line does not carry the kernel's shape: give --kernel-shape O,*kernel,C/groups"
        )
    allowed = (3, 4, 5) if rank is None else (rank + 2,)
    if len(shape) not in allowed:
        sizes = " or ".join(map(str, allowed))
        raise bound.call.error(f"kernel_shape={shown(shape)}: allowed are {sizes} sizes, O,*kernel,C/groups")
    return shape


def _pairs(bound: Bound, rank: int) -> tuple[tuple[int, int], ...]:
    """Return the zeros before and after each axis, of which ``conv_general`` takes all those before first."""
    value = bound.value("padding", 0)
    apart = isinstance(value, tuple | list) and len(value) == 2 and not isinstance(value[0], int)  # noqa: PLR2004 - ends
    if not apart:
        return tuple((pad, pad) for pad in bound.numbers("padding", rank, minimum=0, default=0))
    ends = [[value[end]] if isinstance(value[end], int) else list(value[end]) for end in (0, 1)]
    if any(len(each) != rank or not all(type(pad) is int and pad >= 0 for pad in each) for each in ends):
        raise bound.refuse(
            "padding", f"padding={shown(value)}: allowed are two lists of {rank} ints from 0 on"
        )
    return tuple(zip(*ends, strict=True))


def _called(bound: Bound, op: str, shape: tuple[int, ...], arguments: dict[str, Any]) -> Reading:
    """Return what a function's call says of the layer that it computes."""
    filters, *kernel, channels = shape
    transposed, groups = Op.of(op).transposed, arguments["groups"]
    given = tuple(
        (name, argument.value)
        for name, argument in bound.arguments.items()
        if name not in (*_ARRAYS, "stream")
    )
    made = Layer("functools.partial", (Name(f"mlx.core:{bound.call.name}"),), given)
    back = TO_CONVMM[transposed]
    if transposed and groups > 1:
        back = f"kernel = np.concatenate([np.moveaxis(part, -1, 0) for part in np.split(kernel, {groups})])"
    read = {"filters": filters, "kernel": tuple(kernel), **arguments}
    return Reading("mlx", op, channels * groups, read, made, to_convmm=(back,))
