"""``SeparableConv1D`` and ``SeparableConv2D``: a convolution of each channel, and one over the channels.

The first has no bias and a kernel (*kernel, C, m): channel c gives the channels m * c to m * c + m - 1. The
second has one tap, a kernel (1, ..., C * m, O), and the bias. Both are one layer, of two or three arrays.
Source: keras/src/layers/convolutional/base_separable_conv.py (Keras 3.15), and runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from parity.frameworks.code.chain import Link
from parity.frameworks.code.expression import Argument, Call
from parity.frameworks.code.steps import Step
from parity.frameworks.keras.depthwise import of_channels
from parity.frameworks.keras.functions import FUNCTIONS
from parity.frameworks.keras.read import PREFIXES, read
from parity.frameworks.keras.rules import CHANNELS_FIRST

LINKS = {f"Separable{name}{rank}D": f"Conv{rank}D" for name in ("Conv", "Convolution") for rank in (1, 2)}
"""Each class, and that of the convolution which has its arguments but for these."""

_COMPUTING = (
    "filters",
    "kernel_size",
    "strides",
    "padding",
    "data_format",
    "dilation_rate",
    "depth_multiplier",
    "activation",
    "use_bias",
)
_OWN = tuple(
    f"{kernel}_{what}"
    for what in ("initializer", "regularizer", "constraint")
    for kernel in ("depthwise", "pointwise")
)
"""Those of its arguments that no other layer has, and that do not change what it computes."""

_NOT_COMPUTING = (
    "depthwise_initializer",
    "pointwise_initializer",
    "bias_initializer",
    "depthwise_regularizer",
    "pointwise_regularizer",
    "bias_regularizer",
    "activity_regularizer",
    "depthwise_constraint",
    "pointwise_constraint",
    "bias_constraint",
    "name",
    "trainable",
    "input_shape",
)
_AS_TEXT = ("activation", "dtype", "data_format")
_NAMES = (*_COMPUTING, *_NOT_COMPUTING, "dtype")


def read_separable(call: Call) -> Link:
    """Read the layer that a call makes; its name is one of :data:`LINKS`.

    Raises:
        ExpressionError: an argument that is not the layer's, out of its range, or out of this tool's reach.
    """
    bound = call.bind(_NAMES, arrays=(*_NOT_COMPUTING, "dtype"))
    multiplier = bound.number("depth_multiplier", 1)
    shared = {n: each for n, each in bound.arguments.items() if n not in {"depth_multiplier", *_OWN}}
    named = tuple(replace(each, name=name) for name, each in shared.items())
    whole = read(replace(call, path=_path(call), arguments=named))
    texts = {name: value for name, value in whole.layer.keywords if name in _AS_TEXT}
    kept = {name: each for name, each in bound.arguments.items() if name in (*_COMPUTING, "dtype")}
    typed = replace(bound, arguments=kept).layer("keras.layers", **texts)
    known = {name: value for name, value in whole.arguments.items() if name not in {"filters", "groups"}}
    alone = replace(whole, arguments={**known, "bias": False}, layer=typed, activation=None, notes=())
    depthwise = of_channels(alone, multiplier)
    ones = (1,) * len(whole.arguments["kernel"])
    one_tap = {"kernel": ones, "stride": ones, "dilation": ones, "padding": "valid"}
    pointwise = replace(whole, channels=None, arguments={**whole.arguments, **one_tap}, activation=None)
    behind: tuple[Step, ...] = () if whole.activation is None else (FUNCTIONS[whole.activation],)
    return Link(
        typed,
        (depthwise, pointwise, *behind),
        whole.arguments["dtype"],
        (*whole.notes, *_notes(bound.arguments), *depthwise.notes),
        first=whole.framework.endswith(CHANNELS_FIRST),
    )


def _path(call: Call) -> str:
    prefix = call.prefix if call.prefix in PREFIXES else "keras.layers"
    return f"{prefix}.{LINKS[call.name]}" if prefix else LINKS[call.name]


def _notes(given: Mapping[str, Argument]) -> list[str]:
    return [
        f"{name} is left out, of the proof too: it does not change what the layer computes with given weights"
        for name in _OWN
        if name in given
    ]
