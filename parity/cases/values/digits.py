"""Operands with all digits of the dtype, so few of them not zero that every sum is of eight products at most.

A rounding error grows with the number of products that are summed up. Of eight it stays below what narrower
precisions lose, however many channels and taps there are.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from convmm.geometry import Axis
from parity.cases.arrays import SIGNIFICAND_BITS, Array, limit_of
from parity.cases.case import Case
from parity.cases.values.generators import generator, shapes

MOST_PRODUCTS = 8

_TINY = 1 / 8
"""The share of the places with inputs that are so small that their products are subnormal."""


def draw_digits(case: Case) -> list[Array]:
    """Draw the input, the kernel and the bias, in float64.

    Every window of the input, or of the response, meets one place with inputs that are not zero, in at most
    eight channels. In some places they are so small that the outputs are subnormal; as a bias would hide
    that, half of its elements are zero.
    """
    x, w, bias = (_full(case, stream, shape) for stream, shape in enumerate(shapes(case)))
    chosen = generator(case, 3)
    for number in range(len(x)):
        places = _places(case, chosen)
        tiny = chosen.random(places.shape) < _TINY
        x[number] *= _channels(case, chosen) * places * np.where(tiny, _tiny(case, chosen), 1.0)
    bias[chosen.permutation(case.filters)[: case.filters // 2]] = 0
    return [x, w, bias]


def _full(case: Case, stream: int, shape: tuple[int, ...]) -> Array:
    """Draw numbers of both signs from 1/2 to 2 whose last digit is never zero."""
    random, bits = generator(case, stream), SIGNIFICAND_BITS[case.dtype]
    significands: Array = random.integers(2 ** (bits - 2), 2 ** (bits - 1), shape) * 2 + 1
    signs: Array = random.choice((-1.0, 1.0), shape)
    magnitudes: Array = np.ldexp(significands.astype(np.float64), random.choice((-bits, 1 - bits), shape))
    return np.multiply(signs, magnitudes)


def _tiny(case: Case, random: np.random.Generator) -> float:
    """Return a power of two that takes numbers from 1/2 to 2 to where the dtype's normal numbers end."""
    return float(limit_of(case.dtype, "smallest_normal") * 2.0 ** -random.integers(5))


def _channels(case: Case, random: np.random.Generator) -> Array:
    """Mark at most eight channels of each group, others in each place: (C, *spatial)."""
    count = case.input[1] // case.groups
    if count <= MOST_PRODUCTS:
        return np.ones(case.input[1:], bool)
    scores = random.random((case.groups, count, *case.input[2:]))
    ranks = scores.argsort(axis=1).argsort(axis=1)
    return (ranks < MOST_PRODUCTS).reshape(case.input[1:])


def _places(case: Case, random: np.random.Generator) -> Array:
    """Mark places, no two of which meet in one output: (*spatial)."""
    marked = [_marked(axis, random, transposed=case.transposed) for axis in case.geometry.axes]
    both: Array = functools.reduce(np.logical_and.outer, marked)
    return both


def _marked(axis: Axis, random: np.random.Generator, *, transposed: bool) -> Array:
    """Mark elements of one axis of the input: of those that meet in an output, one, and one that is read."""
    size = axis.coarse if transposed else axis.fine
    apart, taps = axis.dilation, axis.kernel
    if transposed:  # elements meet in an output where their distance is so many times the one for the taps
        common = math.gcd(axis.stride, axis.dilation)
        apart, taps = axis.dilation // common, -(-axis.kernel * common // axis.stride)
    read = _read(axis, transposed=transposed)
    start = random.choice(read) if read.size else 0
    return np.asarray((np.arange(size) - start) // apart % taps == 0)


def _read(axis: Axis, *, transposed: bool) -> Array:
    """Return the elements of the input that some output is computed from."""
    coarse, tap = np.ogrid[: axis.coarse, : axis.kernel]
    fine = coarse * axis.stride + tap * axis.dilation - axis.before
    element = np.broadcast_to(coarse if transposed else fine, fine.shape)
    return np.unique(element[(fine >= 0) & (fine < axis.fine)])
