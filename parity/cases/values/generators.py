"""The random numbers of a case: a stream for each array, the same on every machine."""

from __future__ import annotations

import math

import numpy as np

from parity.cases.case import Case


def generator(seed: int, stream: int) -> np.random.Generator:
    """Return the random numbers of a stream: 0 of the input, 1 of the kernel, 2 of the bias, and more."""
    return np.random.default_rng([seed, stream])


def terms(case: Case) -> int:
    """Return how many products an output adds up at most."""
    return case.input[1] // case.groups * math.prod(case.kernel)


def shapes(case: Case) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of the input, the kernel and the bias, which is drawn whether or not there is one."""
    return case.input, case.kernel_shape, (case.filters,)
