"""Layers of ``tinygrad.nn`` and methods of ``tinygrad.Tensor`` as people write them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from convmm.geometry import shorten, shown
from parity.cases.op import Op
from parity.frameworks.code.expression import Bound, Call
from parity.frameworks.code.layer import Layer, Name
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.shapes import given_shape

_MODULES = {
    "Conv1d": "conv1d",
    "Conv2d": "",
    "ConvTranspose1d": "conv_transpose1d",
    "ConvTranspose2d": "",
}
_METHODS = ("conv2d", "conv_transpose2d")
_OF_MODULES, _OF_METHODS = ("tinygrad.nn",), ("Tensor", "tinygrad.Tensor")

CLASSES = {**_MODULES, **dict.fromkeys(_METHODS, "")}
"""The operation of each layer; where the kernel decides over how many axes it is, ""."""

PREFIXES = (*_OF_MODULES, *_OF_METHODS)

_ARRAYS = ("self", "weight", "bias")
_MOST_AXES = 3


def read(call: Call) -> Reading:
    """Read the layer that a call makes, or computes.

    Raises:
        ExpressionError: an argument that is not the layer's, out of its range, or out of this tool's reach.
    """
    prefixes = _OF_METHODS if call.name in _METHODS else _OF_MODULES
    if call.prefix not in prefixes:
        raise call.error(f"{shorten(call.path)}: allowed is {prefixes[0]}.{call.name}")
    return _method(call) if call.name in _METHODS else _module(call)


def _module(call: Call) -> Reading:
    if call.kernel_shape is not None:
        raise call.error(f"kernel_shape={shown(call.kernel_shape)}: allowed beside a method of Tensor")
    transposed = call.name.startswith("ConvTranspose")
    begin = ("in_channels", "out_channels", "kernel_size", "stride", "padding")
    added = ("output_padding",) if transposed else ()
    bound = call.bind((*begin, *added, "dilation", "groups", "bias"))
    size = bound.required("kernel_size")
    rank = len(size) if isinstance(size, tuple | list) else int(call.name[-2])
    op = _op(bound, rank, transposed=transposed)
    arguments = {
        "filters": bound.number("out_channels", minimum=0),
        "kernel": bound.numbers("kernel_size", rank),
        **_shared(bound, op),
        "bias": bound.flag("bias", default=True),
    }
    made = replace(bound.layer("tinygrad.nn"), path=f"tinygrad.nn:{call.name}")
    return Reading("tinygrad", op, bound.number("in_channels", minimum=0), arguments, made)


def _method(call: Call) -> Reading:
    transposed = call.name == "conv_transpose2d"
    last = "output_padding" if transposed else "dtype"
    bound = call.bind((*_ARRAYS, "groups", "stride", "dilation", "padding", last), arrays=_ARRAYS)
    for name in _ARRAYS[:2]:
        bound.required(name)
    if not transposed:
        bound.choice("dtype", (None,), None)
    layout = "C,O/groups,*kernel" if transposed else "O,C/groups,*kernel"
    shape = given_shape(bound, "weight")
    if shape is None:
        raise call.error(f"the line does not carry the kernel's shape: give --kernel-shape {layout}")
    op = _op(bound, len(shape) - 2, transposed=transposed)
    arguments = _shared(bound, op)
    first, second, *kernel = shape
    channels, filters = (first, second * arguments["groups"])
    if not transposed:
        channels, filters = second * arguments["groups"], first
    given = {name: argument.value for name, argument in bound.arguments.items() if name not in _ARRAYS}
    made = Layer("functools.partial", (Name(f"tinygrad.Tensor.{call.name}"),), tuple(given.items()))
    arguments |= {"filters": filters, "kernel": tuple(kernel), "bias": bound.value("bias") is not None}
    return Reading("tinygrad", op, channels, arguments, made)


def _op(bound: Bound, rank: int, *, transposed: bool) -> str:
    if not 1 <= rank <= _MOST_AXES:
        raise bound.call.error(f"a kernel of {rank} axes: allowed are 1 to {_MOST_AXES}")
    return f"conv{'_transpose' if transposed else ''}{rank}d"


def _shared(bound: Bound, op: str) -> dict[str, Any]:
    """Return what layers and methods have in common."""
    transposed, rank = Op.of(op)
    found: dict[str, Any] = {
        "stride": bound.numbers("stride", rank, default=1),
        "padding": _padding(bound, rank),
        "dilation": bound.numbers("dilation", rank, default=1),
        "groups": bound.number("groups", 1),
    }
    if transposed:
        found["output_padding"] = bound.numbers("output_padding", rank, minimum=0, default=0)
    return found


def _padding(bound: Bound, rank: int) -> Any:
    """Return one int per axis, or of twice as many, which go last axis first, one pair per axis."""
    value = bound.value("padding", 0)
    if isinstance(value, str):
        return bound.choice("padding", ("same",), 0)
    if not isinstance(value, tuple | list) or len(value) != 2 * rank:
        return bound.numbers("padding", rank, minimum=0, default=0)
    numbers = bound.numbers("padding", 2 * rank, minimum=0)
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))[::-1]
