"""The precision that a user declares of a function: kept by what computes in it, and by nothing narrower."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given

from parity import Case, run
from parity.cases.arrays import Array, numpy_dtype
from parity.cases.case import DTYPES
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.modes import MODES
from parity.frameworks.table import FrameworkError
from parity.records.result import Result
from parity.verdict.bounds import error_ratio
from parity.verdict.formats import ROUNDINGS
from parity.verdict.reference import make_reference
from tests.support.coincidences import right
from tests.support.faults import Wrong, in_operands, in_wider, summed, through, truncated
from tests.support.strategies import cases, changed, examples

HALF = ("float16", "bfloat16")
REAL = ("normal", "wide")
SMALL = Case("conv2d", (2, 2, 7, 6), 4, (2, 3), padding=1, bias=True, values="normal")


def judged(case: Case, function: Callable[..., Any], mode: str | None) -> Result:
    (result,) = run(case, [], impl=function, mode=mode).results
    return result


def bias_apart(right: Callable[..., Array]) -> Callable[..., Array]:
    """The bias is added in the narrow type."""

    def called(x: Array, w: Array, bias: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
        return np.asarray(right(x, w, **arguments) + bias.reshape(-1, *[1] * (x.ndim - 2)))

    return called


# What keeps a mode


@pytest.mark.parametrize("mode", [None, *MODES])
@examples(40)
@given(cases(values=REAL))
def test_the_core_keeps_every_mode(mode: str | None, case: Case) -> None:
    result = judged(case, right, mode)
    assert result.explained
    assert result.relation in {"identical", "empty", "no verdict"}
    assert result.relation != "no verdict" or (mode in {None, "any-sums"} and case.dtype in HALF)


@examples(60)
@given(cases(values=REAL), st.floats(0, 2**-7))
def test_each_mode_allows_what_the_stricter_ones_do(case: Case, error: float) -> None:
    reference = make_reference(case, draw_arrays(case))
    result = (reference.y * (1 + error)).astype(numpy_dtype(case.dtype))
    ratios = {name: error_ratio(result, reference, mode(case.dtype)) for name, mode in MODES.items()}
    strict = ratios["float32-sums"]
    assert strict is not None
    assert all(ratio is None or ratio <= strict for ratio in ratios.values())
    assert all(ratio is not None for name, ratio in ratios.items() if name != "any-sums")


# What does not

BY_TAP = "float32-sums-by-tap"
AS_GIVEN: Wrong = in_operands(lambda array: array)

COMPUTED: dict[str, tuple[Wrong, tuple[str, ...], set[str], str]] = {
    "sums in float32": (AS_GIVEN, DTYPES, set(MODES), ""),
    "operands in TF32": (
        in_operands(lambda array: ROUNDINGS["TF32"](array).astype(array.dtype)),
        ("float32",),
        {"tf32", "bfloat16"},
        "operands are rounded to TF32",
    ),
    "operands in bfloat16": (
        in_operands(through(ml_dtypes.bfloat16)),
        ("float32",),
        {"bfloat16"},
        "operands are rounded to bfloat16",
    ),
    "sums in the half type": (
        summed(lambda array: array),
        HALF,
        {"any-sums", BY_TAP},
        "sums in any precision",
    ),
    "bias apart": (
        bias_apart,
        HALF,
        {"any-sums", "float32-sums-then-bias", BY_TAP},
        "within the bound of {dtype}, sums in float32, bias added after rounding",
    ),
    "float16 in bfloat16 operands": (
        in_operands(through(ml_dtypes.bfloat16)),
        ("float16",),
        set(),
        "operands are rounded to bfloat16",
    ),
    "bfloat16 cut off": (
        in_wider(np.float32, truncated(8)),
        ("bfloat16",),
        {"any-sums", BY_TAP},
        "sums in float32, cut off instead of rounded",
    ),
    "float16 cut off": (
        in_wider(np.float32, truncated(11)),
        ("float16",),
        {"any-sums", BY_TAP},
        "sums in float32, cut off instead of rounded",
    ),
}
EACH = [
    (name, dtype, mode) for name, (_, dtypes, *_) in COMPUTED.items() for dtype in dtypes for mode in MODES
]


@pytest.mark.parametrize(("name", "dtype", "mode"), EACH)
def test_a_function_found_in_another_mode_than_declared_is_unexplained(
    name: str, dtype: str, mode: str
) -> None:
    wrong, _, kept, says = COMPUTED[name]
    result = judged(changed(SMALL, dtype=dtype), wrong(right), mode)
    assert result.explained == (mode.removesuffix("+flush") in kept), result.reason
    if not result.explained:
        assert result.relation == "numeric"
        assert says.format(dtype=dtype) in str(result.reason)


@pytest.mark.parametrize("dtype", HALF)
def test_a_half_types_own_numbers_are_no_finding(dtype: str) -> None:
    result = judged(changed(SMALL, dtype=dtype), summed(lambda array: array)(right), "float32-sums")
    assert "result is rounded to" not in str(result.reason)


def test_a_declared_mode_gives_a_verdict_where_any_has_none() -> None:
    case = Case("conv2d", (1, 64, 6, 6), 4, 3, values="normal", dtype="bfloat16")
    assert judged(case, right, None).relation == "no verdict"
    assert judged(case, right, "float32-sums").relation == "identical"
    wrong = judged(case, in_wider(np.float32, truncated(8))(right), "float32-sums")
    assert (wrong.relation, wrong.explained) == ("numeric", False)


def test_integers_have_to_be_exact_in_every_mode() -> None:
    case = changed(SMALL, values="integers")
    for mode in MODES:
        assert judged(case, right, mode).exact
        assert not judged(case, lambda *a, **k: right(*a, **k) * np.float32(1 + 2**-20), mode).explained


# How it is declared


@pytest.mark.parametrize("name", ["", "float32", "TF32"])
def test_an_unknown_mode_is_an_error_that_names_the_known_ones(name: str) -> None:
    with pytest.raises(FrameworkError, match=f"mode={name!r}: allowed are any-sums, float32-sums, .*tf32"):
        run(SMALL, [], impl=right, mode=name)


@pytest.mark.parametrize("name", ["tf32", "nosuch"])
def test_a_mode_of_no_function_is_an_error(name: str) -> None:
    with pytest.raises(FrameworkError, match=f"mode={name!r} without impl"):
        run(SMALL, ["numpy"], mode=name)
