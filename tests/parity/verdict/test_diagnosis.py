"""Every diagnosis provoked by an implementation with that mistake.

The mistakes are made in ``tests/support/mistaken``, not by what the diagnosis computes with.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, get_args

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import convmm
from parity.cases.arrays import SIGNIFICAND_BITS, Array
from parity.cases.case import Case
from parity.cases.notation import format_shape
from parity.cases.op import OPS, Op
from parity.records.result import Result
from parity.running import run
from parity.verdict import reference
from parity.verdict.diagnosis.geometries import geometries
from parity.verdict.diagnosis.mistakes import MISTAKES
from parity.verdict.diagnosis.suspect import Mistake, Row
from parity.verdict.diagnosis.windows import find_windows
from parity.verdict.observation import observe
from tests.support.mistaken.channels import every_arrangement, interleaved
from tests.support.mistaken.computing import computed
from tests.support.mistaken.table import FAULTS, ROWS
from tests.support.mistaken.values import ROUNDINGS, through
from tests.support.responses import reference_of, response, widened
from tests.support.strategies import CONVS, TRANSPOSES, changed, exact_cases_with_an_output, examples


def result_of(case: Case, output: Array) -> Result:
    """What parity says of an implementation that returns this."""

    def wrong(*_: object, **__: object) -> Array:
        return output.astype(case.dtype)

    (found,) = run(case, [], impl=wrong).results
    return found


def differs(case: Case, output: Array) -> bool:
    return output.size > 0 and not np.array_equal(output, computed(case))


def explains(rows: Sequence[Row], case: Case, output: Array) -> bool:
    """Whether a mistake of these rows, as it is made in the tests, gives this output."""
    return any(_explains(row, case, output) for row in rows)


def _explains(row: Row, case: Case, output: Array) -> bool:
    if row.mistake == "scaled":
        right = computed(case)
        factors_of_all = set((output[right != 0] / right[right != 0]).tolist())
        return len(factors_of_all) == 1 and not output[right == 0].any()
    if output.shape != case.output_shape and row.mistake in {"window", "window flipped"}:
        return bool(find_windows(output, reference_of(case)))
    every = every_arrangement(case) if row.mistake == "groups permuted" else provoked(row, case, output.shape)
    return any(np.array_equal(output, each) for each in every)


def provoked(row: Row, case: Case, shape: tuple[int, ...]) -> Iterator[Array]:
    return FAULTS[row.outputs](case, shape[2:])


def test_each_row_is_provoked() -> None:
    assert [row.outputs for row in MISTAKES] == list(FAULTS)
    assert list(ROWS.values()) == list(MISTAKES)
    assert list(dict.fromkeys(row.mistake for row in MISTAKES)) == list(get_args(Mistake))


@pytest.mark.parametrize("name", ROWS)
@examples(40)
@given(st.data())
def test_a_mistake_is_named_or_an_earlier_one_that_explains_as_much(name: str, data: st.DataObject) -> None:
    row = ROWS[name]
    case = data.draw(exact_cases_with_an_output(OPS_OF.get(name, OPS)))
    outputs = [
        output
        for output in itertools.islice(provoked(row, case, case.output_shape), 200)
        if differs(case, output)
    ]
    if not outputs:
        assert result_of(case, computed(case)).relation == "identical"
        return
    output = data.draw(st.sampled_from(outputs))
    found = result_of(case, output)
    earlier = MISTAKES[: MISTAKES.index(row) + 1]
    assert found.relation in {other.mistake for other in earlier}
    assert explains([other for other in earlier if other.mistake == found.relation], case, output)
    assert not found.explained


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("op", OPS)
def test_each_mistake_has_its_name(op: str, name: str) -> None:
    row, case = ROWS[name], telling_case(op, name)
    outputs = (output for output in provoked(row, case, case.output_shape) if differs(case, output))
    if op in OPS_OF.get(name, OPS):
        relations = (result_of(case, output).relation for output in itertools.islice(outputs, 50))
        assert row.mistake in relations
    else:
        assert next(outputs, None) is None


MANY_AXES = tuple(op for op in OPS if Op.of(op).rank > 1)

OPS_OF = {
    "axes.of_the_kernel": MANY_AXES,
    "axes.of_the_arguments": MANY_AXES,
    "axes.of_kernel_and_arguments": MANY_AXES,
    "axes.of_the_input": MANY_AXES,
    "axes.of_the_output": MANY_AXES,
    "padding.of_other_values": CONVS,
    "padding.zeros_for_output_padding": TRANSPOSES,
    "padding.zeros_before_the_output": TRANSPOSES,
}
"""Those in which a row's mistakes can be made."""


def telling_case(op: str, name: str = "") -> Case:
    """A typical case, or one with what the row's mistakes need."""
    rank = Op.of(op).rank
    sizes = (6, 7, 5)[:rank]
    case = Case(op, (2, 4, *sizes), 4, 3, stride=2, padding=2, groups=2, bias=True, dtype="float64")
    if case.transposed:
        case = changed(case, output_padding=1)
    needed: dict[str, dict[str, Any]] = {
        "axes.of_the_arguments": {"stride": (1, 2, 3)[:rank], "output_padding": None},
        "axes.of_kernel_and_arguments": {"stride": (1, 2, 3)[:rank], "output_padding": None},
        "arguments.exchanged": {"padding": 1},
        "bias.along_another_axis": {"input": (2, 4, *sizes[:-1], 3 if case.transposed else 5)},
    }
    return changed(case, **needed.get(name, {}))


@examples(150)
@given(exact_cases_with_an_output())
def test_a_right_implementation_has_no_diagnosis(case: Case) -> None:
    found = result_of(case, computed(case))
    assert (found.relation, found.explained, found.reason) == ("identical", True, None)


@examples(60)
@given(exact_cases_with_an_output(), st.data())
def test_noise_is_unrelated_and_the_first_wrong_element_named(case: Case, data: st.DataObject) -> None:
    right = computed(case)
    output = (
        right
        + np.random.default_rng(data.draw(st.integers(0, 99))).integers(1, 2**20, right.shape) * 64
        + 0.5
    )
    found = result_of(case, output)
    if output.size > 8:
        assert found.relation == "unrelated"
        assert f"{output.size} of {output.size} elements differ" in str(found.reason)


@examples(100)
@given(exact_cases_with_an_output(), st.data())
def test_values_that_are_not_finite_are_never_explained(case: Case, data: st.DataObject) -> None:
    output = computed(case)
    places = data.draw(st.lists(st.integers(0, output.size - 1), min_size=1, max_size=3))
    output.flat[places] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    found = result_of(case, output)
    assert found.relation in {"unrelated", "numeric"}
    assert not found.explained


@pytest.mark.parametrize(
    "case", [Case("conv2d", (2, 3, 6, 6), 2, 3), Case("conv_transpose2d", (2, 3, 6, 6), 2, 3)]
)
@pytest.mark.parametrize("name", ROUNDINGS)
@pytest.mark.parametrize("what", ["operands", "result", "operands and the result"])
def test_reduced_precision_is_named(case: Case, name: str, what: str) -> None:
    case = changed(case, values="normal", bias=True)
    own, rounded = widened(case), ROUNDINGS[name]
    output = computed(case)
    if own.bias is not None and "operands" in what:
        output = computed(case, x=rounded(own.x), w=rounded(own.w), bias=rounded(own.bias))
    found = result_of(case, rounded(output) if "result" in what else output)
    assert found.relation == "numeric"
    assert f"the {what} " in str(found.reason)
    assert f"rounded to {name}" in str(found.reason)


def test_float64_that_was_computed_in_float32_is_named() -> None:
    case = Case("conv2d", (2, 3, 6, 6), 2, 3, dtype="float64", values="normal")
    own = widened(case)
    output = convmm.conv(own.x.astype(np.float32), own.w.astype(np.float32))
    found = result_of(case, output.astype(np.float64) * (1 + 2e-7))
    assert (found.relation, found.explained) == ("numeric", False)
    assert str(found.reason).startswith("it is computed in float32: within its tolerances, not within the ")


def test_integers_that_were_stored_in_float32_are_named() -> None:
    case = Case("conv1d", (1, 7, 601), 3, 9, dtype="float64", values="arange")
    output = computed(case)
    assert output.max() > 2 ** SIGNIFICAND_BITS["float32"]
    found = result_of(case, through(np.float32)(output))
    assert (found.relation, found.explained) == ("numeric", False)
    assert str(found.reason).startswith("the result is rounded to float32; greatest difference")


@pytest.mark.parametrize("values", ["integers", "normal"])
def test_float64_of_another_shape_is_unrelated_and_no_rounding(values: str) -> None:
    case = Case("conv2d", (1, 3, 6, 6), 2, 3, dtype="float64", values=values)
    found = observe(np.random.default_rng(0).standard_normal((1, 2, 5, 3)), reference_of(case))
    assert found.relation == "unrelated"


@pytest.mark.parametrize(("beside", "given"), [(1 + 0.75 * 2**-20, 1.0), (1 - 0.75 * 2**-20, 1 + 2**-7)])
def test_a_sum_that_errs_across_a_half_may_be_rounded_to_the_other_side(beside: float, given: float) -> None:
    own = reference_of(Case("conv1d", (1, 1, 4), 1, 1, values="normal"))
    half = 1 + 2**-8  # between two bfloat16
    y = np.array([[[3.0, half * beside, 5.0, 7.0]]])
    reference = replace(own, arrays=own.arrays._replace(x=y, w=np.ones((1, 1, 1))), y=y)
    found = observe(np.array([[[3.0, given, 5.0, 7.0]]]), reference)
    assert str(found.message).startswith("the result is rounded to bfloat16; ")


@pytest.mark.parametrize("op", OPS)
def test_zeros_are_no_multiple(op: str) -> None:
    case = telling_case(op)
    assert result_of(case, 0 * computed(case)).relation == "unrelated"


def test_a_constant_factor_is_named_though_the_first_value_is_zero() -> None:
    case = Case("conv1d", (1, 1, 9), 1, 3, padding=((4, 0),), dtype="float64")
    output = 3 * computed(case)
    assert output[0, 0, 0] == 0
    found = result_of(case, output)
    assert found.relation == "scaled"
    assert str(found.reason).startswith("the values are 3 times the reference's; ")


@pytest.mark.parametrize("factor", [1 / 9, 2, -1, 1.5])
def test_a_constant_factor_is_named_though_its_products_are_rounded(factor: float) -> None:
    case = Case("conv2d", (2, 3, 6, 6), 2, 3)
    found = result_of(case, (computed(case) * factor).astype(np.float32))
    assert found.relation == "scaled"
    assert f"{factor:.6g} times" in str(found.reason)


@pytest.mark.parametrize("op", ["conv1d", "conv_transpose1d"])
def test_channels_dealt_out_to_groups_are_named(op: str) -> None:
    case = Case(op, (1, 6, 8), 12, 2, groups=3, bias=True, dtype="float64")
    for output in interleaved(case):
        found = result_of(case, output)
        assert found.relation == "groups permuted"
        assert "belong to group channel % 3" in str(found.reason)


def test_the_number_of_flipped_axes_is_said() -> None:
    case = Case("conv3d", (1, 2, 5, 5, 5), 2, 3)
    w = widened(case).w
    reasons = [
        str(result_of(case, computed(case, w=np.flip(w, axes))).reason) for axes in [(2, 3, 4), (3,), (2, 4)]
    ]
    assert "flipped on 3 of 3 axes: axes 0 and 1 and 2" in reasons[0]
    assert "flipped on 1 of 3 axes: axis 1" in reasons[1]
    assert "flipped on 2 of 3 axes: axes 0 and 2" in reasons[2]


def test_both_sides_the_place_and_the_size_of_the_difference_are_said() -> None:
    case = Case("conv2d", (1, 1, 4, 4), 1, 3, values="arange")
    output = computed(case)
    output[0, 0, 1, 0] += 12
    before, after = (f"{y[0, 0, 1, 0]:.0f}" for y in (computed(case), output))
    reason = str(result_of(case, output).reason)
    assert f"greatest difference 12 at index (0, 0, 1, 0): {after} against {before}" in reason
    assert "1 of 4 elements differ (0.25 of all), first at index (0, 0, 1, 0)" in reason


def test_a_window_of_other_sizes_says_both() -> None:
    case = Case("conv_transpose2d", (1, 2, 3, 3), 2, 3, stride=2, padding=1, output_padding=1)
    reason = str(result_of(case, response(case, (2, 2)).cut((1, 1), (4, 4))).reason)
    assert "begins (1, 1) elements after the reference in the full response" in reason
    assert "its shape is 1x2x4x4 against 1x2x6x6" in reason


def test_output_padding_before_the_output_is_a_window_that_says_so() -> None:
    case = Case("conv_transpose1d", (1, 2, 5), 2, 3, stride=2, padding=1, output_padding=1)
    found = result_of(case, response(case, (2,)).cut((-1,), case.output_shape[2:]))
    assert (found.relation, found.offset) == ("window", (-1,))
    assert "as if the output padding were added before it, not after" in str(found.reason)


@pytest.mark.parametrize(
    ("wrong", "where", "places"),
    [
        (np.s_[:, -1], "only in the last of 3 channels", ["the last of channels"]),
        (np.s_[1:], "only in all but the first of 4 samples", ["all but the first of samples"]),
        (np.s_[:, :, -1], "only in the last of 5 elements of axis 0", ["the last of axis 0"]),
        (
            np.s_[..., 1:-1],
            "only in all but the first and the last of 6 elements of axis 1",
            ["all but the first and the last of axis 1"],
        ),
        (
            np.s_[..., 1::2],
            "only in numbers 1 to 5 in steps of 2 of 6 elements of axis 1",
            ["in steps of 2 of axis 1"],
        ),
        (
            np.s_[:, 1, 0],
            "only in number 1 of 3 channels, only in the first of 5 elements of axis 0",
            ["the first of axis 0"],
        ),
        (np.s_[:, :, :, 1:4], "only in numbers 1 to 3 of 6 elements of axis 1", []),
        (
            np.s_[:, :, 0, 0],
            "the first of 5 elements of axis 0, only in the first of 6 elements of axis 1",
            ["the first of axis 0", "the first of axis 1"],
        ),
    ],
)
def test_where_a_result_is_wrong_is_said(wrong: Any, where: str, places: list[str]) -> None:  # noqa: ANN401 - an index
    case = Case("conv2d", (4, 2, 5, 6), 3, 1)
    output = computed(case)
    output[wrong] += np.random.default_rng(0).integers(1, 99, output[wrong].shape) + 0.5
    found = result_of(case, output)
    assert found.relation == "unrelated"
    assert where in str(found.reason)
    assert list(found.places) == places


def test_the_same_place_on_several_axes_is_said_once() -> None:
    case = Case("conv3d", (1, 2, 4, 5, 4), 3, 1)
    output = computed(case)
    output[:, :, -1, :, -1] += np.random.default_rng(0).integers(1, 99, (1, 3, 5)) + 0.5
    reason = str(result_of(case, output).reason)
    assert reason.endswith("at index (0, 0, 3, 0, 3), only in the last of 4 elements of axes 0 and 2")


def test_a_kernel_of_one_tap_has_no_other_way_round() -> None:
    case = Case("conv_transpose1d", (1, 1, 2), 1, 1, padding=((1, 0),))
    found = observe(computed(case, padding=((0, 1),)), reference_of(case))
    assert found.relation == "window"
    assert "ambiguous, since there is a single element" in str(found.message)
    assert "flipped" not in str(found.message)


def test_two_flips_that_a_symmetric_kernel_makes_equal_are_both_said() -> None:
    case = Case("conv2d", (1, 1, 3, 3), 1, (3, 2), padding=1, dtype="float64")
    own = reference_of(case)
    column = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]]).reshape(1, 1, 3, 2)
    arrays = own.arrays._replace(w=column)
    symmetric = replace(own, arrays=arrays, y=own.compute(arrays))
    observed = observe(own.compute(arrays._replace(w=column[..., ::-1])), symmetric)
    assert observed.relation == "flipped"
    assert "ambiguous: as well it may be flipped (the kernel is flipped on 1 of 2 axes: axis 1)" in str(
        observed.message
    )


@pytest.mark.parametrize("value", [0, 7])
@pytest.mark.parametrize("op", OPS)
def test_a_constant_result_is_called_ambiguous_or_unrelated(op: str, value: float) -> None:
    case = Case(op, (1, 2, *[4] * Op.of(op).rank), 2, 2)
    found = result_of(case, np.full(case.output_shape, float(value)))
    assert found.relation == "unrelated" or f"ambiguous, since every value is {float(value)}" in str(
        found.reason
    )


def test_of_a_single_element_all_that_fits_is_said() -> None:
    case = Case("conv1d", (1, 1, 3), 1, 3, bias=True, seed=1)
    reason = str(result_of(case, computed(case, bias=None)).reason)
    assert "the bias is missing" in reason
    assert "ambiguous, since there is a single element: as well it may be scaled" in reason


def test_a_large_case_is_not_searched_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("conv2d", (1, 2, 6, 6), 2, 3, bias=True)
    scaled = 3 * computed(case)
    assert result_of(case, scaled).relation == "scaled"
    monkeypatch.setattr(reference, "_MOST_WORK", 10)
    found = result_of(case, scaled)
    assert found.relation == "unrelated"
    assert "too large to look for every known mistake" in str(found.reason)


def test_a_mistake_that_takes_more_than_the_search_may_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("conv_transpose1d", (1, 1, 9), 1, 3, dilation=50)
    own = reference_of(case)
    assert len(list(geometries(own.y, own, stride=(50,)))) == 1
    monkeypatch.setattr(reference, "_MOST_WORK", 0)
    assert len(list(geometries(own.y, own, stride=(2,)))) == 0
    assert len(list(geometries(own.y, own, stride=(1,)))) == 1


def test_padding_by_name_follows_a_mistaken_argument_or_not() -> None:
    case = Case("conv1d", (1, 1, 9), 1, 3, dilation=2, padding="same")
    own = reference_of(case)
    found = list(geometries(own.y, own, dilation=(1,)))
    assert [geometry.before for geometry in found] == [(2,), (1,)]
    for geometry in found:
        observed = observe(own.compute(geometry=geometry), own)
        assert (observed.relation, observed.offsets) == ("argument ignored", ())


@pytest.mark.parametrize("shape", [(1, 2, 0, 3), (0,), (), (2, 2, 3, 3), (1, 2, 3, 3, 1)], ids=str)
def test_another_shape_is_said_beside_the_reference_s(shape: tuple[int, ...]) -> None:
    case = Case("conv2d", (1, 2, 5, 5), 2, 3)
    found = result_of(case, np.ones(shape))
    assert not found.explained
    assert f"against {format_shape(case.output_shape)}" in str(found.reason)


def test_elements_where_the_reference_has_none_are_unrelated() -> None:
    case = Case("conv_transpose2d", (1, 2, 2, 2), 2, 1, padding=1)
    found = result_of(case, np.ones((1, 2, 2, 2)))
    assert (found.relation, found.explained) == ("unrelated", False)
