"""Calls of convolutions in models: what is told of them, and what convmm makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import convmm
from parity.cases.arrays import Array
from parity.frameworks.model import Model, Use


class Told(NamedTuple):
    """What is told of one call."""

    use: Use
    x: Array
    y: Array


def told(model: Model, inputs: Sequence[Array]) -> list[Told]:
    """Run a model of which everything is read."""
    found: list[Told] = []
    ran = model.run(inputs, lambda use, x, y: found.append(Told(use, x.copy(), y.copy())))
    assert ran.unread == ()
    return found


def by_convmm(use: Use, x: Array) -> Array:
    """Compute a call by its case, and its arrays in convmm's layout."""
    case = use.case
    if case.transposed:
        return convmm.conv_transpose(
            x,
            use.kernel,
            use.bias,
            stride=case.stride,
            padding=case.padding,
            output_padding=case.output_padding,
            dilation=case.dilation,
            groups=case.groups,
        )
    return convmm.conv(
        x,
        use.kernel,
        use.bias,
        stride=case.stride,
        padding=case.padding,
        dilation=case.dilation,
        groups=case.groups,
    )
