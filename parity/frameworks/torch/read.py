"""Layers of ``torch.nn`` as people write them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from convmm.geometry import shorten, shown
from parity.cases.case import PADDING_MODES, ZEROS
from parity.cases.op import Op
from parity.frameworks.code.expression import Argument, Bound, Call
from parity.frameworks.code.layer import Name
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
    f"{lazy}{name}{rank}d": f"{op}{rank}d"
    for lazy in ("", "Lazy")
    for name, op in (("Conv", "conv"), ("ConvTranspose", "conv_transpose"))
    for rank in (1, 2, 3)
}
"""The operation of each class; a lazy one takes its input's channels when it is first called."""

PREFIXES = ("", "nn", "torch.nn")
DTYPES = {
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
    if call.prefix not in PREFIXES:
        raise call.error(
            f"{shorten(call.path)}: allowed is {call.name}, nn.{call.name} or torch.nn.{call.name}"
        )
    op = CLASSES[call.name]
    transposed, rank = Op.of(op)
    names, lazy = (_CONV_TRANSPOSE if transposed else _CONV), call.name.startswith("Lazy")
    typed = call.bind(names[1:] if lazy else names, arrays=("device",))
    bound = one_for_all(typed)
    mode = bound.choice("padding_mode", (ZEROS,) if transposed else PADDING_MODES, ZEROS)
    given = typed.value("padding")
    if mode != ZEROS and isinstance(given, list | tuple) and len(given) != rank:
        raise typed.refuse(
            "padding",
            f"padding={shown(given)}: beside padding_mode={mode!r} torch takes one number, or one for each "
            "axis, and fails when called",
        )
    arguments: dict[str, Any] = {
        "filters": bound.number("out_channels", minimum=0),
        "kernel": bound.numbers("kernel_size", rank),
        "stride": bound.numbers("stride", rank, default=1),
        "dilation": bound.numbers("dilation", rank, default=1),
        "padding": padding_of(bound, rank, transposed=transposed),
        "groups": bound.number("groups", 1),
        "bias": bound.flag("bias", default=True),
        "dtype": _dtype(bound),
        **({} if mode == ZEROS else {"padding_mode": mode}),
    }
    if transposed and "output_padding" in bound.arguments:
        arguments["output_padding"] = bound.numbers("output_padding", rank, minimum=0)
    known: dict[str, object] = {}
    if bound.value("dtype") is not None:
        known["dtype"] = Name(f"torch.{arguments['dtype']}")
    if bound.value("device") is not None:
        known["device"] = None
    layer = typed.layer("torch.nn", **known)
    channels = None if lazy else bound.number("in_channels", minimum=0)
    return Reading("torch", op, channels, arguments, layer, notes=tuple(_notes(bound, lazy=lazy)))


def _notes(bound: Bound, *, lazy: bool) -> Iterator[str]:
    if bound.value("device") is not None:
        yield "device is left out, of the proof too: it is where the layer is, and not what it computes"
    if lazy:
        yield f"{bound.call.name} takes its input's channels when it is first called"


def _dtype(bound: Bound) -> str:
    """Return the name of the dtype, which torch takes as one of its objects and not as a text."""
    value = bound.value("dtype")
    if value is None:
        return "float32"
    if not isinstance(value, Name) or bound.named("dtype") not in DTYPES:
        allowed = ", ".join(f"torch.{name}" for name in DTYPES)
        raise bound.refuse("dtype", f"dtype={shown(value)}: allowed are None, {allowed}")
    return DTYPES[bound.named("dtype")]


def one_for_all(bound: Bound) -> Bound:
    """Return the arguments with the int itself for a sequence of one, which torch takes for every axis."""
    found = dict(bound.arguments)
    for name in ("stride", "padding", "dilation", "output_padding"):
        match found.get(name):
            case Argument(value=[int(one)]) as argument:  # a list or a tuple
                found[name] = replace(argument, value=one)
    return replace(bound, arguments=found)


def padding_of(bound: Bound, rank: int, *, transposed: bool) -> tuple[int, ...] | str:
    """Return the padding: one int an axis, or a name where the layer takes one.

    Raises:
        ExpressionError: it is neither.
    """
    value = bound.value("padding", 0)
    if not isinstance(value, str):
        return bound.numbers("padding", rank, minimum=0, default=0)
    if transposed:
        raise bound.refuse(
            "padding",
            f"padding={shown(value)}: torch's transposed layers take ints only, and fail when called",
        )
    if value == "same" and set(bound.numbers("stride", rank, default=1)) != {1}:
        raise bound.refuse("padding", "padding='same': torch takes it at stride 1 only")
    return str(bound.choice("padding", ("valid", "same"), 0))
