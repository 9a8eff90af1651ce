"""The opposite of a case: the transposed convolution of a convolution's kernel, and the other way round."""

from __future__ import annotations

from dataclasses import replace

from parity.cases.case import ZEROS, Case


def opposite(case: Case) -> Case | None:
    """Return the case with the transposed matrix: the same kernel array, the output's size for its input.

    It has no bias. None where there is no such case: the given one has no output to be an input, or is a
    transposed convolution whose output goes on for a stride or more after its full response has ended (an
    output_padding that only the dilation allows), so that a convolution of it has more elements than its
    input; or its padding holds elements of the input, to which the adjoint adds what is read there.
    """
    if case.filled_with != ZEROS:
        return None
    axes = case.geometry.axes
    if 0 in case.output_shape or (case.transposed and any(-axis.after >= axis.stride for axis in axes)):
        return None
    return replace(
        case,
        op=f"{'conv' if case.transposed else 'conv_transpose'}{case.rank}d",
        input=case.output_shape,
        filters=case.input[1],
        padding=tuple((axis.before, max(axis.after, 0)) for axis in axes),
        output_padding=None if case.transposed else tuple(max(-axis.after, 0) for axis in axes),
        bias=False,
        padding_mode=ZEROS,
    )
