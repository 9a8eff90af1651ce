"""Mistakes in adding the bias."""

from __future__ import annotations

import math
from collections.abc import Iterator

from parity.cases.arrays import Array
from parity.verdict.diagnosis.suspect import Output
from parity.verdict.reference import Reference, along_channels


def counted_otherwise(_result: Array, reference: Reference) -> Iterator[Output]:
    """Try no bias, twice the bias, less the bias, and the bias with every term of a sum."""
    case, bias = reference.case, reference.arrays.bias
    if bias is None:
        return
    y, added = reference.compute(reference.arrays._replace(bias=None)), along_channels(bias, case.rank)
    channels, taps = case.input[1] // case.groups, math.prod(case.kernel)
    texts = {
        taps * channels: "is added with every product",
        channels: "is added with every input channel",
        taps: "is added with every tap",
        -1: "is subtracted",
        2: "is added twice",
        0: "is missing",
    }  # the last of one number is the simplest
    for count, text in reversed(texts.items()):
        if count != 1:
            yield Output(f"the bias {text}", y + count * added)


def along_another_axis(_result: Array, reference: Reference) -> Iterator[Output]:
    """Try the bias added along a spatial axis, the last one first, where it can be broadcast there."""
    case, bias = reference.case, reference.arrays.bias
    if bias is None or bias.size == 1:
        return
    y = reference.compute(reference.arrays._replace(bias=None))
    for axis in reversed(range(case.rank)):
        if y.shape[2 + axis] in (1, bias.size):
            added = bias.reshape(-1, *(1,) * (case.rank - 1 - axis))
            yield Output(f"the bias is added along axis {axis}, not along the channels", y + added)
