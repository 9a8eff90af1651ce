"""The arrays of a case: from its seed alone, the same on every machine."""

from __future__ import annotations

import math

import numpy as np
import psutil

from parity.cases.arrays import SIGNIFICAND_BITS, Array, Arrays, limit_of, numpy_dtype
from parity.cases.case import Case, CaseError

LARGEST_INTEGER = 2**8
"""Single values stay exact in bfloat16, so that operands rounded to it unasked change nothing."""

_COPIES = 6  # of input, kernel and output that are alive at once: the reference's, ours and a framework's

_ALWAYS_THERE = 2**22
"""Bytes without which no process of this kind would have started."""


def draw_arrays(case: Case) -> Arrays:
    """Draw the case's input, kernel and bias.

    Raises:
        CaseError: the arrays do not fit in the memory that is free, or "arange" values are too large for
            the dtype.
    """
    check_memory(case)
    shapes = [case.input, case.kernel_shape, (case.filters,)]
    if case.values == "integers":
        x, w, bias = _integers(case, shapes)
    elif case.values == "arange":
        x, w, bias = (_arange(case, shape) for shape in shapes)
    else:
        x, w, bias = (_DRAWS[case.values](case, i, shape) for i, shape in enumerate(shapes))
    dtype = numpy_dtype(case.dtype)
    return Arrays(x.astype(dtype), w.astype(dtype), bias.astype(dtype) if case.bias else None)


def check_memory(case: Case) -> None:
    """Refuse a case that cannot be held, before anything is allocated.

    Raises:
        CaseError: with the bytes needed and the bytes free.
    """
    geometry, batch = case.geometry, case.input[0]
    elements = sum(math.prod(shape) for shape in (case.input, case.kernel_shape, case.output_shape))
    response = batch * geometry.fine_channels * math.prod(geometry.full)
    columns = batch * geometry.fine_channels * math.prod(case.kernel) * math.prod(geometry.coarse)
    needed = 8 * (_COPIES * (elements + response) + columns)
    if needed <= _ALWAYS_THERE:  # to look takes longer than to draw as much
        return
    free = psutil.virtual_memory().available
    if needed > free:
        raise CaseError(
            f"input={case.input} with filters={case.filters} and kernel={case.kernel} needs about "
            f"{_gib(needed)} of memory: allowed is what is free, {_gib(free)}"
        )


def _integers(case: Case, shapes: list[tuple[int, ...]]) -> list[Array]:
    """Draw non-zero integers, so small that a sum of as many terms as an output has stays exact.

    Where even ones would not do (half types with many terms), all but so many kernel elements of each
    output are zero.
    """
    budget = 2 ** SIGNIFICAND_BITS[case.dtype]
    terms = _terms(case)
    largest = min(math.isqrt(budget // (terms + 1)), LARGEST_INTEGER)
    x, w, bias = (_signed(_generator(case, i), max(largest, 1), shape) for i, shape in enumerate(shapes))
    if largest < 1:
        w *= _few(_generator(case, len(shapes)), case, budget - 1)
    return [x, w, bias]


def _terms(case: Case) -> int:
    return case.input[1] // case.groups * math.prod(case.kernel)


def _signed(generator: np.random.Generator, largest: int, shape: tuple[int, ...]) -> Array:
    magnitudes: Array = generator.integers(1, largest, shape, endpoint=True)
    signs: Array = generator.choice((-1, 1), shape)
    return np.multiply(magnitudes, signs)


def _few(generator: np.random.Generator, case: Case, count: int) -> Array:
    """Mark ``count`` kernel elements of each output channel by 1, others by 0, in the kernel's shape."""
    per_output = case.filters // case.groups if case.transposed else 1
    keep = np.zeros((case.filters, _terms(case)), np.int64)
    keep[:, :count] = 1
    keep = generator.permuted(keep, axis=1)
    if not case.transposed:
        return keep.reshape(case.kernel_shape)
    channels = case.input[1] // case.groups
    by_group = keep.reshape(case.groups, per_output, channels, -1).swapaxes(1, 2)
    return by_group.reshape(case.kernel_shape)


def _normal(case: Case, stream: int, shape: tuple[int, ...]) -> Array:
    drawn: Array = _generator(case, stream).standard_normal(shape)
    return drawn


def _wide(case: Case, stream: int, shape: tuple[int, ...]) -> Array:
    """Draw eight decades in both signs, the largest such that no sum overflows."""
    generator = _generator(case, stream)
    top = min(4.0, math.log10(limit_of(case.dtype, "max") / (4 * (_terms(case) + 1))) / 2)
    magnitudes: Array = 10.0 ** generator.uniform(top - 8, top, shape)
    signs: Array = generator.choice((-1, 1), shape)
    return np.multiply(magnitudes, signs)


def _special(case: Case, stream: int, shape: tuple[int, ...]) -> Array:
    """Draw normal values, one in eight special: signed zeros, and in the input all the others as well.

    An infinite weight would meet the zeros of the padding, which some implementations multiply by and some
    leave out; a subnormal one would meet infinities, and some flush it to zero first.
    """
    generator = _generator(case, stream)
    below = limit_of(case.dtype, "smallest_subnormal")
    specials = [0.0, -0.0]
    if stream == 0:
        specials += [3 * below, -3 * below, math.inf, -math.inf, math.nan]
    values = generator.standard_normal(shape)
    return np.where(generator.random(shape) < 1 / 8, generator.choice(specials, shape), values)


_DRAWS = {"normal": _normal, "wide": _wide, "special": _special}


def _arange(case: Case, shape: tuple[int, ...]) -> Array:
    largest = limit_of(case.dtype, "max")
    if math.prod(shape) - 1 > largest:
        raise CaseError(
            f"values='arange' for an array of shape {shape}: allowed are at most {int(largest) + 1} "
            f"elements, since the largest {case.dtype} is {largest:g}"
        )
    return np.arange(math.prod(shape)).reshape(shape)


def _generator(case: Case, stream: int) -> np.random.Generator:
    return np.random.default_rng([case.seed, stream])


def _gib(count: int) -> str:
    return f"{count / 2**30:.3g} GiB"
