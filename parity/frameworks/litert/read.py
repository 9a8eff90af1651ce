"""Functions of ``tf.nn`` as people write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from convmm.geometry import full_response_size, kernel_extent, shorten, shown
from parity.cases.case import Case, CaseError
from parity.cases.op import Op
from parity.frameworks.code.expression import Bound, Call
from parity.frameworks.code.layer import Layer, Name
from parity.frameworks.code.reading import Reading

_OPS = {
    f"conv{rank}d{suffix}": f"{op}{rank}d"
    for suffix, op in (("", "conv"), ("_transpose", "conv_transpose"))
    for rank in (1, 2, 3)
}

CLASSES = dict.fromkeys(_OPS, "")
"""The functions; the kernel's shape stands beside the line, and so none has an operation by itself."""

PREFIXES = ("tf.nn", "tensorflow.nn")

_ARRAYS = ("input", "filters")
_LAYOUTS = {False: "*kernel,C/groups,O", True: "*kernel,O,C"}


@dataclass(frozen=True)
class SizedReading(Reading):
    """A transposed function, whose output's shape in numbers leaves one input alone.

    Attributes:
        shape: of that input, (N, C, *spatial).
        written: the output's shape, as it was typed.
    """

    shape: tuple[int, ...] = ()
    written: object = None

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


def read(call: Call) -> Reading:
    """Read what a function's call computes.

    Raises:
        ExpressionError: an argument that is not the function's, out of its range or of this tool's reach.
    """
    if call.prefix not in PREFIXES:
        raise call.error(f"{shorten(call.path)}: allowed is tf.nn.{call.name}")
    op = _OPS[call.name]
    transposed, rank = Op.of(op)
    strides = "stride" if op == "conv1d" else "strides"
    shape_names = ("output_shape",) if transposed else ()
    names = (*_ARRAYS, *shape_names, strides, "padding", "data_format", "dilations", "name")
    bound = call.bind(names, arrays=_ARRAYS)
    for name in _ARRAYS:
        bound.required(name)
    shape = call.kernel_shape
    if shape is None or len(shape) != rank + 2:
        given = "" if shape is None else f"kernel_shape={shown(shape)}: "
        layout = _LAYOUTS[transposed]
        message = f"{given}the line does not carry the kernel's shape: give --kernel-shape {layout}"
        raise call.error(message)
    bound.choice("data_format", (None, "NWC", "NHWC", "NDHWC"), None)
    kernel = shape[:-2]
    arguments: dict[str, Any] = {
        "kernel": tuple(kernel),
        "stride": _per_axis(bound, strides, rank, required=not transposed),
        "dilation": _per_axis(bound, "dilations", rank),
    }
    filters, channels = (shape[-2], shape[-1]) if transposed else (shape[-1], shape[-2])
    mode = bound.choice("padding", ("SAME", "VALID"), "SAME" if transposed else None)
    arguments |= {"filters": filters, **_padding(bound, mode, arguments, transposed=transposed)}
    written = {name: bound.value(name) for name in bound.arguments if name not in (*_ARRAYS, "name")}
    made = Layer("functools.partial", (Name(f"tensorflow.nn.{call.name}"),), tuple(written.items()))
    if not transposed:
        return Reading("litert", op, channels, arguments, made)
    shape = _input(bound, mode, arguments, channels)
    output = bound.value("output_shape")
    return SizedReading("litert", op, channels, arguments, made, shape=shape, written=output)


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


def _padding(bound: Bound, mode: str, arguments: dict[str, Any], *, transposed: bool) -> dict[str, Any]:
    """Return the padding by name; of a transposed function what its output's size makes of it."""
    if not transposed:
        return {"padding": mode.lower()}
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
