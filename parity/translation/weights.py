"""The arrays of a chain: drawn for a proof, and handed over as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod, sqrt

import numpy as np

from parity.cases.arrays import SIGNIFICAND_BITS, Array, numpy_dtype
from parity.cases.case import Case
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.script import Program
from parity.frameworks.code.steps import Activation, Fold, Pad, Step

_INPUT, _WEIGHT = 3, 2
"""The largest of the integers that are drawn."""


@dataclass(frozen=True)
class Drawn:
    """An input, and the arrays of a chain's convolutions.

    Attributes:
        x: the input.
        weights: kernel and bias in convmm's layout, by the part's number.
        is_exact: whether no framework rounds anything: then outputs are equal to the bit.
    """

    x: Array
    weights: Mapping[int, list[Array]]
    is_exact: bool


def draw(
    parts: Sequence[Reading | Step], shape: tuple[int, ...], cases: Mapping[int, Case], dtype: str
) -> Drawn:
    """Draw small integers where all sums of them are exact; else numbers that stay near 1 through the chain.

    Args:
        parts: of the chain.
        shape: of the input, (N, C, *spatial).
        cases: of the parts that are convolutions, by their number.
        dtype: of all arrays.
    """
    random = np.random.default_rng(0)
    is_exact = _is_exact(parts, cases, dtype)

    def array(of: tuple[int, ...], largest: int, terms: int = 1) -> Array:
        if is_exact:
            return random.integers(-largest, largest, of, endpoint=True).astype(numpy_dtype(dtype))
        return (random.standard_normal(of) / sqrt(terms)).astype(numpy_dtype(dtype))

    x = array(shape, _INPUT)
    weights = {}
    for number, case in cases.items():
        arrays = [array(case.kernel_shape, _WEIGHT, max(_terms(case), 1))]
        weights[number] = [*arrays, array((case.filters,), _WEIGHT)] if case.bias else arrays
    return Drawn(x, weights, is_exact)


def _terms(case: Case) -> int:
    """Return how many products an output adds up at most."""
    return case.input[1] // case.groups * prod(case.kernel)


def _is_exact(parts: Sequence[Reading | Step], cases: Mapping[int, Case], dtype: str) -> bool:
    """Return whether integers of these sizes stay such that every sum of them is exact."""
    largest = float(_INPUT)
    for number, part in enumerate(parts):
        if isinstance(part, Reading):
            largest = largest * _WEIGHT * _terms(cases[number]) + _WEIGHT
        elif not part.is_exact:
            return False
        elif isinstance(part, Fold):
            largest *= prod(part.kernel)
        elif isinstance(part, Pad):
            largest = max(largest, abs(part.value))
        elif isinstance(part, Activation):
            largest = max(largest, *(abs(value) for _, value in part.parameters), 0)
        if largest > 2 ** SIGNIFICAND_BITS[dtype]:
            return False
    return True


def pack(arrays: Sequence[Array], dtype: str) -> tuple[Array, tuple[tuple[int, ...], ...]]:
    """Return arrays as one of one axis, and their shapes."""
    flat = np.concatenate([np.zeros(0, numpy_dtype(dtype)), *(array.ravel() for array in arrays)])
    return flat.astype(numpy_dtype(dtype)), tuple(array.shape for array in arrays)


@dataclass(frozen=True)
class Unpacked:
    """From the array that :func:`pack` makes to those that it was made of, converted.

    Attributes:
        shapes: theirs.
        program: whose conversion they go through, if any.
    """

    shapes: tuple[tuple[int, ...], ...]
    program: Program | None = None

    def __call__(self, weights: Sequence[Array]) -> list[Array]:
        """Return the arrays that the layer takes."""
        (flat,) = weights
        ends = np.cumsum([prod(shape) for shape in self.shapes])
        parts = np.split(flat, ends[:-1]) if self.shapes else []
        arrays = [part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True)]
        return arrays if self.program is None else self.program.convert(arrays)
