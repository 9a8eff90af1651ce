"""Layers of ``keras.layers`` as people write them."""

from __future__ import annotations

from typing import Any

from convmm.geometry import GeometryError, check_int, shorten, shown
from parity.cases.op import Op
from parity.frameworks.code.expression import Bound, Call
from parity.frameworks.code.layer import Layer, Name
from parity.frameworks.code.reading import Reading
from parity.frameworks.keras.depthwise import of_channels
from parity.frameworks.keras.rules import CHANNELS_FIRST

_BEGIN = ("filters", "kernel_size", "strides", "padding")
_END = (
    "activation",
    "use_bias",
    "kernel_initializer",
    "bias_initializer",
    "kernel_regularizer",
    "bias_regularizer",
    "activity_regularizer",
    "kernel_constraint",
    "bias_constraint",
    "name",
    "dtype",
    "trainable",
    "input_shape",
    "autocast",
    "lora_rank",
)
_DEPTHWISE = (
    *_BEGIN[1:],
    "depth_multiplier",
    "data_format",
    "dilation_rate",
    *(name.replace("kernel_", "depthwise_") for name in _END if name != "lora_rank"),
)
_CONV = (*_BEGIN, "data_format", "dilation_rate", "groups", *_END)
_CONV_TRANSPOSE = (*_BEGIN, "output_padding", "data_format", "dilation_rate", *_END)
_CONV_3D_TRANSPOSE = (*_BEGIN, "data_format", "output_padding", "dilation_rate", *_END)

_DEPTHWISE_CLASSES = {f"DepthwiseConv{rank}D": f"conv{rank}d" for rank in (1, 2)}
CLASSES = {
    f"{name}{rank}D{suffix}": f"{op}{rank}d"
    for name in ("Conv", "Convolution")
    for suffix, op in (("", "conv"), ("Transpose", "conv_transpose"))
    for rank in (1, 2, 3)
} | _DEPTHWISE_CLASSES
"""The operation of each class, under all of its names."""

PREFIXES = ("", "layers", "keras.layers", "tf.keras.layers", "tensorflow.keras.layers")
_INITIALIZERS = ("kernel_initializer", "depthwise_initializer", "bias_initializer")
_DROPPED = (*_INITIALIZERS, "name", "trainable", "autocast")
"""What is not translated."""

_REFUSED = (
    "kernel_regularizer",
    "depthwise_regularizer",
    "bias_regularizer",
    "activity_regularizer",
    "kernel_constraint",
    "depthwise_constraint",
    "bias_constraint",
    "lora_rank",
)
_ACTIVATIONS = (
    None,
    "linear",
    "relu",
    "sigmoid",
    "tanh",
    "elu",
    "softplus",
    "softsign",
    "silu",
    "swish",
    "relu6",
)


def read(call: Call) -> Reading:
    """Read the layer that a call makes.

    Raises:
        ExpressionError: an argument that is not the layer's, out of its range, or out of this tool's reach.
    """
    if call.prefix not in PREFIXES:
        allowed = ", ".join(f"{prefix}.{call.name}" for prefix in PREFIXES[1:])
        raise call.error(f"{shorten(call.path)}: allowed are {call.name}, {allowed}")
    op, by_channel = CLASSES[call.name], call.name in _DEPTHWISE_CLASSES
    transposed, rank = Op.of(op)
    bound = call.bind(_DEPTHWISE if by_channel else _names(op))
    for name in _REFUSED:
        bound.choice(name, (None,), None)
    arguments: dict[str, Any] = {
        "kernel": bound.numbers("kernel_size", rank),
        "stride": bound.numbers("strides", rank, default=1),
        "dilation": bound.numbers("dilation_rate", rank, default=1),
        "bias": bound.flag("use_bias", default=True),
        "dtype": bound.choice("dtype", (None, "float16", "bfloat16", "float32", "float64"), None)
        or "float32",
    }
    if not by_channel:
        arguments["filters"] = bound.number("filters", minimum=0)
        arguments["groups"] = bound.number("groups", 1)
    arguments["padding"] = _padding(bound, arguments, causal=op == "conv1d" and not by_channel)
    if transposed and bound.value("output_padding") is not None:
        arguments["output_padding"] = bound.numbers("output_padding", rank, minimum=0)
    channels_first = (
        bound.choice("data_format", (None, "channels_last", "channels_first"), None) == "channels_first"
    )
    activation = bound.choice("activation", _ACTIVATIONS, None)
    reading = Reading(
        f"keras+{CHANNELS_FIRST}" if channels_first else "keras",
        op,
        _channels(bound, rank, first=channels_first),
        arguments,
        _layer(bound),
        None if activation == "linear" else activation,
        tuple(_notes(bound, channels_first=channels_first)),
    )
    return of_channels(reading, bound.number("depth_multiplier", 1)) if by_channel else reading


def _layer(bound: Bound) -> Layer:
    """Return the layer as it was typed; a dotted name as the text by which Keras knows the same thing."""
    texts = {name: bound.named(name) for name in ("activation", "dtype", "data_format")}
    return bound.layer("keras.layers", **texts, **dict.fromkeys(_own_initializers(bound)))


def _own_initializers(bound: Bound) -> list[str]:
    """Return which initializers are given as dotted names, which may be the user's own."""
    return [name for name in _INITIALIZERS if isinstance(bound.value(name), Name)]


def _names(op: str) -> tuple[str, ...]:
    if op == "conv_transpose3d":
        return _CONV_3D_TRANSPOSE
    return _CONV_TRANSPOSE if Op.of(op).transposed else _CONV


def _padding(bound: Bound, arguments: dict[str, Any], *, causal: bool) -> Any:
    allowed = ("valid", "same", "causal") if causal else ("valid", "same")
    value = bound.value("padding", "valid")
    lower = value.lower() if isinstance(value, str) else value
    if lower not in allowed:
        raise bound.refuse("padding", f"padding={shown(value)}: allowed are {', '.join(map(repr, allowed))}")
    if lower != "causal":
        return lower
    return (((arguments["kernel"][0] - 1) * arguments["dilation"][0], 0),)


def _channels(bound: Bound, rank: int, *, first: bool) -> int | None:
    shape = bound.value("input_shape")
    if shape is None:
        return None
    if not isinstance(shape, tuple) or len(shape) != rank + 1:
        raise bound.refuse("input_shape", f"input_shape={shown(shape)}: allowed are {rank + 1} sizes")
    channels = shape[0 if first else -1]
    if channels is None:
        return None
    try:
        return check_int("input_shape's channels", channels, minimum=0)
    except GeometryError as error:
        raise bound.refuse("input_shape", str(error)) from None


def _notes(bound: Bound, *, channels_first: bool) -> list[str]:
    dropped = [name for name in _DROPPED if bound.value(name) is not None]
    own = _own_initializers(bound)
    notes = [
        f"{name} is left out{', of the proof too' if name in own else ''}: it does not change what the layer "
        "computes with given weights"
        for name in dropped
    ]
    if channels_first:
        notes.append("data_format='channels_first' changes the order of the data's axes, not the kernel's")
    return notes
