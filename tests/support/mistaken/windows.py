"""Another window, and a kernel that is flipped."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from parity.cases.arrays import Array
from parity.cases.case import Case
from tests.support.mistaken.computing import computed
from tests.support.responses import reach, response, widened


def another_window(case: Case) -> Iterator[Array]:
    return windows_of(case, widened(case).w)


def flipped(case: Case) -> Iterator[Array]:
    for w in flips(case):
        yield computed(case, w=w)


def windows_by_flipped_kernels(case: Case) -> Iterator[Array]:
    for w in flips(case):
        yield from windows_of(case, w)


def windows_of(case: Case, w: Array) -> Iterator[Array]:
    around = response(case, reach(case), widened(case)._replace(w=w))
    near = [range(-r, r + 1) for r in reach(case)]
    for offset in sorted(itertools.product(*near), key=lambda offset: sum(map(abs, offset))):
        yield around.cut(offset, case.output_shape[2:])


def flips(case: Case) -> Iterator[Array]:
    axes = range(2, 2 + case.rank)
    for count in range(1, case.rank + 1):
        for chosen in itertools.combinations(axes, count):
            yield np.flip(widened(case).w, chosen)
