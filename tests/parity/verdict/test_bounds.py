"""The bound on rounding errors: kept by what computes as it should, and exceeded by what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given

import convmm
from parity import Case, run
from parity.cases.arrays import Array, Arrays, numpy_dtype
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.precision import (
    BFLOAT16,
    TF32,
    Mode,
    accumulated_by_tap,
    accumulated_in_float32,
    accumulator_unknown,
    flushing,
    ladder,
    products_rounded,
)
from parity.records.result import Result
from parity.verdict.bounds import error_ratio, keeps, narrower_precision
from parity.verdict.formats import ROUNDINGS
from parity.verdict.observation import observe
from parity.verdict.reference import Reference, make_reference
from tests.support import naive
from tests.support.definition import SMALLEST, bounds, errors, output, taps, terms
from tests.support.strategies import cases, changed, examples, other_windows

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
@given(cases(dtypes=("float32", "float64"), values=REAL) | cases(dtypes=HALF, values=FINITE))
def test_torch_keeps_its_bound_in_every_spelling(case: Case) -> None:
    assert [r for r in run(case, ["torch"]).results if not r.explained] == []


@examples(40)
@given(cases(dtypes=("float32",), values=REAL) | cases(dtypes=HALF, values=FINITE))
def test_keras_keeps_its_bound_in_every_spelling(case: Case) -> None:
    assert [r for r in run(case, ["keras"]).results if not r.explained] == []


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_half_types_keep_the_bound_of_sums_in_float32(framework: str, dtype: str) -> None:
    case = Case("conv2d", (2, 32, 9, 9), 8, 3, padding="same", values="normal", bias=True, dtype=dtype)
    (result,) = (r for r in run(case, [framework]).results if r.spelling == "native")
    if result.divergence:  # known not to compute it here
        return
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


# The bound itself

UNDERFLOW = {"float16": 2.0**-9, "bfloat16": 2.0**-110, "float32": 2.0**-110, "float64": 2.0**-1000}
"""Of numbers as small as this, each dtype loses more to its smallest normal one than to rounding."""


def modes(dtype: str) -> st.SearchStrategy[Mode]:
    """Every mode that a result of this dtype is judged by, or named by."""
    own = (accumulated_in_float32(dtype), accumulator_unknown(dtype))
    known = [*own, *(mode for step in ladder(dtype) for mode in step), TF32, BFLOAT16]
    return st.sampled_from([*known, *map(flushing, known)])


def scaled_arrays(case: Case, factor: float) -> Arrays:
    """The case's arrays, the input and the bias so much smaller."""
    x, w, bias = draw_arrays(case).widened()
    small = Arrays(x * factor, w, None if bias is None else bias * factor)
    return small.each(lambda array: array.astype(numpy_dtype(case.dtype)))


@examples(300)
@given(st.data(), cases(values=("normal", "wide")), st.integers(0, 2**16), st.floats(-3, 3))
def test_the_error_over_its_bound_is_what_the_definition_says(
    data: st.DataObject, case: Case, place: int, factor: float
) -> None:
    mode = data.draw(modes(case.dtype))
    scales = [1.0]
    if mode.flushes or case.dtype != "float64":  # of which the reference loses as much as is allowed
        scales += [UNDERFLOW[case.dtype], SMALLEST[case.dtype]]
    arrays = scaled_arrays(case, data.draw(st.sampled_from(scales)))
    windows = other_windows(case)
    meaning = data.draw(windows if 0 in case.output_shape else st.just(case) | windows)
    wide, reference = arrays.widened(), make_reference(case, arrays)
    exact, bound = output(meaning, wide), bounds(meaning, wide, mode)
    result = exact.astype(float)
    at = np.unravel_index(place % result.size, result.shape)
    result[at] += factor * float(bound[at])
    found = error_ratio(result, reference, mode, meaning.geometry)
    assert keeps(result, reference, mode, meaning.geometry) == (found is not None and found <= 1)
    if (terms(meaning, wide) * mode.accumulator + taps(meaning, wide) * mode.taps).max() > 0.1:
        assert found is None
    else:
        ratio = (errors(meaning, wide, result, mode) / bound).max()
        near = 1e-4 if case.dtype == "float64" else 1e-6  # of the smallest the rests are subnormal
        assert found == pytest.approx(float(ratio), rel=near, abs=1e-8)


@pytest.mark.parametrize(("dtype", "sums"), [("float32", 2**-24), ("float64", 2**-53)])
def test_wide_types_are_summed_up_in_themselves(dtype: str, sums: float) -> None:
    own = Mode(dtype, 0, sums, 0)
    assert accumulated_in_float32(dtype) == accumulated_in_float32(dtype, bias_apart=True) == own
    assert accumulated_by_tap(dtype) == accumulator_unknown(dtype) == own


@pytest.mark.parametrize(("dtype", "unit"), [("float16", 2**-11), ("bfloat16", 2**-8)])
def test_half_types_are_rounded_in_one_of_five_ways(dtype: str, unit: float) -> None:
    in_float32 = f"{dtype}, sums in float32"
    apart = Mode(f"{in_float32}, bias added after rounding", 0, 2**-24, unit, bias_apart=True)
    cut = Mode(f"{in_float32}, cut off instead of rounded", 0, 2**-24, 2 * unit)
    by_tap = Mode(f"{dtype}, sums of each tap in float32", 0, 2**-24, unit, bias_apart=True, taps=unit)
    unknown = Mode(f"{dtype}, sums in any precision", 0, unit, unit, bias_apart=True)
    assert accumulated_in_float32(dtype) == Mode(in_float32, 0, 2**-24, unit)
    assert accumulated_in_float32(dtype, bias_apart=True) == apart
    assert accumulated_by_tap(dtype) == by_tap
    assert accumulator_unknown(dtype) == unknown
    assert ladder(dtype) == ((apart, cut), (by_tap, unknown))


def test_wide_types_may_be_computed_in_narrower_formats() -> None:
    float32, tf32 = Mode("float32", 2**-23, 2**-24, 0), Mode("TF32", 2**-9, 2**-23, 0)
    bfloat16, float16 = Mode("bfloat16", 2**-7, 2**-24, 2**-8), Mode("float16 sums", 2**-10, 2**-11, 2**-11)
    assert ladder("float64") == ((float32,), (tf32,), (bfloat16,), (float16,))
    assert ladder("float32") == ((tf32,), (bfloat16,), (float16,))


def one_tap(dtype: str, *products: tuple[float, float]) -> Reference:
    """A single output: the sum of these products of an input and a weight."""
    case = Case("conv1d", (1, 1, len(products)), 1, len(products), dtype=dtype, values="normal")
    x, w = np.array(products).T.reshape(2, 1, 1, -1)
    return replace(make_reference(case, Arrays(x, w, None)), exact=False)


def of_one(value: float) -> Array:
    return np.full((1, 1, 1), value)


def test_a_result_at_its_bound_keeps_it() -> None:
    own = accumulated_in_float32("float32")
    for mode, most in ((own, 2.0**-149), (flushing(own), 2.0**-126)):
        reference = one_tap("float32", (0.0, 1.5))
        assert error_ratio(of_one(most), reference, mode) == 1
        assert keeps(of_one(most), reference, mode)
        assert observe(of_one(most), reference, mode).relation == "identical"
        assert not keeps(of_one(np.nextafter(most, 1)), reference, mode)


def test_what_flushes_takes_subnormal_operands_for_zeros_or_for_what_they_are() -> None:
    mode = flushing(accumulated_in_float32("float32"))
    tiny = 2.0**-126 - 2.0**-149
    reference = one_tap("float32", (tiny, 1e38), (1.0, 1e-3), (2.0**-100, -tiny * 2.0**100))
    lost = tiny * 1e38
    for found, kept in [(1e-3, True), (1e-3 + lost, True), (1e-3 - lost, False), (1e-3 + lost / 2, False)]:
        assert keeps(of_one(found), reference, mode) == kept
        assert keeps(of_one(found), reference, accumulated_in_float32("float32")) == (found > 1e-3 + lost / 2)
    normal = one_tap("float32", (2.0**-126, 1e38))
    assert keeps(normal.y, normal, mode)
    assert not keeps(of_one(0), normal, mode)


@pytest.mark.parametrize(("dtype", "most"), [("bfloat16", 25), ("float16", 204)])
def test_a_bound_speaks_up_to_a_tenth_of_what_is_summed(dtype: str, most: int) -> None:
    for count, speaks in [(most, True), (most + 1, False)]:
        reference = one_tap(dtype, *[(1.0, 1.5)] * count)
        ratio = error_ratio(reference.y, reference, accumulator_unknown(dtype))
        assert (ratio is not None) == speaks


def test_no_element_has_no_error() -> None:
    case = Case("conv_transpose1d", (1, 1, 2), 1, 2, padding=((1, 2),), values="normal")
    reference = make_reference(case, draw_arrays(case))
    assert error_ratio(reference.y, reference, accumulated_in_float32("float32")) == 0


@pytest.mark.parametrize("spoilt", [np.nan, np.inf, -np.inf])
def test_an_error_that_is_not_finite_is_infinite(spoilt: float) -> None:
    reference = one_tap("float32", (1.0, 1.5))
    assert error_ratio(of_one(spoilt), reference, accumulated_in_float32("float32")) == np.inf


@pytest.mark.parametrize(("due", "found"), [(1.7e308, -1.7e308), (0.0, 1e300)])
def test_an_error_beyond_the_largest_number_is_infinite_and_no_warning(due: float, found: float) -> None:
    reference, own = one_tap("float64", (due, 1.0)), accumulated_in_float32("float64")
    assert error_ratio(of_one(found), reference, own) == np.inf


@pytest.mark.parametrize(
    ("due", "found", "kept"),
    [
        (65504.0, np.inf, True),  # rounding may bring what is just below the end over it
        (65400.0, np.inf, False),
        (70000.0, np.inf, True),
        (70000.0, -np.inf, False),
        (-70000.0, -np.inf, True),
        (70000.0, 65504.0, False),
    ],
)
def test_only_what_may_pass_the_largest_number_may_be_infinite(
    due: float, found: float, *, kept: bool
) -> None:
    reference = one_tap("float16", (due, 1.0))
    assert (error_ratio(of_one(found), reference, accumulated_in_float32("float16")) == 0) == kept
    assert keeps(of_one(found), reference, accumulated_in_float32("float16")) == kept


@pytest.mark.parametrize(
    ("products", "found", "kept"),
    [
        ([(200.0, 200.0)] * 2, np.inf, True),  # the sum alone is too large
        ([(200.0, 200.0)] * 2, np.nan, False),
        ([(200.0, 200.0), (-200.0, 200.0)] * 2, np.inf, False),
        ([(300.0, 300.0), (-300.0, 300.0)], np.nan, True),  # each product is
        ([(300.0, 300.0), (-300.0, 300.0)], -np.inf, True),
    ],
)
def test_where_products_alone_are_rounded_no_sum_of_them_overflows_within(
    products: list[tuple[float, float]], found: float, *, kept: bool
) -> None:
    reference = one_tap("float16", *products)
    assert keeps(of_one(found), reference, products_rounded("float16")) == kept
    for mode in (accumulator_unknown("float16"), accumulated_by_tap("float16")):
        assert keeps(of_one(found), reference, mode)


@st.composite
def dilated_cases(draw: st.DrawFn) -> Case:
    """Real cases of one channel with an output; shrinks towards no dilation."""
    case = changed(draw(cases(dtypes=("float32",), values=("normal",))), groups=1, filters=1, bias=False)
    case = changed(case, input=(1, 1, *case.input[2:]))
    return changed(case, padding="same", output_padding=None) if 0 in case.output_shape else case


def met(case: Case, at: tuple[int, ...], **arguments: Any) -> Array:  # noqa: ANN401 - kernel and dilation
    """Where taps meet one element of the input, by the definition."""
    one = np.zeros(case.input)
    one[(0, 0, *at)] = 1
    kernel = arguments.pop("kernel", case.kernel)
    function = naive.conv_transpose if case.transposed else naive.conv
    return np.asarray(function(one, np.ones((1, 1, *kernel)), **{**case.explicit, **arguments}) != 0)


@examples(200)
@given(st.data(), dilated_cases(), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_only_elements_with_a_wild_input_in_a_hole_are_left_open(
    data: st.DataObject, case: Case, wild: float
) -> None:
    at = tuple(data.draw(st.integers(0, size - 1)) for size in case.input[2:])
    extents = tuple(axis.extent for axis in case.geometry.axes)
    spanned = met(case, at, kernel=extents, dilation=(1,) * case.rank)
    in_a_hole = spanned & ~met(case, at)
    arrays = draw_arrays(case)
    arrays.x[(0, 0, *at)] = wild
    reference = make_reference(case, arrays)
    own = accumulated_in_float32("float32")
    assert keeps(reference.y, reference, own)
    for place in np.ndindex(reference.y.shape):
        result = reference.y.copy()
        result[place] = 1 + 2 * np.nan_to_num(result[place], posinf=1, neginf=1)
        assert keeps(result, reference, own) == in_a_hole[place]


# In what a result was computed


def named(result: Array, reference: Reference) -> str | None:
    return narrower_precision(result, reference, accumulated_in_float32(reference.case.dtype))


@pytest.mark.parametrize(
    ("rounded", "formats"),
    [("bfloat16", "bfloat16"), ("float16", "float16 or TF32"), ("TF32", "float16 or TF32")],
)
def test_operands_are_rounded_to_each_format_that_gives_the_result(rounded: str, formats: str) -> None:
    case = changed(LONG, bias=False)
    reference = make_reference(case, draw_arrays(case))
    x, w, _ = reference.arrays
    narrow = Arrays(ROUNDINGS[rounded](x), ROUNDINGS[rounded](w), None)
    assert named(reference.compute(narrow), reference) == f"its operands are rounded to {formats}"


@pytest.mark.parametrize("values", ["normal", "special"])
def test_a_result_is_rounded_to_each_format_that_has_all_its_numbers(values: str) -> None:
    case = Case("conv1d", (1, 1, 60), 1, 2, values=values)
    reference = make_reference(case, draw_arrays(case))
    for rounded in ("float16", "bfloat16"):
        result = ROUNDINGS[rounded](reference.y).astype(np.float32)
        assert named(result, reference) == f"its result is rounded to {rounded}"


def test_numbers_that_every_format_has_are_no_rounding() -> None:
    case = Case("conv1d", (1, 1, 3), 1, 1, values="special")
    arrays = Arrays(np.array([[[np.nan, 1, 2]]]), of_one(1), None)
    reference = make_reference(case, arrays)
    assert named(np.array([[[np.nan, 1, 3]]]), reference) is None


def test_a_mode_is_named_with_its_equals() -> None:
    case = Case("conv1d", (1, 1, 1), 1, 1, bias=True, dtype="float16", values="normal")
    reference = make_reference(case, Arrays(of_one(1), of_one(1.1), np.zeros(1)))
    assert named(reference.y * (1 + 1.5 * 2**-11), reference) == (
        "it is within the bound of float16, sums in float32, bias added after rounding "
        "or of float16, sums in float32, cut off instead of rounded"
    )


def test_what_is_beyond_a_bound_is_said_with_the_modes_names() -> None:
    reference = make_reference(LONG, draw_arrays(LONG))
    observed = observe(reference.y + (-1) ** np.arange(9) * 2.0**-11, reference)
    begins = "it is beyond the bound of float32, and it is within the bound of TF32; greatest difference"
    assert str(observed.message).startswith(begins)


def test_rounded_operands_are_judged_by_the_bound_that_they_have() -> None:
    reference = one_tap("float32", (1 + 3 * 2**-9, 1.0))  # to bfloat16: 1 + 2**-7, with the larger bound
    bound = 2**-24 * (1 + 2**-7) + 2 * 2.0**-126
    for factor, expected in [(0.9995, "its operands are rounded to bfloat16"), (1.0005, None)]:
        text = named(of_one(1 + 2**-7 + factor * bound), reference)
        assert (text == expected) == (factor < 1)
        assert expected or "operands" not in str(text)


def test_rounded_operands_are_judged_by_their_exact_sum() -> None:
    reference = one_tap("float64", (1.0, 1.0), (1 / 12, 1.0))
    assert 2**-54 < reference.rest[0, 0, 0] < 2**-53
    narrow = float(ROUNDINGS["bfloat16"](np.array(1 / 12)))
    assert named(of_one(1 + narrow - 2**-52), reference) == "its operands are rounded to bfloat16"


# What exceeds it


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

    case = Case("conv2d", (4, 2, 9, 9), 2, 3, values="special")
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
    if values == "wide":
        assert np.isfinite(w).all()
        magnitudes = np.log10(np.abs(x))
        assert magnitudes.max() - magnitudes.min() > 7
        assert {-1.0, 1.0} == set(np.sign(x).ravel().tolist())
    else:
        assert np.isnan(x).any()
        assert np.isinf(x).any()
        assert ((x != 0) & (np.abs(x) < np.finfo(np.float32).tiny)).any()
        assert (np.signbit(x) & (x == 0)).any()


@pytest.mark.parametrize(
    ("dtype", "x", "w", "bias", "keeping"),
    [
        ("float16", [np.inf, -(2.0**15)], [1, 2], None, ["products", "any"]),
        ("float16", [np.inf, -(2.0**14)], [1, 2], None, []),
        ("float16", [-np.inf, 2.0**15], [1, 2], None, ["products", "any"]),
        ("float16", [np.inf, 2.0**15], [1, 2], None, []),  # of the same sign
        ("float16", [np.inf, -4e4, -4e4], [1, 1, 1], None, ["any"]),  # no product by itself
        ("float16", [np.inf, -1], [1, 1], -65504.0, []),
        ("float32", [np.inf, 3e38], [1, 2], None, []),
        ("float32", [np.inf, -3e38], [1, 2], None, ["products", "float32", "any"]),
    ],
)
def test_what_overflows_beside_an_infinity_of_the_other_sign_makes_no_number(
    dtype: str, x: list[float], w: list[float], bias: float | None, keeping: list[str]
) -> None:
    """Minus infinity, and the sum undefined: where the dtype has what overflows, and nowhere else."""
    case = Case("conv1d", (1, 1, len(x)), 1, len(w), bias=bias is not None, dtype=dtype, values="special")
    arrays = [np.array(each, dtype) for each in ([[x]], [[w]], [bias])]
    reference = make_reference(case, Arrays(arrays[0], arrays[1], None if bias is None else arrays[2]))
    assert np.isinf(reference.y).all()
    modes = {"products": products_rounded, "float32": accumulated_in_float32, "any": accumulator_unknown}
    undefined = np.full((1, 1, 1), np.nan, dtype)
    assert [name for name, mode in modes.items() if keeps(undefined, reference, mode(dtype))] == keeping
