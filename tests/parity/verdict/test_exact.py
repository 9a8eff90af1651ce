"""Integers are bit-equal: in every dtype, in every framework, on any number of threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given

import convmm
from parity import Case, run
from parity.cases.arrays import Array, Arrays, numpy_dtype
from parity.cases.case import DTYPES
from parity.cases.op import OPS, Op
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.known.registry import layers_of
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import find_framework
from parity.verdict.reference import make_reference, sums_are_exact
from tests.support.strategies import (
    TRANSPOSES,
    agreeing_cases,
    agrees,
    cases,
    changed,
    examples,
)

torch = pytest.importorskip("torch")

THREADS = (1, 2)
WORTH_THREADS = 2_000_000
"""Floating point operations from which the core takes threads, about."""


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads for the core and for torch."""
    before = torch.get_num_threads()
    convmm.set_threads(count)
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        convmm.set_threads(None)


def outputs(case: Case) -> dict[str, Array]:
    """What the core and torch compute that is the case itself, by label."""
    found = run(case, ["numpy", "torch"])
    assert [(each.label, each.reason) for each in found.results if not each.explained] == []
    computed = {
        each.label: array
        for each, array in zip(found.results, found.arrays, strict=True)
        if each.relation == "identical"
    }
    assert "numpy native" in computed
    assert all(np.array_equal(array, found.reference) for array in computed.values() if array is not None)
    return {label: array for label, array in computed.items() if array is not None}


@st.composite
def large_cases(draw: st.DrawFn) -> Case:
    """Cases of integers that are worth threads; shrinks towards small sizes, stride 1 and no padding."""
    op = draw(st.sampled_from(OPS))
    rank = Op.of(op).rank
    kernel, size = {1: (9, 1400), 2: (3, 36), 3: (2, 13)}[rank]
    groups = draw(st.sampled_from([1, 2]))
    sizes = tuple(size + draw(st.integers(0, 5)) for _ in range(rank))
    return Case(
        op,
        (draw(st.integers(2, 3)), 16, *sizes),
        16,
        kernel,
        stride=draw(st.sampled_from([1, 2])) if op in TRANSPOSES and rank < 3 else 1,
        padding=draw(st.sampled_from([0, 1])),
        groups=groups,
        bias=draw(st.booleans()),
        dtype=draw(st.sampled_from(DTYPES)),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


def work(case: Case) -> int:
    """Floating point operations, without those at padding."""
    places = np.prod(case.input if case.transposed else case.output_shape)
    others = case.filters if case.transposed else case.input[1]
    return int(2 * places * others // case.groups * np.prod(case.kernel))


@examples(25)
@given(large_cases())
def test_integers_are_bit_equal_on_one_thread_and_on_two(case: Case) -> None:
    assert work(case) >= WORTH_THREADS
    found = []
    for count in THREADS:
        with threads(count):
            found.append(outputs(case))
    one, two = found
    assert one.keys() == two.keys()
    for label in one:
        assert one[label].tobytes() == two[label].tobytes()


@examples(60)
@given(agreeing_cases(values=("integers",)), st.sampled_from(THREADS))
def test_small_cases_of_integers_are_bit_equal_too(case: Case, count: int) -> None:
    if 0 in case.output_shape:
        case = changed(case, padding="same", output_padding=None)
        assume(agrees(case))
    with threads(count):
        outputs(case)


@examples(60)
@given(cases(dtypes=("bfloat16",), values=("integers",)))
def test_the_same_integers_give_the_same_sums_in_every_dtype(case: Case) -> None:
    narrow = draw_arrays(case)
    expected = make_reference(case, narrow).y
    for dtype in DTYPES:
        arrays = narrow.each(partial(np.asarray, dtype=numpy_dtype(dtype)))
        own = changed(case, dtype=dtype)
        assert sums_are_exact(own, arrays)
        for framework in ("numpy", "torch"):
            if framework == "numpy" or agrees(own):
                for computed in computed_by(framework, own, arrays):
                    assert computed.dtype == numpy_dtype(dtype)
                    np.testing.assert_array_equal(computed.astype(np.float64), expected)


def computed_by(framework: str, case: Case, arrays: Arrays) -> list[Array]:
    """What each of a framework's layers makes of these arrays that means the case."""
    found = find_framework(framework)
    found.load()
    given = arrays.copies()
    return [
        np.asarray(found.call(spelling.layer.call(), spelling.convert(given.weights), given.x))
        for spelling in layers_of(found, case)
        if isinstance(spelling, Spelling) and spelling.kind != "lookalike" and spelling.refusal is None
    ]


def test_the_number_of_threads_is_restored() -> None:
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == convmm.get_threads() == before + 1
    assert torch.get_num_threads() == before
