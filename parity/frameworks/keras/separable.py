"""``SeparableConv1D`` and ``SeparableConv2D``: a convolution of each channel, and one over the channels.

The first has no bias and a kernel (*kernel, C, m): channel c gives the channels m * c to m * c + m - 1. The
second has one tap, a kernel (1, ..., C * m, O), and the bias. Both are one layer, of two or three arrays.
Source: keras/src/layers/convolutional/base_separable_conv.py (Keras 3.15), and runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from parity.cases.case import Case
from parity.frameworks.code.chain import Link
from parity.frameworks.code.expression import Argument, Call
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.script import Conversion
from parity.frameworks.code.steps import Step
from parity.frameworks.keras.functions import FUNCTIONS
from parity.frameworks.keras.read import PREFIXES, read
from parity.frameworks.keras.rules import CHANNELS_FIRST, MOVE_BACK

LINKS = {f"Separable{name}{rank}D": f"Conv{rank}D" for name in ("Conv", "Convolution") for rank in (1, 2)}
"""Each class, and that of the convolution which has its arguments but for these."""

_NAMES = (
    "filters",
    "kernel_size",
    "strides",
    "padding",
    "data_format",
    "dilation_rate",
    "depth_multiplier",
    "activation",
    "use_bias",
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
    "dtype",
    "trainable",
    "input_shape",
)
_INITIALIZERS = ("depthwise_initializer", "pointwise_initializer")
_REFUSED = ("depthwise_regularizer", "pointwise_regularizer", "depthwise_constraint", "pointwise_constraint")

_TO_CONVMM = (
    "kernel = kernel.reshape(*kernel.shape[:-2], 1, -1)",
    MOVE_BACK,
)
"""Statements that bring (*kernel, C, m) into convmm's layout, (C * m, 1, *kernel)."""


@dataclass(frozen=True)
class DepthwiseReading(Reading):
    """A layer whose filters and groups are known with its input's channels.

    Attributes:
        multiplier: how many filters each channel has.
    """

    multiplier: int = 1

    def on(self, shape: Sequence[int]) -> Case:
        """Make the case of this layer on an input of this shape, (N, C, *spatial).

        Raises:
            CaseError: a shape that is none.
            GeometryError: sizes that the layer cannot take.
        """
        channels = shape[1] if len(shape) > 1 else 0
        more = {"filters": channels * self.multiplier, "groups": max(channels, 1)}
        return Case(self.op, shape, **{**self.arguments, **more})


def read_separable(call: Call) -> Link:
    """Read the layer that a call makes; its name is one of :data:`LINKS`.

    Raises:
        ExpressionError: an argument that is not the layer's, out of its range, or out of this tool's reach.
    """
    bound = call.bind(_NAMES)
    for name in _REFUSED:
        bound.choice(name, (None,), None)
    multiplier = bound.number("depth_multiplier", 1)
    own = {"depth_multiplier", *_INITIALIZERS, *_REFUSED}
    kept = {name: each for name, each in bound.arguments.items() if name not in own}
    named = tuple(replace(each, name=name) for name, each in kept.items())
    whole = read(replace(call, path=_path(call), arguments=named))
    texts = {name: bound.named(name) for name in ("activation", "dtype", "data_format")}
    without = {name: each for name, each in bound.arguments.items() if name not in _INITIALIZERS}
    typed = replace(bound, arguments=without).layer("keras.layers", **texts)
    depthwise = DepthwiseReading(
        framework=whole.framework,
        op=whole.op,
        channels=whole.channels,
        arguments={**whole.arguments, "bias": False},
        layer=typed,
        to_convmm=_TO_CONVMM,
        from_convmm=_from_convmm(multiplier),
        multiplier=multiplier,
    )
    ones = (1,) * len(whole.arguments["kernel"])
    alone = {"kernel": ones, "stride": ones, "dilation": ones, "padding": "valid"}
    pointwise = replace(whole, channels=None, arguments={**whole.arguments, **alone}, activation=None)
    behind: tuple[Step, ...] = () if whole.activation is None else (FUNCTIONS[whole.activation],)
    return Link(
        typed,
        (depthwise, pointwise, *behind),
        whole.arguments["dtype"],
        (*whole.notes, *_notes(bound.arguments, multiplier)),
        first=whole.framework.endswith(CHANNELS_FIRST),
    )


def _path(call: Call) -> str:
    prefix = call.prefix if call.prefix in PREFIXES else "keras.layers"
    return f"{prefix}.{LINKS[call.name]}" if prefix else LINKS[call.name]


def _from_convmm(multiplier: int) -> Conversion:
    """Return the way from (C * m, 1, *kernel) to (*kernel, C, m)."""
    split = f"kernel = np.moveaxis(kernel[:, 0], 0, -1).reshape(*kernel.shape[2:], -1, {multiplier})"
    return Conversion((split, "converted = [kernel, *bias]"))


def _notes(given: dict[str, Argument], multiplier: int) -> list[str]:
    notes = [
        f"{name} is left out, of the proof too: it does not change what the layer computes with given weights"
        for name in _INITIALIZERS
        if name in given
    ]
    if multiplier > 1:
        notes.append(
            f"depth_multiplier={multiplier}: channel {multiplier} * c + j between the two convolutions is "
            "depthwise_kernel[..., c, j] on channel c, and not channel j * C + c"
        )
    return notes
