"""``DepthwiseConv1D`` and ``DepthwiseConv2D``: each channel convolved for itself, kernels (*kernel, C, m).

The m filters of channel c give the output channels m*c to m*c + m - 1, as those of a convolution whose
groups are the channels. Sources: keras/src/layers/convolutional/base_depthwise_conv.py and
keras/src/backend/tensorflow/nn.py (Keras 3.8 to 3.15), and runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from packaging.version import Version

from parity.cases.case import Case
from parity.frameworks.code.layer import Layer, layer
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.script import Conversion
from parity.frameworks.interface import Refuses, refuses_nothing
from parity.frameworks.keras.installation import tensorflow_kernels, version
from parity.frameworks.keras.rules import CHANNELS_FIRST, CHANNELS_LAST, MOVE
from parity.frameworks.precision import Mode, accumulator_unknown, flushing
from parity.frameworks.spelling import Refusal, Spelling, windows_agree

VARIANT = "depthwise"

TO_CONVMM = (
    "kernel = kernel.reshape(*kernel.shape[:-2], 1, -1)",
    "kernel = np.moveaxis(kernel, (-1, -2), (0, 1))",
)
"""Statements that bring (*kernel, C, m) into convmm's layout, (C * m, 1, *kernel)."""

FROM_DEPTHWISE = Conversion((*TO_CONVMM, "converted = [kernel, *bias]"))


def to_depthwise(multiplier: int) -> Conversion:
    """Return the way from (C * m, 1, *kernel) to (*kernel, C, m), where m is the multiplier."""
    split = f"kernel = {MOVE}.reshape(*kernel.shape[2:], -1, {multiplier})"
    return Conversion((split, "converted = [kernel, *bias]"))


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
        filters, groups = channels * self.multiplier, max(channels, 1)
        return Case(self.op, shape, filters=filters, groups=groups, **self.arguments)

    def own(self, case: Case) -> Spelling:
        """Return the depthwise layer, of a single channel too."""
        first = CHANNELS_FIRST in self.framework
        return _spelling(case, refuses_nothing, CHANNELS_FIRST if first else CHANNELS_LAST)


def of_channels(reading: Reading, multiplier: int) -> DepthwiseReading:
    """Return the reading as that of a depthwise layer, with so many filters a channel."""
    return DepthwiseReading(
        reading.framework,
        reading.op,
        reading.channels,
        reading.arguments,
        reading.layer,
        reading.activation,
        (*reading.notes, *trap(multiplier)),
        TO_CONVMM,
        to_depthwise(multiplier),
        multiplier,
    )


def is_depthwise(case: Case) -> bool:
    """Return whether each of several channels is a group of its own, on axes that Keras has a layer for."""
    return not case.transposed and case.rank < 3 and 1 < case.groups == case.input[1]  # noqa: PLR2004 - axes


def depthwise(
    meanings: Sequence[Case], case: Case, refuses: Refuses, data_format: str = CHANNELS_LAST
) -> list[Spelling]:
    """Return the depthwise layer that means the case, an accepted one if there is one; none of another case.

    Args:
        meanings: layers that may mean the case, its own arguments first.
        case: what the layer is to compute.
        refuses: what is known of refusals beside the rules.
        data_format: Keras's.
    """
    if not is_depthwise(case) or not case.filters:
        return []
    agreeing = [each for each in meanings if isinstance(each.padding, str) and windows_agree(case, each)]
    found = [_spelling(meaning, refuses, data_format) for meaning in agreeing]
    first = found[:1] if isinstance(case.padding, str) else found
    return sorted(first, key=lambda each: each.refusal is not None)[:1]


def trap(multiplier: int) -> tuple[str, ...]:
    """Return what to know of the channels' order, in sentences: nothing with one filter a channel."""
    if multiplier == 1:
        return ()
    order = (
        f"depth_multiplier={multiplier}: output channel {multiplier}*c + j is kernel[..., c, j] on channel "
        "c, and not channel j*C + c"
    )
    return (order,)


def multiplier_of(case: Case) -> int:
    """Return how many filters each channel has."""
    return case.filters // case.groups


def _spelling(meaning: Case, refuses: Refuses, data_format: str) -> Spelling:
    refusal = _refusal(meaning, data_format) or refuses(meaning, "native")
    return Spelling(
        "native",
        _layer(meaning, data_format),
        meaning,
        refusal,
        to_depthwise(multiplier_of(meaning)),
        FROM_DEPTHWISE,
        variant=VARIANT,
        mode=_mode(meaning),
        is_idiom=True,
        remarks=trap(multiplier_of(meaning)),
    )


def _layer(case: Case, data_format: str) -> Layer:
    arguments: dict[str, Any] = {"kernel_size": case.kernel, "strides": case.stride, "padding": case.padding}
    if multiplier_of(case) > 1:
        arguments["depth_multiplier"] = multiplier_of(case)
    if set(case.dilation) != {1}:
        arguments["dilation_rate"] = case.dilation
    arguments |= {"use_bias": case.bias, "data_format": data_format, "dtype": case.dtype}
    return layer(f"keras.layers.DepthwiseConv{case.rank}D", **arguments)


def _refusal(case: Case, data_format: str) -> Refusal | None:
    """Return what Keras refuses, or TensorFlow's own kernel; oneDNN's takes all."""
    recent = Version(version()) >= _RECENT
    dilated = max(case.dilation) > 1
    if max(case.stride) > 1 and dilated and not recent:
        reason = "Keras before 3.15 takes no stride together with a dilation in a depthwise layer"
        return Refusal(reason, ("ValueError",), certain=False)
    kernels = tensorflow_kernels(case.dtype)
    if kernels and dilated and case.padding == "same" and 0 in case.input[2:]:
        reason = "TensorFlow pads an axis without elements for a dilated 'same' by less than the kernel reads"
        return Refusal(reason, ("InvalidArgumentError", "ValueError"), certain=False)
    if "its own" not in kernels:
        return None
    certain = "oneDNN" not in kernels and 0 not in case.output_shape
    if data_format == CHANNELS_FIRST and not recent:
        reason = "TensorFlow's own kernels for the CPU take channels last only"
        return Refusal(reason, ("UnimplementedError",), certain)
    if len(set(case.stride)) > 1 and not dilated:
        reason = "TensorFlow's own depthwise kernel takes the same stride on both axes only"
        return Refusal(reason, ("InvalidArgumentError",), certain)
    return None


_RECENT = Version("3.15")
"""From this Keras on, channels are put last for TensorFlow, and a dilation beside a stride is computed
without the stride, and then thinned out."""


def _mode(case: Case) -> Mode | None:
    """Return that TensorFlow's own kernel may keep sums in a half type; None for what is Keras's anyhow."""
    if "its own" not in tensorflow_kernels(case.dtype):
        return None
    return flushing(accumulator_unknown(case.dtype))
