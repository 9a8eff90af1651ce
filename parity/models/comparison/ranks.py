"""Layers on as many axes as each other: exports write a convolution over one axis as one over two."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.frameworks.model import Use
from parity.models.comparison.distance import distance
from parity.models.comparison.placing import Padded, padded
from parity.models.comparison.recording import Call


@dataclass(frozen=True)
class OnePair:
    """Two calls on as many axes.

    Attributes:
        mine: the first one's use.
        other: the second one's.
        x: the first one's input.
        y: the first one's output.
        x_other: the second one's input.
        around: what is padded around each input, so that what is left has one shape; nothing but of
            convolutions.
        inputs_apart: the distance of what is left.
    """

    mine: Use
    other: Use
    x: Array
    y: Array
    x_other: Array
    around: tuple[Padded, Padded]
    inputs_apart: float


def of_one_rank(ours: Call, theirs: Call) -> OnePair:
    """Return two calls on as many axes, with their arrays.

    Of a layer that has more spatial axes than the other those go that hold one element and a kernel of one
    tap, where there are so many.
    """
    mine, other = ours.use, theirs.use
    assert ours.y is not None  # noqa: S101 - of the first model it is kept
    x, y, x_other = ours.x.read(), ours.y.read(), theirs.x.read()
    spare = mine.case.rank - other.case.rank
    axes = _idle(mine if spare > 0 else other, abs(spare))
    if spare > 0 and axes:
        mine, x, y = _lowered(mine, axes), np.squeeze(x, axes), np.squeeze(y, axes)
    if spare < 0 and axes:
        other, x_other = _lowered(other, axes), np.squeeze(x_other, axes)
    apart = distance(x, x_other)
    if mine.case.op == other.case.op and not mine.case.transposed:
        around = padded(x, x_other, apart)
    else:
        around = Padded(((0, 0),) * (x.ndim - 2)), Padded(((0, 0),) * (x_other.ndim - 2))
    if any(any(map(any, each.pads)) for each in around):
        apart = distance(around[0].within(x), around[1].within(x_other))
    return OnePair(mine, other, x, y, x_other, around, apart)


def _idle(use: Use, count: int) -> tuple[int, ...]:
    """Return so many axes of an input that hold one element and a kernel of one tap, or none."""
    case = use.case
    shapes = zip(case.input[2:], case.kernel, case.output_shape[2:], strict=True)
    idle = [axis for axis, sizes in enumerate(shapes, 2) if set(sizes) == {1}]
    return tuple(idle[:count]) if len(idle) >= count else ()


def _lowered(use: Use, axes: tuple[int, ...]) -> Use:
    """Return a use without these axes of its input."""
    case, left = use.case, [axis for axis in range(use.case.rank) if axis + 2 not in axes]
    kernel, stride, dilation = (
        tuple(numbers[axis] for axis in left) for numbers in (case.kernel, case.stride, case.dilation)
    )
    padding = case.padding if isinstance(case.padding, str) else tuple(case.padding[axis] for axis in left)
    added = case.output_padding
    lower = Case(
        f"{'conv_transpose' if case.transposed else 'conv'}{len(left)}d",
        (*case.input[:2], *(case.input[axis + 2] for axis in left)),
        case.filters,
        kernel,
        stride,
        padding,
        None if added is None else tuple(added[axis] for axis in left),
        dilation,
        groups=case.groups,
        bias=case.bias,
        dtype=case.dtype,
        padding_mode=case.padding_mode,
    )
    return replace(
        use,
        case=lower,
        kernel=np.squeeze(use.kernel, axes),
        again=lambda x: np.squeeze(use.again(np.expand_dims(x, axes)), axes),
    )
