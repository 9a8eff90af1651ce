"""What convmm gives for a case, with some of its arguments mistaken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

import convmm
from convmm.unfold import spatial
from parity.cases.arrays import Array
from parity.cases.case import Case
from tests.support.responses import widened
from tests.support.strategies import changed

Sizes = tuple[int, ...]
Fault = Callable[[Case, Sizes], Iterator[Array]]
"""What implementations with one kind of mistake give: as it comes, and in the sizes given."""


def whatever_sizes(fault: Callable[[Case], Iterator[Array]]) -> Fault:
    """A mistake whose outputs have sizes of their own."""
    return lambda case, _sizes: fault(case)


def computed(
    case: Case,
    *,
    x: Array | None = None,
    w: Array | None = None,
    **arguments: Any,  # noqa: ANN401 - convmm's
) -> Array:
    """What convmm gives for the case, with other arrays or arguments in place of its own."""
    own = widened(case)
    function = convmm.conv_transpose if case.transposed else convmm.conv
    called: dict[str, Any] = {"bias": own.bias, **case.explicit, **arguments}
    return np.asarray(function(own.x if x is None else x, own.w if w is None else w, **called))


def mistaken(
    case: Case,
    sizes: Sizes,
    *,
    x: Array | None = None,
    w: Array | None = None,
    **arguments: Any,  # noqa: ANN401 - convmm's
) -> Iterator[Array]:
    """Outputs by other arguments, padding in numbers and by name: of their own sizes, and of these."""
    shapes = {} if x is None else {"input": x.shape}
    shapes |= {} if w is None else {"kernel": w.shape[2:]}
    for explicit in written_out(case, shapes, arguments):
        with suppress(convmm.GeometryError):
            yield computed(case, x=x, w=w, **explicit)
        yield of_sizes(case, sizes, x=x, w=w, **explicit)


def written_out(case: Case, shapes: dict[str, Any], arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {**case.explicit, **arguments}
    if isinstance(case.padding, str) and "padding" not in arguments:
        try:
            other = changed(case, **shapes, **arguments)
        except convmm.GeometryError:
            return
        yield other.explicit


def of_sizes(
    case: Case,
    sizes: Sizes,
    *,
    x: Array | None = None,
    w: Array | None = None,
    **explicit: Any,  # noqa: ANN401 - convmm's
) -> Array:
    """The output that begins where the padding lets it, and goes on for so many elements."""
    pads = [before for before, _ in explicit["padding"]]
    if case.transposed:
        bias = explicit.pop("bias", widened(case).bias)
        nothing = {"padding": 0, "output_padding": 0, "bias": None}
        response = computed(case, x=x, w=w, **{**explicit, **nothing})
        ends = [(0, p + m) for p, m in zip(pads, sizes, strict=True)]
        longer = np.pad(response, [(0, 0), (0, 0), *ends])
        places = tuple(slice(p, p + m) for p, m in zip(pads, sizes, strict=True))
        return beside(longer[spatial(places)], bias)
    taps = case.kernel if w is None else w.shape[2:]
    axes = zip(sizes, explicit["stride"], taps, explicit["dilation"], strict=True)
    enough = [m * stride + k * dilation for m, stride, k, dilation in axes]
    read = {"padding": tuple(zip(pads, enough, strict=True))}
    y = computed(case, x=x, w=w, **{**explicit, **read})
    return np.asarray(y[spatial(tuple(slice(m) for m in sizes))])


def beside(y: Array, bias: Array | None) -> Array:
    return y if bias is None else np.asarray(y + bias.reshape(-1, *[1] * (y.ndim - 2)))
