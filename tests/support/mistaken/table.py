"""The mistakes beside the diagnosis's rows."""

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
from parity.verdict.diagnosis.mistakes import MISTAKES
from tests.support.mistaken import arguments as of_arguments
from tests.support.mistaken import axes as of_axes
from tests.support.mistaken import channels as of_channels
from tests.support.mistaken import values, windows
from tests.support.mistaken.computing import Fault, whatever_sizes

FAULTS: dict[object, Fault] = {
    moved.another_window: whatever_sizes(windows.another_window),
    kernels.flipped: whatever_sizes(windows.flipped),
    arguments.ignored: of_arguments.ignored,
    groups.ignored: whatever_sizes(of_channels.ignored_groups),
    axes.of_the_kernel: of_axes.of_the_kernel,
    axes.of_the_arguments: of_axes.of_the_arguments,
    axes.of_kernel_and_arguments: of_axes.of_kernel_and_arguments,
    axes.of_the_input: of_axes.of_the_input,
    axes.of_the_output: whatever_sizes(of_axes.of_the_output),
    channels.swapped: whatever_sizes(of_channels.swapped),
    groups.permuted: whatever_sizes(of_channels.permuted_groups),
    layouts.another_layout: whatever_sizes(of_channels.layouts),
    arguments.stride_and_dilation: of_arguments.stride_for_dilation,
    arguments.exchanged: of_arguments.exchanged,
    groups.and_dilation: of_channels.groups_for_dilation,
    bias.counted_otherwise: whatever_sizes(values.counted_biases),
    bias.along_another_axis: whatever_sizes(values.biases_along_other_axes),
    moved.window_flipped: whatever_sizes(windows.windows_by_flipped_kernels),
    padding.of_other_values: values.otherwise_padded,
    padding.zeros_for_output_padding: whatever_sizes(values.zeros_after),
    padding.zeros_before_the_output: whatever_sizes(values.zeros_before),
    rounding.reduced_precision: whatever_sizes(values.roundings),
    rounding.scaled: whatever_sizes(values.factors),
}
"""What gives the outputs of each row, made here."""

ROWS = {f"{row.outputs.__module__.rpartition('.')[2]}.{row.outputs.__name__}": row for row in MISTAKES}
"""The rows by the names of their functions, such as "kernels.flipped"."""
