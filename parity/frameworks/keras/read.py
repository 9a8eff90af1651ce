"""Layers of ``keras.layers`` as people write them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from convmm.geometry import GeometryError, check_int, shorten, shown
from parity.cases.op import Op
from parity.frameworks.code.expression import UNREAD, Bound, Call
from parity.frameworks.code.layer import Layer
from parity.frameworks.code.reading import Reading
from parity.frameworks.keras.depthwise import of_channels
from parity.frameworks.keras.functions import FUNCTIONS
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
    "batch_input_shape",
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
_SHAPES = ("input_shape", "batch_input_shape")
_OF_TRAINING = (
    "kernel_regularizer",
    "depthwise_regularizer",
    "bias_regularizer",
    "activity_regularizer",
    "kernel_constraint",
    "depthwise_constraint",
    "bias_constraint",
)
"""What says how weights are trained; a constraint is applied to them after a step."""

_INITIALIZERS = ("kernel_initializer", "depthwise_initializer", "bias_initializer")
_DROPPED = (*_INITIALIZERS, "name", "trainable", "autocast")
"""What is not translated."""

_NOT_COMPUTING = (*_DROPPED, *_OF_TRAINING, *_SHAPES)
"""What does not change what is computed with given weights, and so may be any expression."""

_DTYPES = ("float16", "bfloat16", "float32", "float64")
_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}
"""The dtype that a policy computes in; its weights are of float32, and rounded to that on each call."""

_POLICIES = ("Policy", "DTypePolicy")


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
    names = _DEPTHWISE if by_channel else _names(op)
    bound = _with_policy(call.bind(names, arrays=(*_NOT_COMPUTING, "dtype")))
    if bound.value("lora_rank") is not None:
        given = shown(bound.value("lora_rank"))
        raise bound.refuse("lora_rank", f"lora_rank={given}: allowed is None, as LoRA adds to the kernel")
    dtype = bound.choice("dtype", (None, *_DTYPES, *_MIXED), None) or "float32"
    arguments: dict[str, Any] = {
        "kernel": bound.numbers("kernel_size", rank),
        "stride": bound.numbers("strides", rank, default=1),
        "dilation": bound.numbers("dilation_rate", rank, default=1),
        "bias": bound.flag("use_bias", default=True),
        "dtype": _MIXED.get(dtype, dtype),
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
    activation = bound.choice("activation", (None, *FUNCTIONS), None)
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


def _with_policy(bound: Bound) -> Bound:
    """Return the arguments with the name of a dtype policy for the call that makes it.

    Raises:
        ExpressionError: the dtype is another expression.
    """
    argument = bound.arguments.get("dtype")
    if argument is None or not argument.is_variable:
        return bound
    inner = next(iter(argument.calls()), None)
    if inner is None or inner.name not in _POLICIES:
        raise bound.refuse("dtype", "dtype is a text, a name such as tf.float16, or a Policy of a text")
    name = inner.bind(("name",)).required("name")
    return replace(bound, arguments={**bound.arguments, "dtype": replace(argument, value=name)})


def _layer(bound: Bound) -> Layer:
    """Return the layer as it was typed, without what is left out of the proof.

    A dotted name is written as the text by which Keras knows the same thing.
    """
    texts = {name: bound.named(name) for name in ("activation", "dtype", "data_format")}
    out = _left_out(bound)
    by_place = [name for name in out if bound.arguments[name].name is None]
    kept = {name: each for name, each in bound.arguments.items() if name not in out or name in by_place}
    return replace(bound, arguments=kept).layer("keras.layers", **texts, **dict.fromkeys(by_place))


def _left_out(bound: Bound) -> list[str]:
    """Return what is left out of the proof, too: whatever is no plain text, which may be the user's own."""
    given = [name for name in _NOT_COMPUTING if bound.value(name) is not None]
    return [
        name
        for name in given
        if name in (*_OF_TRAINING, *_SHAPES) or not isinstance(bound.value(name), str | bool)
    ]


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
    for name, of_batch in zip(_SHAPES, (0, 1), strict=True):
        argument = bound.arguments.get(name)
        if argument is None or argument.value is None or argument.value is UNREAD or argument.is_variable:
            continue
        shape, count = argument.value, rank + 1 + of_batch
        if not isinstance(shape, tuple | list) or len(shape) != count:
            raise bound.refuse(name, f"{name}={shown(shape)}: allowed are {count} sizes")
        channels = shape[of_batch if first else -1]
        if channels is None:
            continue
        try:
            return check_int(f"{name}'s channels", channels, minimum=0)
        except GeometryError as error:
            raise bound.refuse(name, str(error)) from None
    return None


def _notes(bound: Bound, *, channels_first: bool) -> list[str]:
    out = _left_out(bound)
    notes = [
        f"{name} is left out{', of the proof too' if name in out else ''}: it does not change what the layer "
        "computes with given weights"
        for name in (*_DROPPED, *_OF_TRAINING)
        if bound.value(name) is not None
    ]
    dtype = bound.named("dtype")
    if dtype in _MIXED:
        notes.append(
            f"dtype={dtype!r} keeps its weights in float32 and computes in {_MIXED[dtype]}: the translation "
            f"has both in {_MIXED[dtype]}, which is the same for given weights, and not for training"
        )
    if channels_first:
        notes.append("data_format='channels_first' changes the order of the data's axes, not the kernel's")
    return notes
