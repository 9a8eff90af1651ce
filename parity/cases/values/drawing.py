"""The arrays of a case: from its seed alone, the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from parity.cases.arrays import Array, Arrays, limit_of, numpy_dtype
from parity.cases.case import Case, CaseError
from parity.cases.memory import check_memory
from parity.cases.values.digits import draw_digits
from parity.cases.values.generators import generator, shapes, terms
from parity.cases.values.integers import draw_integers
from parity.cases.values.special import draw_special


def draw_arrays(case: Case) -> Arrays:
    """Draw the case's input, kernel and bias.

    Raises:
        CaseError: the arrays do not fit in the memory that is free, or "arange" values are too large for
            the dtype.
    """
    check_memory(case)
    dtype = numpy_dtype(case.dtype)
    x, w, bias = (array.astype(dtype) for array in _DRAWS[case.values](case))
    return Arrays(x, w, bias if case.bias else None)


def _normal(case: Case) -> list[Array]:
    return [generator(case.seed, stream).standard_normal(shape) for stream, shape in enumerate(shapes(case))]


def _wide(case: Case) -> list[Array]:
    """Draw eight decades in both signs, the largest such that no sum overflows."""
    top = min(4.0, math.log10(limit_of(case.dtype, "max") / (4 * (terms(case) + 1))) / 2)
    drawn = []
    for stream, shape in enumerate(shapes(case)):
        random = generator(case.seed, stream)
        magnitudes: Array = 10.0 ** random.uniform(top - 8, top, shape)
        drawn.append(magnitudes * random.choice((-1, 1), shape))
    return drawn


def _arange(case: Case) -> list[Array]:
    largest = limit_of(case.dtype, "max")
    for shape in shapes(case):
        if math.prod(shape) - 1 > largest:
            raise CaseError(
                f"values='arange' for an array of shape {shape}: allowed are at most {int(largest) + 1} "
                f"elements, since the largest {case.dtype} is {largest:g}"
            )
    return [np.arange(math.prod(shape)).reshape(shape) for shape in shapes(case)]


_DRAWS: Mapping[str, Callable[[Case], list[Array]]] = {
    "integers": draw_integers,
    "normal": _normal,
    "wide": _wide,
    "special": draw_special,
    "digits": draw_digits,
    "arange": _arange,
}
"""How each kind of values is drawn: the input, the kernel and the bias."""
