"""The bias, what padding holds, and the values themselves."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import ml_dtypes
import numpy as np

from convmm.unfold import spatial
from parity.cases.arrays import Array
from parity.cases.case import Case
from tests.support.mistaken.computing import Sizes, beside, computed, mistaken
from tests.support.responses import widened


def counted_biases(case: Case) -> Iterator[Array]:
    bias = widened(case).bias
    if bias is not None:
        channels, taps = case.input[1] // case.groups, math.prod(case.kernel)
        for count in (0, 2, -1, channels, taps, channels * taps):
            yield computed(case, bias=count * bias)


def biases_along_other_axes(case: Case) -> Iterator[Array]:
    bias, y = widened(case).bias, computed(case, bias=None)
    for axis in range(2, y.ndim):
        if bias is not None and y.shape[axis] in {1, len(bias)}:
            yield np.moveaxis(np.moveaxis(y, axis, -1) + bias, -1, axis)


def otherwise_padded(case: Case, sizes: Sizes) -> Iterator[Array]:
    if case.transposed:
        return
    own = tuple((axis.before, max(axis.after, 0)) for axis in case.geometry.axes)
    for filled in itertools.product((True, False), repeat=case.rank):
        yield from padded(case, sizes, own, filled)
    for pads in itertools.permutations(case.explicit["padding"]):
        yield from padded(case, sizes, pads, (True,) * case.rank)


def padded(case: Case, sizes: Sizes, pads: Any, filled: tuple[bool, ...]) -> Iterator[Array]:  # noqa: ANN401 - pairs
    """Padded axis by axis, with the values of every mode in which there are enough of them, or with zeros."""
    x = widened(case).x
    modes: dict[Any, int] = {"edge": -1000, "reflect": 1, "symmetric": 0, "wrap": 0}
    for mode, room in modes.items():
        if all(n - max(p) >= room or not f for n, p, f in zip(x.shape[2:], pads, filled, strict=True)):
            y = x
            for axis, (pad, fills) in enumerate(zip(pads, filled, strict=True), 2):
                ends = [pad if each == axis else (0, 0) for each in range(x.ndim)]
                y = np.pad(y, ends, mode if fills else "constant")
            yield from mistaken(case, sizes, x=y, padding=((0, 0),) * case.rank)


def zeros_after(case: Case) -> Iterator[Array]:
    yield from zeros_for_output_padding(case, after=True)


def zeros_before(case: Case) -> Iterator[Array]:
    yield from zeros_for_output_padding(case, after=False)


def zeros_for_output_padding(case: Case, *, after: bool) -> Iterator[Array]:
    added = case.explicit.get("output_padding", (0,) * case.rank)
    bias = widened(case).bias
    if any(size < q for size, q in zip(case.output_shape[2:], added, strict=True)):
        return
    y = np.zeros(case.output_shape)
    short = tuple(slice(None, size - q) for size, q in zip(case.output_shape[2:], added, strict=True))
    placed = short if after else tuple(slice(q, None) for q in added)
    y[spatial(placed)] = computed(case, bias=None)[spatial(short)]
    if bias is None:
        yield y
        return
    yield beside(y, bias)
    y[spatial(placed)] = computed(case)[spatial(short)]
    yield y


def tf32(values: Array) -> Array:
    """float32 with its last 13 bits rounded away, halves to even."""
    bits = values.astype(np.float32).view(np.uint32).astype(np.uint64)
    rounded = (
        (bits + np.uint64(0xFFF) + (bits >> np.uint64(13) & np.uint64(1))) >> np.uint64(13) << np.uint64(13)
    )
    return rounded.astype(np.uint32).view(np.float32).astype(np.float64)


def through(dtype: type) -> Callable[[Array], Array]:
    def rounded(values: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(values.astype(dtype).astype(np.float64))

    return rounded


ROUNDINGS = {"bfloat16": through(ml_dtypes.bfloat16), "float16": through(np.float16), "TF32": tf32}


def roundings(case: Case) -> Iterator[Array]:
    for rounded in (*ROUNDINGS.values(), through(np.float32)):
        yield rounded(computed(case))


def factors(case: Case) -> Iterator[Array]:
    for factor in (-1, 2, 0.5, 3):
        yield factor * computed(case)
