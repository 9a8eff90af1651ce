"""Small integers, of which every sum is exact."""

from __future__ import annotations

import functools
import math

import numpy as np

from parity.cases.arrays import SIGNIFICAND_BITS, Array
from parity.cases.case import Case
from parity.cases.values.generators import generator, shapes, terms

LARGEST_INTEGER = 2**8
"""Single values stay exact in bfloat16, so that operands rounded to it unasked change nothing."""


def draw_integers(case: Case) -> list[Array]:
    """Draw non-zero integers, so small that a sum of as many terms as an output has stays exact.

    Where even ones would not do (half types with many terms), all but so many kernel elements of each
    output are zero.
    """
    budget = 2 ** SIGNIFICAND_BITS[case.dtype]
    largest = min(math.isqrt(budget // (terms(case) + 1)), LARGEST_INTEGER)
    x, w, bias = (
        (_kept if math.prod(shape) <= _FEW else _signed)(case.seed, stream, max(largest, 1), shape)
        for stream, shape in enumerate(shapes(case))
    )
    return [x, w if largest else w * _few(generator(case.seed, 3), case, budget - 1), bias]


def _signed(seed: int, stream: int, largest: int, shape: tuple[int, ...]) -> Array:
    random = generator(seed, stream)
    magnitudes: Array = random.integers(1, largest, shape, endpoint=True)
    signs: Array = random.choice((-1, 1), shape)
    drawn = np.multiply(magnitudes, signs)
    drawn.flags.writeable = False  # other cases have it too
    return drawn


_FEW = 2**10
"""Numbers that are drawn once for all cases that have as many: 16 MiB at most are kept."""

_kept = functools.lru_cache(maxsize=2048)(_signed)


def _few(random: np.random.Generator, case: Case, count: int) -> Array:
    """Mark ``count`` kernel elements of each output channel by 1, others by 0, in the kernel's shape."""
    per_output = case.filters // case.groups if case.transposed else 1
    keep = np.zeros((case.filters, terms(case)), np.int64)
    keep[:, :count] = 1
    keep = random.permuted(keep, axis=1)
    if not case.transposed:
        return keep.reshape(case.kernel_shape)
    channels = case.input[1] // case.groups
    taps = math.prod(case.kernel)
    by_group = keep.reshape(case.groups, per_output, channels, taps).swapaxes(1, 2)
    return by_group.reshape(case.kernel_shape)
