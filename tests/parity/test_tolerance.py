"""The bound on rounding errors: kept by what computes as it should, and exceeded by what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given

import convmm
from parity import Case, run
from parity.diagnosis.rounding import ROUNDINGS
from parity.record import Result
from parity.reference import make_reference
from parity.relation import observe
from parity.tolerance import accumulated_in_float32, accumulator_unknown, error_ratio
from parity.values import Array, draw_arrays, numpy_dtype
from tests.parity.strategies import cases, examples, runnable_cases

LONG = Case("conv2d", (2, 32, 9, 9), 8, 3, padding=1, values="normal", bias=True)
FINITE = ("normal", "wide")
REAL = (*FINITE, "special")
HALF = ("float16", "bfloat16")


def result_of(case: Case, wrong: Callable[..., Any]) -> Result:
    return run(case, [], impl=wrong).results[-1]


@examples(120)
@given(cases(dtypes=("float16", "bfloat16", "float32", "float64"), values=REAL))
def test_the_core_keeps_its_bound(case: Case) -> None:
    (result,) = run(case, ["numpy"]).results
    assert result.relation in {"identical", "empty"}
    assert result.explained
    assert result.bound_ratio is None or result.bound_ratio <= 1


@examples(60)
@given(
    runnable_cases(dtypes=("float32", "float64"), values=REAL) | runnable_cases(dtypes=HALF, values=FINITE)
)
def test_torch_keeps_its_bound_in_every_spelling(case: Case) -> None:
    assert [r for r in run(case, ["torch"]).results if not r.explained] == []


@examples(40)
@given(runnable_cases(dtypes=("float32",), values=REAL) | runnable_cases(dtypes=HALF, values=FINITE))
def test_keras_keeps_its_bound_in_every_spelling(case: Case) -> None:
    assert [r for r in run(case, ["keras"]).results if not r.explained] == []


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_half_types_keep_the_bound_of_sums_in_float32(framework: str, dtype: str) -> None:
    case = Case("conv2d", (2, 32, 9, 9), 8, 3, padding="same", values="normal", bias=True, dtype=dtype)
    (result,) = (r for r in run(case, [framework]).results if r.spelling == "native")
    assert (result.relation, result.explained) == ("identical", True)
    assert 0.1 < (result.bound_ratio or 0) <= 1


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("dilation", [1, 2])
def test_transposed_half_types_keep_the_bound_of_each_taps_sum_in_float32(dilation: int, dtype: str) -> None:
    """Of 64 channels, whose sums in the half type itself no bound could say anything of."""
    case = Case(
        "conv_transpose2d", (2, 64, 5, 5), 8, 3, dilation=dilation, values="wide", bias=True, dtype=dtype
    )
    (result,) = (r for r in run(case, ["torch"]).results if r.spelling == "native")
    assert (result.relation, result.explained) == ("identical", True)
    assert 0.01 < (result.bound_ratio or 0) <= 1


def narrowed(dtype: Any) -> Callable[..., Array]:  # noqa: ANN401 - what NumPy takes for a dtype
    """The core, its operands rounded to another dtype."""

    def computed(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401
        narrow_x, narrow_w = (a.astype(dtype).astype(x.dtype) for a in (x, w))
        return np.asarray(convmm.conv(narrow_x, narrow_w, bias, **arguments))

    return computed


@pytest.mark.parametrize(
    ("dtype", "named"),
    [(ml_dtypes.bfloat16, "bfloat16"), (np.float16, "float16")],
    ids=["bfloat16", "float16"],
)
def test_operands_in_a_narrower_format_exceed_the_bound_and_are_named(dtype: Any, named: str) -> None:  # noqa: ANN401
    result = result_of(LONG, narrowed(dtype))
    assert (result.relation, result.explained) == ("numeric", False)
    assert (result.bound_ratio or 0) > 1
    assert named in (result.reason or "")


def test_sums_in_float16_exceed_the_bound() -> None:
    def narrow_sums(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401
        del bias
        total = np.zeros(convmm.conv(x, w, **arguments).shape, np.float16)
        for channel in range(x.shape[1]):
            one = slice(channel, channel + 1)
            total += convmm.conv(x[:, one], w[:, one], **arguments).astype(np.float16)
        return total.astype(x.dtype)

    result = result_of(Case("conv2d", (1, 64, 6, 6), 4, 3, values="normal"), narrow_sums)
    assert (result.relation, result.explained) == ("numeric", False)


def test_a_number_beyond_a_narrower_format_is_no_warning() -> None:
    case = Case("conv1d", (1, 64, 9), 2, 3, padding="same", dtype="float64", values="wide")
    reference = make_reference(case, draw_arrays(case))
    assert np.abs(reference.y).max() > np.finfo(np.float16).max
    assert observe(reference.y * (1 + 1e-12), reference).relation == "numeric"


def test_a_nan_that_stands_alone_is_no_rounding() -> None:
    case = Case("conv1d", (1, 1, 9), 1, 2, values="normal")
    reference = make_reference(case, draw_arrays(case))
    result = ROUNDINGS["float16"](reference.y).astype(np.float32)
    assert "result is rounded to float16" in str(observe(result, reference).message)
    result[0, 0, 3] = np.nan
    assert "rounded" not in str(observe(result, reference).message)


def test_a_sum_beyond_the_own_format_is_no_warning() -> None:
    case = Case("conv1d", (1, 1, 300), 1, 40, dtype="float16", values="arange")
    reference = make_reference(case, draw_arrays(case))
    with np.errstate(over="ignore"):
        result = reference.y.astype(np.float16)
    assert np.isinf(result).any()
    assert observe(result, reference).relation == "identical"
    result[0, 0, 0] *= 1 + 2**-9
    assert observe(result, reference).relation != "identical"


@examples(60)
@given(cases(dtypes=("float32",), values=("normal",)), st.integers(0, 2**16))
def test_one_wrong_value_exceeds_the_bound(case: Case, place: int) -> None:
    reference = make_reference(case, draw_arrays(case))
    if reference.y.size:
        spoilt = reference.y.astype(np.float32)
        spoilt.flat[place % spoilt.size] += np.float32(1e-3 + 1e-3 * abs(spoilt.flat[place % spoilt.size]))
        assert observe(spoilt, reference).relation != "identical"


@pytest.mark.parametrize("dtype", HALF)
def test_where_the_bound_says_nothing_there_is_no_verdict_and_no_pass(dtype: str) -> None:
    def mine(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401
        return np.asarray(convmm.conv(x, w, bias, **arguments))

    case = Case("conv2d", (1, 64, 6, 6), 4, 3, values="normal", dtype=dtype)
    found = run(case, [], impl=mine)
    assert (found.results[-1].relation, found.verdict) == ("no verdict", "explained")
    assert "the bound on the error says nothing" in (found.results[-1].reason or "")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_the_bound_grows_with_what_is_unknown(dtype: str) -> None:
    case = Case("conv1d", (1, 2, 9), 2, 3, values="normal", dtype=dtype, bias=True)
    reference = make_reference(case, draw_arrays(case))
    result = reference.y.astype(numpy_dtype(dtype))
    known = error_ratio(result, reference, accumulated_in_float32(dtype))
    unknown = error_ratio(result, reference, accumulator_unknown(dtype))
    assert known is not None
    assert unknown is not None
    assert unknown <= known <= 1


@pytest.mark.parametrize("spoilt", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_beyond_every_bound(spoilt: float) -> None:
    def wild(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401
        y = np.array(convmm.conv(x, w, bias, **arguments))
        y[0, 0, 0, 0] = spoilt
        return y

    result = result_of(LONG, wild)
    assert not result.explained
    assert result.bound_ratio is None


def test_a_finite_value_in_place_of_a_nan_is_beyond_every_bound() -> None:
    def tame(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401
        y: Array = np.nan_to_num(convmm.conv(x, w, bias, **arguments), posinf=1, neginf=1)
        return y

    case = Case("conv2d", (1, 2, 6, 6), 2, 3, values="special")
    assert not np.isfinite(make_reference(case, draw_arrays(case)).y).all()
    assert not result_of(case, tame).explained


def test_an_infinity_in_a_hole_of_the_kernel_is_left_open() -> None:
    def multiplies_the_holes(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401
        stuffed = np.zeros((*w.shape[:2], 5), w.dtype)
        stuffed[..., ::2] = w
        return np.asarray(convmm.conv(x, stuffed, bias, **{**arguments, "dilation": (1,)}))

    case = Case("conv1d", (1, 1, 40), 1, 3, dilation=2, values="special")
    holes = result_of(case, multiplies_the_holes)
    assert (holes.relation, holes.explained) == ("identical", True)
    assert not holes.exact


@pytest.mark.parametrize("values", ["wide", "special"])
def test_the_values_are_what_their_name_says(values: str) -> None:
    x, w, _ = draw_arrays(Case("conv1d", (4, 8, 99), 8, 9, values=values))
    assert np.isfinite(w).all()
    if values == "wide":
        magnitudes = np.log10(np.abs(x))
        assert magnitudes.max() - magnitudes.min() > 7
        assert {-1.0, 1.0} == set(np.sign(x).ravel().tolist())
    else:
        assert np.isnan(x).any()
        assert np.isinf(x).any()
        assert ((x != 0) & (np.abs(x) < np.finfo(np.float32).tiny)).any()
        assert (np.signbit(x) & (x == 0)).any()
