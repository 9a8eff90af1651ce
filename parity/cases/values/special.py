"""Normal values with special ones among them, so rare that most of an output stays finite."""

from __future__ import annotations

import math

import numpy as np

from parity.cases.arrays import Array, limit_of
from parity.cases.case import Case
from parity.cases.values.generators import generator, shapes

_QUIET = 1 / 8
"""The share of signed zeros and subnormal numbers."""

_SPOILT = 1 / 4
"""The share of an output that infinite and undefined inputs may reach; and weights and biases, as much."""


def draw_special(case: Case) -> list[Array]:
    """Draw the input, the kernel and the bias, in float64.

    One in eight is a signed zero or a subnormal number. Infinities and NaN, and in float16 inputs of which a
    few make a sum that is too large, are as many as spoil a quarter of the output, and none where one spoils
    more: a kernel as large as its input, say. Weights and biases that are infinite or undefined are those of
    a quarter of the filters.
    """
    x, w, bias = (_quiet(case, stream, shape) for stream, shape in enumerate(shapes(case)))
    chosen = generator(case.seed, 3)
    wild = [math.inf, -math.inf, math.nan]
    large = [0.75 * limit_of("float16", "max"), -0.75 * limit_of("float16", "max")]
    places = chosen.permutation(x.size)[: _most_inputs(case)]
    x.flat[places] = chosen.choice(wild + (large if case.dtype == "float16" else []), len(places))
    for filter_ in chosen.permutation(case.filters)[: int(case.filters * _SPOILT)]:
        if case.bias and chosen.random() < 1 / 2:
            bias[filter_] = chosen.choice(wild)
        else:
            weights = _weights_of(case, w, int(filter_))
            if weights.size:
                weights[tuple(chosen.integers(weights.shape))] = chosen.choice(wild)
    return [x, w, bias]


def _quiet(case: Case, stream: int, shape: tuple[int, ...]) -> Array:
    random = generator(case.seed, stream)
    below = 3 * limit_of(case.dtype, "smallest_subnormal")
    values = random.standard_normal(shape)
    return np.where(random.random(shape) < _QUIET, random.choice([0.0, -0.0, below, -below], shape), values)


def _weights_of(case: Case, w: Array, filter_: int) -> Array:
    """Return the weights of one filter, (C/groups, *kernel), as a view of the kernel."""
    if not case.transposed:
        return np.asarray(w[filter_])
    group, place = divmod(filter_, case.filters // case.groups)
    count = case.input[1] // case.groups
    return np.asarray(w[group * count : (group + 1) * count, place])


def _most_inputs(case: Case) -> int:
    """Return how many inputs may be infinite or undefined."""
    reached = 1 / (max(case.input[0], 1) * case.groups)
    for axis in case.geometry.axes:
        outputs = axis.fine if case.transposed else axis.coarse
        near = axis.extent if case.transposed else -(-axis.extent // axis.stride)
        reached *= min(1.0, near / max(outputs, 1))
    return min(int(_SPOILT / reached), int(_QUIET * math.prod(case.input)))
