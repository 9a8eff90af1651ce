"""Hypothesis strategies for cases: valid by construction, within bounds that are arguments.

Nothing that is drawn is filtered away. Everything shrinks towards one axis, one sample, one channel, one
group, a kernel of one tap, stride and dilation 1, no padding, an output of one element, no bias, and seed 0.
Bounds are checked when a strategy is made, and what contradicts another is named beside it.
"""

from parity.frameworks.distributions import not_installed

try:
    import hypothesis  # noqa: F401 - that it is there is what is asked
except ModuleNotFoundError as error:
    missing = not_installed("hypothesis", "'convparity[testing]'")
    raise ImportError(f"parity.strategies {missing}") from error

from parity.cases.selection import PADDING_KINDS, Bounds, PaddingKind
from parity.strategies.cases import cases, conv_cases, conv_transpose_cases
from parity.strategies.pieces import dilations, input_sizes, kernel_sizes, output_paddings, paddings, strides
from parity.strategies.refused import refused_cases

__all__ = [
    "PADDING_KINDS",
    "Bounds",
    "PaddingKind",
    "cases",
    "conv_cases",
    "conv_transpose_cases",
    "dilations",
    "input_sizes",
    "kernel_sizes",
    "output_paddings",
    "paddings",
    "refused_cases",
    "strides",
]
