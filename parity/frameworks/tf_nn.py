"""Functions of ``tf.nn`` as people write them, which TensorFlow itself runs, or LiteRT as models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from convmm.geometry import (
    GeometryError,
    check_ints,
    full_response_size,
    kernel_extent,
    shorten,
    shown,
)
from parity.cases.case import Case, CaseError
from parity.cases.op import Op
from parity.frameworks.code.expression import Bound, Call
from parity.frameworks.code.function import BIAS, INPUT, KERNEL, Function
from parity.frameworks.code.layer import Layer, Name
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.script import Conversion
from parity.frameworks.code.shapes import kernel_shape, literal_dtype

_OPS = {
    f"conv{rank}d{suffix}": f"{op}{rank}d"
    for suffix, op in (("", "conv"), ("_transpose", "conv_transpose"))
    for rank in (1, 2, 3)
}

_DEPTHWISE = "depthwise_conv2d"

_BIASED = "bias_add"

CLASSES = dict.fromkeys((*_OPS, _DEPTHWISE, _BIASED), "")
"""The functions; the kernel's shape stands beside the line, and so none has an operation by itself."""

PREFIXES = ("tf.nn", "tensorflow.nn")

_ARRAYS = ("input", "filters")
_DTYPES = ("float16", "bfloat16", "float32", "float64")
_LAYOUTS = {False: "*kernel,C/groups,O", True: "*kernel,O,C"}

_TO_CONVMM = ("kernel = np.moveaxis(kernel, (-1, -2), (0, 1))",)
_FROM_CONVMM = Conversion(("converted = [np.moveaxis(kernel, (0, 1), (-1, -2)), *bias]",))

_DEPTHWISE_TO_CONVMM = (
    "kernel = np.moveaxis(kernel, (2, 3), (0, 1))",
    "kernel = kernel.reshape(-1, 1, *kernel.shape[2:])",
)


def _depthwise_from_convmm(channels: int) -> Conversion:
    """Return the conversion to a kernel of (*kernel, C, multiplier); a channel's outputs are together."""
    split = f"kernel.reshape({channels}, -1, *kernel.shape[2:])"
    return Conversion((f"converted = [np.moveaxis({split}, (0, 1), (2, 3)), *bias]",))


@dataclass(frozen=True)
class GroupedReading(Reading):
    """A convolution that is not transposed: it has as many groups as its input has kernels' channels."""

    def for_channels(self, count: int) -> Reading:
        """Return the function with the groups that so many channels make, if they make some."""
        assert self.channels is not None  # noqa: S101 - the kernel's shape says them
        groups, left = divmod(count, max(self.channels, 1))
        if left or groups <= 1 or self.arguments["filters"] % groups:
            return self
        return replace(self, channels=count, arguments={**self.arguments, "groups": groups})


@dataclass(frozen=True)
class SizedReading(Reading):
    """A transposed function, whose output's shape in numbers leaves one input alone.

    Attributes:
        shape: of that input, (N, C, *spatial).
        written: the output's shape, as it was typed.
    """

    shape: tuple[int, ...] = ()
    written: object = None

    @property
    def only_input(self) -> tuple[int, ...]:
        """That input."""
        return self.shape

    def on(self, shape: Sequence[int]) -> Case:
        """Make the case of this function on an input of this shape, which has to be the one.

        Raises:
            CaseError: it is another.
        """
        if tuple(shape) != self.shape:
            given, needed = (",".join(map(str, each)) for each in (shape, self.shape))
            raise CaseError(
                f"input={given}: output_shape={shown(self.written)} is that of an input of {needed} alone: "
                f"give --input {needed}"
            )
        return super().on(shape)


def read(call: Call, framework: str) -> Reading:
    """Read what a function's call computes.

    Args:
        call: the call.
        framework: what runs the function.

    Raises:
        ExpressionError: an argument that is not the function's, out of its range or of this tool's reach.
    """
    if call.prefix not in PREFIXES:
        raise call.error(f"{shorten(call.path)}: allowed is tf.nn.{call.name}")
    if call.name == _BIASED:
        return _read_biased(call, framework)
    return (_read_depthwise if call.name == _DEPTHWISE else _read)(call, framework)


def adding_bias(reading: Reading) -> Reading:
    """Return the reading of a function with its bias added in the layer, for what does not add it itself."""
    (function,), keywords = reading.layer.positional, reading.layer.keywords
    arguments = ", ".join([INPUT, KERNEL, *(f"{name}={value!r}" for name, value in keywords)])
    path = f"tensorflow.nn.{_BIASED}"
    return replace(
        reading, layer=Function(path, body=f"{path}({function!r}({arguments}), {BIAS})", has_bias=True)
    )


def _read_biased(call: Call, framework: str) -> Reading:
    """Read the function whose output a bias is added to; the layer is that function alone."""
    arrays = ("value", "bias")
    bound = call.bind((*arrays, "data_format", "name"), arrays=(*arrays, "name"))
    for name in arrays:
        bound.required(name)
    bound.choice("data_format", (None, "NWC", "NHWC", "NDHWC"), None)
    inner = bound.arguments["value"].calls()
    if [each.name in CLASSES and each.name != _BIASED for each in inner] != [True]:
        raise bound.refuse(
            "value", "value: allowed is a call of a convolution, as in tf.nn.bias_add(tf.nn.conv2d(…), b)"
        )
    reading = read(replace(inner[0], kernel_shape=call.kernel_shape), framework)
    return replace(reading, arguments={**reading.arguments, "bias": True})


def _read(call: Call, framework: str) -> Reading:
    op = _OPS[call.name]
    transposed, rank = Op.of(op)
    strides = "stride" if op == "conv1d" else "strides"
    shape_names = ("output_shape",) if transposed else ()
    names = (*_ARRAYS, *shape_names, strides, "padding", "data_format", "dilations", "name")
    bound = call.bind(names, arrays=(*_ARRAYS, "name"))
    for name in _ARRAYS:
        bound.required(name)
    *kernel, first, second = kernel_shape(bound, "filters", _LAYOUTS[transposed], rank)
    bound.choice("data_format", (None, "NWC", "NHWC", "NDHWC"), None)
    arguments: dict[str, Any] = {
        "kernel": tuple(kernel),
        "stride": _per_axis(bound, strides, rank, required=not transposed),
        "dilation": _per_axis(bound, "dilations", rank),
        "dtype": literal_dtype(bound, _DTYPES, *_ARRAYS[::-1]),
    }
    filters, channels = (first, second) if transposed else (second, first)
    mode = _mode(bound, rank, transposed=transposed)
    arguments |= {"filters": filters, **_padding(bound, mode, arguments, transposed=transposed)}
    make: Callable[..., Reading] = GroupedReading
    if transposed:
        shape = _input(bound, mode, arguments, channels)
        make = partial(SizedReading, shape=shape, written=bound.value("output_shape"))
    return make(
        framework,
        op,
        channels,
        arguments,
        _made(bound),
        to_convmm=_TO_CONVMM,
        from_convmm=_FROM_CONVMM,
    )


def _read_depthwise(call: Call, framework: str) -> Reading:
    arrays = ("input", "filter")
    bound = call.bind(
        (*arrays, "strides", "padding", "data_format", "dilations", "name"), arrays=(*arrays, "name")
    )
    for name in arrays:
        bound.required(name)
    *kernel, channels, multiplier = kernel_shape(bound, "filter", "*kernel,C,multiplier", 2)
    bound.choice("data_format", (None, "NHWC"), None)
    arguments: dict[str, Any] = {
        "kernel": tuple(kernel),
        "stride": _per_axis(bound, "strides", 2, required=True),
        "dilation": _per_axis(bound, "dilations", 2),
        "groups": max(channels, 1),
        "filters": channels * multiplier,
        "dtype": literal_dtype(bound, _DTYPES, *arrays[::-1]),
    }
    mode = _mode(bound, 2, transposed=False)
    arguments |= _padding(bound, mode, arguments, transposed=False)
    note = f"outputs of one channel are together: output c * {multiplier} + m is of channel c"
    return Reading(
        framework,
        "conv2d",
        channels,
        arguments,
        _made(bound, arrays),
        notes=(note,) if multiplier > 1 else (),
        to_convmm=_DEPTHWISE_TO_CONVMM,
        from_convmm=_depthwise_from_convmm(max(channels, 1)),
    )


def _made(bound: Bound, arrays: Sequence[str] = _ARRAYS) -> Layer:
    """Return the function of the input and the kernel that was typed."""
    written = {name: bound.value(name) for name in bound.arguments if name not in (*arrays, "name")}
    function = Name(f"tensorflow.nn.{bound.call.name}")
    return Layer("functools.partial", (function,), tuple(written.items()))


def _mode(bound: Bound, rank: int, *, transposed: bool) -> Any:
    """Return the padding by its name, or a pair of ints for each spatial axis.

    Raises:
        ExpressionError: it is neither, or the function takes names alone.
    """
    value = bound.value("padding", "SAME" if transposed else None)
    if not isinstance(value, tuple | list) or transposed or rank != _PLANE:
        return bound.choice("padding", ("SAME", "VALID"), "SAME" if transposed else None)
    try:
        pairs = [check_ints("padding", pair, 2, minimum=0) for pair in value]
    except GeometryError as error:
        raise bound.refuse("padding", str(error)) from None
    if len(pairs) != rank + 2 or any(pairs[0]) or any(pairs[-1]):
        raise bound.refuse(
            "padding", f"padding={shown(value)}: allowed are 4 pairs, [0, 0] for the batch and the channels"
        )
    return tuple(pairs[1:-1])


_PLANE = 2
"""Axes of the functions that take a padding in numbers."""


def _input(bound: Bound, mode: str, arguments: dict[str, Any], channels: int) -> tuple[int, ...]:
    """Return the shape of the input whose output has the shape that is written."""
    rank = len(arguments["kernel"])
    batch, *sizes, filters = bound.numbers("output_shape", rank + 2, minimum=0)
    if filters != arguments["filters"]:
        given = shown(bound.value("output_shape"))
        raise bound.refuse(
            "output_shape",
            f"output_shape={given}: allowed are the kernel's filters at the end, {arguments['filters']}",
        )
    axes = zip(sizes, arguments["kernel"], arguments["stride"], arguments["dilation"], strict=True)
    return (batch, channels, *(_coarse(mode, *axis) for axis in axes))


def _coarse(mode: str, size: int, taps: int, stride: int, dilation: int) -> int:
    """Return the input's size on an axis whose output has this one."""
    return -(-size // stride) if mode == "SAME" else (size - kernel_extent(taps, dilation)) // stride + 1


def _per_axis(bound: Bound, name: str, rank: int, *, required: bool = False) -> tuple[int, ...]:
    """Return one int per axis, of as many, or of those of the batch and the channels too, which are 1."""
    value = bound.required(name) if required else bound.value(name, 1)
    if isinstance(value, tuple | list) and len(value) == rank + 2:
        whole = bound.numbers(name, rank + 2)
        if whole[0] != 1 or whole[-1] != 1:
            raise bound.refuse(name, f"{name}={shown(value)}: allowed is 1 for the batch and the channels")
        return whole[1:-1]
    return bound.numbers(name, rank, default=1)


def _padding(bound: Bound, mode: Any, arguments: dict[str, Any], *, transposed: bool) -> dict[str, Any]:
    """Return the padding by name; of a transposed function what its output's size makes of it."""
    if not transposed:
        return {"padding": mode.lower() if isinstance(mode, str) else mode}
    rank = len(arguments["kernel"])
    sizes = bound.numbers("output_shape", rank + 2, minimum=0)[1:-1]
    pads, added = [], []
    axes = zip(sizes, arguments["kernel"], arguments["stride"], arguments["dilation"], strict=True)
    for size, taps, stride, dilation in axes:
        extent = kernel_extent(taps, dilation)
        coarse = _coarse(mode, size, taps, stride, dilation)
        total = full_response_size(coarse, extent, stride) - size
        before = max(total, 0) // 2 if mode == "SAME" else 0
        pads.append((before, max(total, 0) - before))
        added.append(max(-total, 0))
    return {"padding": tuple(pads), "output_padding": tuple(added)}
