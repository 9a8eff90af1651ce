"""Every mistake that is looked for, a row each."""

from __future__ import annotations

from parity.verdict.diagnosis import (
    arguments,
    axes,
    bias,
    channels,
    groups,
    kernels,
    layouts,
    moved,
    padding,
    rounding,
)
from parity.verdict.diagnosis.suspect import Row

MISTAKES = (
    Row("window", moved.another_window),
    Row("flipped", kernels.flipped),
    Row("argument ignored", arguments.ignored),
    Row("argument ignored", groups.ignored),
    Row("axes swapped", axes.of_the_kernel),
    Row("axes swapped", axes.of_the_arguments),
    Row("axes swapped", axes.of_kernel_and_arguments),
    Row("axes swapped", axes.of_the_input),
    Row("axes swapped", axes.of_the_output),
    Row("channels swapped", channels.swapped),
    Row("groups permuted", groups.permuted),
    Row("layout", layouts.another_layout),
    Row("stride and dilation exchanged", arguments.stride_and_dilation),
    Row("arguments exchanged", arguments.exchanged),
    Row("arguments exchanged", groups.and_dilation),
    Row("bias", bias.counted_otherwise),
    Row("bias", bias.along_another_axis),
    Row("window flipped", moved.window_flipped),
    Row("padding values", padding.of_other_values),
    Row("padding values", padding.zeros_for_output_padding),
    Row("output padding side", padding.zeros_before_the_output),
    Row("numeric", rounding.reduced_precision),
    Row("scaled", rounding.scaled),
)
"""In the order they are looked for."""
