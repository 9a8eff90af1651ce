from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given

from parity.cases import reach as reach_module
from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.cases.op import OPS, Op
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.precision import BFLOAT16
from parity.verdict import reference as reference_module
from parity.verdict.diagnosis import windows as windows_module
from parity.verdict.diagnosis.windows import MOST_MATCHES, begins_at, find_windows
from parity.verdict.observation import observe
from parity.verdict.reference import Reference, make_reference
from tests.support.responses import Response, reach, reference_of, response
from tests.support.strategies import exact_cases_with_an_output, examples

MORE = 2
"""So many elements a window may have more than the case's output, on each axis."""


def response_around(case: Case) -> Response:
    """With room for every offset that is looked for, and for the largest windows drawn."""
    return response(case, tuple(r + MORE * s for r, s in zip(reach(case), case.stride, strict=True)))


@st.composite
def windows(draw: st.DrawFn, case: Case) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """An offset that is looked for, and sizes; shrinks towards the case's own window."""
    offset = tuple(draw(st.integers(-r, r)) for r in reach(case))
    sizes = tuple(draw(st.integers(1, size + MORE)) for size in case.output_shape[2:])
    return offset, draw(st.just(case.output_shape[2:]) | st.just(sizes))


@examples(150)
@given(exact_cases_with_an_output())
def test_the_reference_is_what_the_definition_gives(case: Case) -> None:
    zero = (0,) * case.rank
    own = response_around(case).cut(zero, case.output_shape[2:])
    np.testing.assert_array_equal(reference_of(case).y, own, strict=True)


@examples(200)
@given(st.data())
def test_a_window_is_found_where_it_was_cut(data: st.DataObject) -> None:
    case = data.draw(exact_cases_with_an_output())
    offset, sizes = data.draw(windows(case))
    window = response_around(case).cut(offset, sizes)
    reference = reference_of(case)
    found = find_windows(window, reference)
    assert offset in found or len(found) == MOST_MATCHES
    assert begins_at(window, reference, offset)
    observed = observe(window, reference)
    assert observed.relation in ("identical", "window")
    assert (observed.relation == "identical") == np.array_equal(window, reference.y)


@examples(100)
@given(st.data())
def test_every_offset_found_is_one_where_the_window_stands(data: st.DataObject) -> None:
    case = data.draw(exact_cases_with_an_output())
    _, sizes = data.draw(windows(case))
    around = response_around(case)
    result = data.draw(
        st.sampled_from([np.zeros((*case.output_shape[:2], *sizes)), around.cut((0,) * case.rank, sizes)])
    )
    for offset in find_windows(result, reference_of(case)):
        np.testing.assert_array_equal(around.cut(offset, sizes), result)


@examples(100)
@given(st.data())
def test_the_window_nearest_to_the_reference_comes_first(data: st.DataObject) -> None:
    case = data.draw(exact_cases_with_an_output())
    offset, sizes = data.draw(windows(case))
    found = find_windows(response_around(case).cut(offset, sizes), reference_of(case))
    distances = [sum(map(abs, each)) for each in found]
    assert distances == sorted(distances)


@pytest.mark.parametrize(
    ("op", "pads", "offset"),
    [
        ("conv1d", (18, 0), 18),
        ("conv1d", (0, 18), -18),
        ("conv_transpose1d", (18, 0), -18),
        ("conv_transpose1d", (0, 18), 18),
    ],
)
def test_windows_are_looked_for_in_all_that_padding_drops_or_adds(
    op: str, pads: tuple[int, int], offset: int
) -> None:
    case = Case(op, (1, 1, 10), 1, 2, stride=2, padding=(pads,), dtype="float64")
    unpadded = response(case, (18,)).cut((offset,), (2 if op == "conv_transpose1d" else 14,))
    assert observe(unpadded, reference_of(case)).offsets == ((offset,),)


def test_a_result_with_fewer_channels_stands_nowhere_though_all_channels_are_equal() -> None:
    own = reference_of(Case("conv1d", (2, 1, 6), 3, 2))
    arrays = own.arrays._replace(w=np.ones_like(own.arrays.w))
    reference = replace(own, arrays=arrays, y=own.compute(arrays))
    assert find_windows(reference.y, reference) == ((0,),)
    assert find_windows(reference.y[:, :1], reference) == ()


def test_in_a_case_too_large_to_search_one_offset_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    own = reference_of(Case("conv1d", (1, 1, 6), 1, 2))
    zeros = replace(own, arrays=own.arrays._replace(x=np.zeros_like(own.arrays.x)), y=np.zeros_like(own.y))
    assert len(find_windows(zeros.y, zeros)) > 1
    monkeypatch.setattr(reference_module, "_MOST_WORK", 0)
    assert find_windows(zeros.y, zeros) == ((0,),)


@pytest.mark.parametrize(("products", "furthest"), [(54, 4), (53, 2)])
def test_a_large_convolution_is_searched_half_as_far(
    products: int, furthest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case("conv1d", (1, 4, 10), 2, 3, padding=4, groups=2)
    monkeypatch.setattr(reach_module, "_MOST_PRODUCTS", products)
    around, reference = response(case, (5,)), reference_of(case)
    offsets = [find_windows(around.cut((shift,), (8,)), reference) for shift in range(5)]
    assert offsets == [((shift,),) if shift <= furthest else () for shift in range(5)]


def test_a_large_transposed_convolution_is_searched_as_far_as_any(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("conv_transpose1d", (1, 4, 10), 2, 3, groups=2)
    monkeypatch.setattr(reach_module, "_MOST_PRODUCTS", 0)
    assert find_windows(response(case, (5,)).cut((4,), (8,)), reference_of(case)) == ((4,),)


@pytest.mark.parametrize("op", ["conv2d", "conv_transpose2d"])
def test_offsets_are_ruled_out_by_a_few_elements_together(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = reference_of(Case(op, (1, 1, 20, 20), 1, 1, padding=1, dtype="float64"))
    arrays = own.arrays._replace(x=np.random.default_rng(0).integers(1, 3, own.arrays.x.shape) * 1.0)
    reference = replace(own, arrays=arrays, y=own.compute(arrays))
    computed: list[tuple[int, ...]] = []

    def counted(result: Array, reference: Reference, offset: tuple[int, ...]) -> bool:
        computed.append(offset)
        return begins_at(result, reference, offset)

    monkeypatch.setattr(windows_module, "begins_at", counted)
    assert find_windows(reference.y, reference) == ((0, 0),)
    assert computed == [(0, 0)]


@examples(100)
@given(exact_cases_with_an_output(), st.integers(0, 2**32 - 1))
def test_one_wrong_element_is_never_identical(case: Case, seed: int) -> None:
    reference = reference_of(case)
    wrong = reference.y.copy()
    wrong.flat[np.random.default_rng(seed).integers(wrong.size)] += 1
    observed = observe(wrong, reference)
    assert observed.relation != "identical"
    assert observed.comparison.exact is False


@examples(100)
@given(exact_cases_with_an_output())
def test_zeros_are_identical_to_nothing_but_zeros(case: Case) -> None:
    reference = reference_of(case)
    observed = observe(np.zeros_like(reference.y), reference)
    assert (observed.relation == "identical") == (not reference.y.any())


@examples(100)
@given(exact_cases_with_an_output(), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_a_result_that_is_not_finite_is_unrelated(case: Case, value: float) -> None:
    reference = reference_of(case)
    assert observe(np.full_like(reference.y, value), reference).relation == "unrelated"


@pytest.mark.parametrize("op", OPS)
def test_swapped_outputs_are_unrelated(op: str) -> None:
    case = Case(op, (2, 3, *[4] * Op.of(op).rank), 2, 3, dtype="float64")
    reference = reference_of(case)
    assert observe(reference.y[:, ::-1], reference).relation == "unrelated"
    assert observe(reference.y[::-1], reference).relation == "unrelated"


@pytest.mark.parametrize("op", ["conv2d", "conv_transpose2d"])
@pytest.mark.parametrize(
    "shape", [(), (1,), (1, 2), (2, 2, 3), (1, 2, 3, 3), (2, 1, 3, 3), (2, 2, 3, 3, 1)], ids=str
)
def test_an_array_of_another_rank_batch_or_channels_is_unrelated(op: str, shape: tuple[int, ...]) -> None:
    observed = observe(np.ones(shape), reference_of(Case(op, (2, 2, 4, 4), 2, 2)))
    assert observed.relation == "unrelated"
    assert not observed.comparison.shape_equal


@pytest.mark.parametrize("shape", [(0, 2, 3, 3), (2, 2, 0, 3), (0,)], ids=str)
def test_a_result_without_elements_is_empty(shape: tuple[int, ...]) -> None:
    assert observe(np.ones(shape), reference_of(Case("conv2d", (2, 2, 4, 4), 2, 2))).relation == "empty"


def close_and_not_equal(reference: Reference) -> Array:
    return np.asarray(reference.y * (1 + 1e-9))


def test_integers_that_are_only_close_are_not_identical() -> None:
    reference = reference_of(Case("conv2d", (2, 2, 4, 4), 2, 2))
    assert observe(close_and_not_equal(reference), reference).relation == "numeric"


def test_real_numbers_that_are_close_are_identical() -> None:
    reference = reference_of(Case("conv2d", (2, 2, 4, 4), 2, 2, values="normal"))
    assert observe(close_and_not_equal(reference), reference).relation == "identical"


def test_real_numbers_are_found_in_another_window() -> None:
    case = Case("conv_transpose2d", (2, 2, 4, 4), 2, 3, stride=2, padding=1, values="normal")
    shifted = response(case, (1, 1)).cut((1, -1), case.output_shape[2:]).astype(np.float32)
    assert observe(shifted, reference_of(case)).offsets == ((1, -1),)


def test_the_reference_is_computed_in_float64() -> None:
    case = Case("conv1d", (1, 2, 9), 2, 3, bias=True, dtype="float16", values="normal")
    arrays = draw_arrays(case)
    assert make_reference(case, arrays).y.dtype == np.float64
    zero = (0,)
    expected = response(case, zero).cut(zero, case.output_shape[2:])
    np.testing.assert_allclose(make_reference(case, arrays).y, expected, rtol=1e-12)


def test_a_reference_leaves_its_arrays_as_they_were() -> None:
    case = Case("conv_transpose2d", (1, 2, 3, 3), 2, 2, bias=True, dtype="float64")
    arrays = draw_arrays(case)
    kept = arrays.copies()
    reference = make_reference(case, arrays)
    observe(reference.y, reference)
    for array, before in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(array, before)


def test_what_differs_only_at_infinities_and_nan_is_of_extremes_and_all_nan_is_not() -> None:
    case = Case("conv2d", (1, 1, 6, 6), 2, 3, values="special", seed=2)
    reference = make_reference(case, draw_arrays(case))
    assert np.isfinite(reference.y).mean() > 0.6
    result = reference.y.astype(np.float32)
    finite = np.argwhere(np.isfinite(reference.y))
    for place, value in zip(finite[:2], (np.nan, np.inf), strict=True):
        result[tuple(place)] = value
        assert observe(result, reference).relation == "extremes"
    assert observe(np.full_like(result, np.nan), reference).relation == "unrelated"
    plain = replace(reference, case=replace(case, values="normal"))
    assert observe(result, plain).relation == "unrelated"
    result[tuple(finite[2])] += 100
    assert observe(result, reference).relation == "unrelated"


def test_integers_are_judged_by_the_bound_where_the_framework_itself_chose_a_narrower_type() -> None:
    case = Case("conv1d", (1, 2, 9), 1, 3)
    reference = make_reference(case, draw_arrays(case))
    assert reference.exact
    result = reference.y.astype(ml_dtypes.bfloat16).astype(np.float32)
    assert not np.array_equal(result, reference.y)
    assert observe(result, reference, BFLOAT16).relation != "identical"
    chosen = replace(BFLOAT16, of_integers=True)
    assert observe(result, reference, chosen).relation == "identical"
    assert observe(result[..., ::-1].copy(), reference, chosen).relation != "identical"
