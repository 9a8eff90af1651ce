"""Layers of ``torch.nn`` as people write them."""

from __future__ import annotations

from typing import Any

from parity.cases.op import Op
from parity.frameworks.code.expression import Bound, Call
from parity.frameworks.code.reading import Reading

_CONV = (
    "in_channels",
    "out_channels",
    "kernel_size",
    "stride",
    "padding",
    "dilation",
    "groups",
    "bias",
    "padding_mode",
    "device",
    "dtype",
)
_CONV_TRANSPOSE = (
    "in_channels",
    "out_channels",
    "kernel_size",
    "stride",
    "padding",
    "output_padding",
    "groups",
    "bias",
    "dilation",
    "padding_mode",
    "device",
    "dtype",
)

CLASSES = {
    f"{name}{rank}d": f"{op}{rank}d"
    for name, op in (("Conv", "conv"), ("ConvTranspose", "conv_transpose"))
    for rank in (1, 2, 3)
}
"""The operation of each class."""

_PREFIXES = ("", "nn", "torch.nn")
_DTYPES = {
    None: "float32",
    "float": "float32",
    "float32": "float32",
    "double": "float64",
    "float64": "float64",
    "half": "float16",
    "float16": "float16",
    "bfloat16": "bfloat16",
}


def read(call: Call) -> Reading:
    """Read the layer that a call makes.

    Raises:
        ExpressionError: an argument that is not the layer's, out of its range, or out of this tool's reach.
    """
    if call.prefix not in _PREFIXES:
        raise call.error(
            f"{call.prefix}.{call.name}: allowed is {call.name}, nn.{call.name} or torch.nn.{call.name}"
        )
    op = CLASSES[call.name]
    transposed, rank = Op.of(op)
    bound = call.bind(_CONV_TRANSPOSE if transposed else _CONV)
    bound.choice("padding_mode", ("zeros",), "zeros")
    bound.choice("device", (None, "cpu"), None)
    arguments: dict[str, Any] = {
        "filters": bound.number("out_channels"),
        "kernel": bound.numbers("kernel_size", rank),
        "stride": bound.numbers("stride", rank, default=1),
        "dilation": bound.numbers("dilation", rank, default=1),
        "padding": _padding(bound, rank, transposed=transposed),
        "groups": bound.number("groups", 1),
        "bias": bound.flag("bias", default=True),
        "dtype": _DTYPES[bound.choice("dtype", tuple(_DTYPES), None)],
    }
    if transposed and "output_padding" in bound.arguments:
        arguments["output_padding"] = bound.numbers("output_padding", rank, minimum=0)
    return Reading("torch", op, bound.number("in_channels"), arguments)


def _padding(bound: Bound, rank: int, *, transposed: bool) -> tuple[int, ...] | str:
    value = bound.value("padding", 0)
    if not isinstance(value, str):
        return bound.numbers("padding", rank, minimum=0, default=0)
    if transposed:
        raise bound.refuse(
            "padding", f"padding={value!r}: torch's transposed layers take ints only, and fail when called"
        )
    if value == "same" and set(bound.numbers("stride", rank, default=1)) != {1}:
        raise bound.refuse("padding", "padding='same': torch takes it at stride 1 only")
    return str(bound.choice("padding", ("valid", "same"), 0))
