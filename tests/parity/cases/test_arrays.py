from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace
from typing import Any, NamedTuple

import hypothesis.strategies as st
import ml_dtypes
import numpy as np
import psutil
import pytest
from hypothesis import given

from parity import Case, CaseError, run
from parity.cases.arrays import SIGNIFICAND_BITS, Array, Arrays, numpy_dtype
from parity.cases.case import DTYPES
from parity.cases.memory import check_memory
from parity.cases.op import OPS, Op
from parity.cases.values.drawing import draw_arrays
from parity.verdict.reference import sums_are_exact
from tests.support.strategies import cases, changed, examples

seeds = st.integers(0, 2**32 - 1)


@st.composite
def cases_of_many_terms(draw: st.DrawFn) -> Case:
    """Cases in half types whose outputs have more terms than even ones and minus ones could be summed of."""
    dtype, most = draw(st.sampled_from([("bfloat16", 2**8), ("float16", 2**11)]))
    op, kernel, groups = draw(st.sampled_from(OPS)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    rank = Op.of(op).rank
    taps = kernel**rank
    channels = groups * draw(st.integers(most // taps, 2 * most // taps))
    filters = groups * draw(st.integers(1, 3))
    return Case(
        op,
        (1, channels, *[2] * rank),
        filters,
        kernel,
        groups=groups,
        bias=draw(st.booleans()),
        dtype=dtype,
        seed=draw(seeds),
    )


def kernel_by_output_channel(case: Case, w: Array) -> list[list[float]]:
    """The magnitudes of all kernel elements that any output of each output channel may be a sum over."""
    each = case.filters // case.groups
    if not case.transposed:
        return [np.abs(w[o].astype(np.float64)).ravel().tolist() for o in range(case.filters)]
    channels = case.input[1] // case.groups
    groups = [w[g * channels : (g + 1) * channels].astype(np.float64) for g in range(case.groups)]
    return [np.abs(groups[o // each][:, o % each]).ravel().tolist() for o in range(case.filters)]


def most_any_sum_can_be(case: Case, arrays: Arrays) -> float:
    """At least the largest sum of magnitudes; it needs no geometry, as it takes the largest input for all."""
    largest = float(np.abs(arrays.x.astype(np.float64)).max())
    bias = np.zeros(case.filters) if arrays.bias is None else np.abs(arrays.bias.astype(np.float64))
    sums = [math.fsum(taps) for taps in kernel_by_output_channel(case, arrays.w)]
    return float(max(largest * np.array(sums) + bias))


@examples(200)
@given(cases(values=("integers",)) | cases_of_many_terms())
def test_every_partial_sum_of_integers_is_exact_in_the_dtype(case: Case) -> None:
    arrays = draw_arrays(case)
    assert most_any_sum_can_be(case, arrays) <= 2 ** SIGNIFICAND_BITS[case.dtype]
    assert sums_are_exact(case, arrays)


@examples(200)
@given(cases(values=("integers",)) | cases_of_many_terms())
def test_integers_survive_a_downcast_to_bfloat16(case: Case) -> None:
    for array in draw_arrays(case):
        if array is not None:
            wide = array.astype(np.float64)
            np.testing.assert_array_equal(wide, np.rint(wide))
            np.testing.assert_array_equal(wide.astype(ml_dtypes.bfloat16).astype(np.float64), wide)


@examples(200)
@given(cases(values=("integers", "normal")) | cases_of_many_terms())
def test_no_output_channel_and_no_input_is_multiplied_by_zeros_alone(case: Case) -> None:
    arrays = draw_arrays(case)
    assert np.all(arrays.x.astype(np.float64) != 0)
    assert arrays.bias is None or np.all(arrays.bias.astype(np.float64) != 0)
    assert all(any(taps) for taps in kernel_by_output_channel(case, arrays.w))


@examples(30)
@given(cases_of_many_terms())
def test_with_many_terms_an_output_sums_as_many_as_stay_exact(case: Case) -> None:
    taps = kernel_by_output_channel(case, draw_arrays(case).w)
    budget = 2 ** SIGNIFICAND_BITS[case.dtype]
    assert {sum(each) for each in taps} == {min(budget - 1, len(taps[0]))}


@examples(50)
@given(cases(values=("integers", "normal")))
def test_arrays_are_a_function_of_the_case(case: Case) -> None:
    once, again = draw_arrays(case), draw_arrays(case)
    for a, b in zip(once, again, strict=True):
        if a is None or b is None:
            assert a is b
        else:
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("values", ["integers", "normal"])
@pytest.mark.parametrize(
    "change",
    [
        {"filters": 8},
        {"stride": 2, "output_padding": 1},
        {"padding": "same"},
        {"padding": 1},
        {"bias": True},
        {"dilation": 2},
    ],
    ids=str,
)
@examples(20)
@given(seed=seeds)
def test_the_input_stays_as_it_is_where_other_arguments_change(
    values: str, change: dict[str, Any], seed: int
) -> None:
    case = Case("conv_transpose2d", (2, 4, 5, 5), 4, 3, values=values, seed=seed)
    np.testing.assert_array_equal(draw_arrays(changed(case, **change)).x, draw_arrays(case).x)


@pytest.mark.parametrize("values", ["integers", "normal"])
def test_the_three_arrays_are_not_the_same_numbers_again(values: str) -> None:
    x, w, bias = draw_arrays(Case("conv1d", (8, 8, 8), 8, 8, bias=True, values=values))
    assert bias is not None
    assert len({x.ravel()[:8].tobytes(), w.ravel()[:8].tobytes(), bias.tobytes()}) == 3


@examples(20)
@given(seeds, seeds)
def test_other_seeds_give_other_arrays(one: int, other: int) -> None:
    case = Case("conv2d", (2, 4, 9, 9), 4, 3)
    first, second = (draw_arrays(replace(case, seed=seed)) for seed in (one, other))
    assert np.array_equal(first.x, second.x) == (one == other)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("values", ["integers", "normal", "arange"])
def test_all_arrays_have_the_dtype_of_the_case(dtype: str, values: str) -> None:
    arrays = draw_arrays(Case("conv1d", (1, 2, 5), 3, 2, bias=True, dtype=dtype, values=values))
    assert [array.dtype.name for array in arrays if array is not None] == [dtype] * 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_dtype_has_the_significand_that_it_is_counted_with(dtype: str) -> None:
    largest = 2 ** SIGNIFICAND_BITS[dtype]
    stored = [int(numpy_dtype(dtype).type(value)) for value in (largest, largest + 1)]
    assert stored[0] == largest
    assert stored[1] != largest + 1


def test_arange_counts_up_in_each_array() -> None:
    x, w, bias = draw_arrays(Case("conv_transpose2d", (1, 2, 2, 3), 4, (1, 2), bias=True, values="arange"))
    np.testing.assert_array_equal(x, np.arange(12).reshape(1, 2, 2, 3))
    np.testing.assert_array_equal(w, np.arange(16).reshape(2, 4, 1, 2))
    np.testing.assert_array_equal(bias, np.arange(4))


def test_arange_ends_at_the_largest_number_of_the_dtype() -> None:
    with pytest.raises(CaseError, match=r"values='arange' .* \(1, 1, 70000\): .* 65505 elements.*float16"):
        draw_arrays(Case("conv1d", (1, 1, 70000), 1, 3, dtype="float16", values="arange"))


@pytest.mark.parametrize("op", ["conv1d", "conv_transpose1d"])
def test_normal_and_large_arange_values_are_not_taken_for_exact(op: str) -> None:
    normal = Case(op, (1, 1, 9), 1, 3, values="normal")
    assert not sums_are_exact(normal, draw_arrays(normal))
    large = Case(op, (1, 1, 1 << 12), 1, 1 << 11, values="arange")
    assert not sums_are_exact(large, draw_arrays(large))


def test_one_bias_too_large_is_not_taken_for_exact() -> None:
    case = Case("conv1d", (1, 1, 1), 1, 1, bias=True, dtype="bfloat16")
    ones = np.ones((1, 1, 1), np.float64)
    assert sums_are_exact(case, Arrays(ones, ones, np.array([255.0])))
    assert not sums_are_exact(case, Arrays(ones, ones, np.array([256.0])))


def test_copies_share_nothing_with_the_arrays() -> None:
    arrays = draw_arrays(Case("conv1d", (1, 2, 5), 3, 2, bias=True))
    for original, copy in zip(arrays, arrays.copies(), strict=True):
        assert original is not None
        assert copy is not None
        assert not np.shares_memory(original, copy)
        np.testing.assert_array_equal(original, copy)


GIANTS = {
    "input": Case("conv2d", (1, 1, 10**7, 10**7), 1, 1, dtype="float16"),
    "kernel": Case("conv_transpose1d", (1, 10**7, 1), 10**7, 1),
    "output": Case("conv_transpose3d", (1, 1, 2, 2, 2), 1, 1, stride=10**5),
    "columns": Case("conv2d", (1, 1, 4000, 4000), 1, 2000),
}


@pytest.mark.parametrize("giant", GIANTS)
@pytest.mark.parametrize("values", ["integers", "normal", "arange"])
def test_a_case_too_large_for_memory_is_refused_before_anything_is_allocated(giant: str, values: str) -> None:
    case = replace(GIANTS[giant], values=values)
    tracemalloc.start()
    try:
        with pytest.raises(CaseError, match=r"needs about .* GiB of memory: allowed is what is free, .* GiB"):
            run(case, ["numpy"])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


class Memory(NamedTuple):
    available: int


def test_the_memory_that_is_free_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("conv1d", (1, 1, 10**6), 1, 3)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(1 << 30))
    check_memory(case)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(1 << 23))
    with pytest.raises(CaseError, match=r"input=\(1, 1, 1000000\) with filters=1 and kernel=\(3,\) needs"):
        check_memory(case)
