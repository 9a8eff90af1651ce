"""Operands with all digits of the dtype, so few of them not zero that every sum is of eight products at most.

A rounding error grows with the number of products that are summed up. Of eight it stays below what narrower
precisions lose, however many channels and taps there are.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from convmm.geometry import Axis, BorderMode, element_at
from parity.cases.arrays import SIGNIFICAND_BITS, Array, limit_of
from parity.cases.case import ZEROS, Case
from parity.cases.values.generators import generator, shapes

MOST_PRODUCTS = 8

_TINY = 1 / 8
"""The share of the places with inputs that are so small that their products are subnormal."""


def draw_digits(case: Case) -> list[Array]:
    """Draw the input, the kernel and the bias, in float64.

    Every window of the input, or of the response, meets one place with inputs that are not zero, in at most
    eight channels; where padding holds elements of the input, at most one such place, in as much fewer
    channels as it is read more often. In some places they are so small that the outputs are subnormal; as a
    bias would hide that, half of its elements are zero.
    """
    x, w, bias = (_full(case, stream, shape) for stream, shape in enumerate(shapes(case)))
    chosen = generator(case.seed, 3)
    mark = _places if case.filled_with == ZEROS else _filled_places
    for number in range(len(x)):
        places, times = mark(case, chosen)
        tiny = chosen.random(places.shape) < _TINY
        channels = _channels(case, chosen, max(MOST_PRODUCTS // times, 1))
        x[number] *= channels * places * np.where(tiny, _tiny(case, chosen), 1.0)
    bias[chosen.permutation(case.filters)[: case.filters // 2]] = 0
    return [x, w, bias]


def _full(case: Case, stream: int, shape: tuple[int, ...]) -> Array:
    """Draw numbers of both signs from 1/2 to 2 whose last digit is never zero."""
    random, bits = generator(case.seed, stream), SIGNIFICAND_BITS[case.dtype]
    significands: Array = random.integers(2 ** (bits - 2), 2 ** (bits - 1), shape) * 2 + 1
    signs: Array = random.choice((-1.0, 1.0), shape)
    magnitudes: Array = np.ldexp(significands.astype(np.float64), random.choice((-bits, 1 - bits), shape))
    return np.multiply(signs, magnitudes)


def _tiny(case: Case, random: np.random.Generator) -> float:
    """Return a power of two that takes numbers from 1/2 to 2 to where the dtype's normal numbers end."""
    return float(limit_of(case.dtype, "smallest_normal") * 2.0 ** -random.integers(5))


def _channels(case: Case, random: np.random.Generator, most: int) -> Array:
    """Mark at most so many channels of each group, others in each place: (C, *spatial)."""
    count = case.input[1] // case.groups
    if count <= most:
        return np.ones(case.input[1:], bool)
    scores = random.random((case.groups, count, *case.input[2:]))
    ranks = scores.argsort(axis=1).argsort(axis=1)
    return (ranks < most).reshape(case.input[1:])


def _places(case: Case, random: np.random.Generator) -> tuple[Array, int]:
    """Mark places, no two of which meet in one output: (*spatial); each output reads one once at most."""
    marked = [_marked(axis, random, transposed=case.transposed) for axis in case.geometry.axes]
    return functools.reduce(np.logical_and.outer, marked), 1


def _filled_places(case: Case, random: np.random.Generator) -> tuple[Array, int]:
    """Mark places, of which an output reads one or more so many times together: (*spatial), and how many."""
    found = [_read_least(axis, case.padding_mode, random) for axis in case.geometry.axes]
    marked, times = zip(*found, strict=True)
    return functools.reduce(np.logical_and.outer, marked), math.prod(times)


def _read_least(axis: Axis, mode: BorderMode, random: np.random.Generator) -> tuple[Array, int]:
    """Mark an element of one axis that outputs read least often, and others that add nothing to that.

    Returns:
        (size,), and how often an output reads marked ones at most.
    """
    coarse, tap = np.ogrid[: axis.coarse, : axis.kernel]
    places = coarse * axis.stride + tap * axis.dilation - axis.before
    distinct, which = np.unique(places, return_inverse=True)
    elements = np.array([element_at(int(place), axis.fine, mode) for place in distinct], np.intp)
    read = elements[which].reshape(places.shape)
    marked, counts = np.zeros(axis.fine, bool), np.zeros(axis.coarse, np.intp)
    order = random.permutation(np.unique(read))
    least = min((int((read == each).sum(axis=1).max()) for each in order), default=1)
    for each in order:
        more = counts + (read == each).sum(axis=1)
        if more.max(initial=0) <= least:
            counts, marked[each] = more, True
    return marked, least


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
