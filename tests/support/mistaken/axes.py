"""The spatial axes in another order."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from parity.cases.arrays import Array
from parity.cases.case import Case
from tests.support.mistaken.computing import Sizes, computed, mistaken
from tests.support.responses import widened

Order = tuple[int, ...]


def of_the_kernel(case: Case, sizes: Sizes) -> Iterator[Array]:
    for order in itertools.permutations(range(case.rank)):
        yield from mistaken(case, sizes, w=rearranged(widened(case).w, order))


def of_the_arguments(case: Case, sizes: Sizes) -> Iterator[Array]:
    names = ["stride", "dilation", "padding"]
    for order in itertools.permutations(range(case.rank)):
        for count in (1, 2, 3):
            for chosen in itertools.combinations(names, count):
                yield from mistaken(case, sizes, **in_order(case, chosen, order))


def of_kernel_and_arguments(case: Case, sizes: Sizes) -> Iterator[Array]:
    for order in itertools.permutations(range(case.rank)):
        w = rearranged(widened(case).w, order)
        arguments = in_order(case, ("stride", "dilation", "padding"), order)
        yield from mistaken(case, sizes, w=w, **arguments)


def of_the_input(case: Case, sizes: Sizes) -> Iterator[Array]:
    for order in itertools.permutations(range(case.rank)):
        yield from mistaken(case, sizes, x=rearranged(widened(case).x, order))


def of_the_output(case: Case) -> Iterator[Array]:
    for order in itertools.permutations(range(case.rank)):
        yield rearranged(computed(case), order)


def in_order(case: Case, names: tuple[str, ...], order: Order) -> dict[str, Any]:
    return {name: tuple(case.explicit[name][axis] for axis in order) for name in names}


def rearranged(array: Array, order: Order) -> Array:
    return np.ascontiguousarray(np.transpose(array, (0, 1, *(2 + axis for axis in order))))
