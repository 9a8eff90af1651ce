from __future__ import annotations

from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import convmm
import convmm.geometry
from parity.cases.case import Case
from parity.cases.condition import ConditionError, _is_idle, check_condition, meets
from tests.support.strategies import cases, examples

COUNTS = ("batch", "channels", "filters", "groups", "group_channels", "group_filters")


def counts(case: Case) -> dict[str, int]:
    return {
        "batch": case.input[0],
        "channels": case.input[1],
        "filters": case.filters,
        "groups": case.groups,
        "group_channels": case.kernel_shape[0] // case.groups if case.transposed else case.kernel_shape[1],
        "group_filters": case.kernel_shape[1] if case.transposed else case.kernel_shape[0] // case.groups,
    }


def dropped_or_added(case: Case, axis: int) -> int:
    """What is between the elements of both ends' sizes: of the full response, or around the input."""
    size, output = case.input[2 + axis], case.output_shape[2 + axis]
    coarse, fine = (size, output) if case.transposed else (output, size)
    return (coarse - 1) * case.stride[axis] + (case.kernel[axis] - 1) * case.dilation[axis] + 1 - fine


def adds_up_nothing(case: Case, axis: int) -> bool:
    """Whether the axis alone, of ones, gives nothing but zeros."""
    explicit = {name: each[axis : axis + 1] for name, each in case.explicit.items() if name != "groups"}
    ones = np.ones((1, 1, case.input[2 + axis])), np.ones((1, 1, case.kernel[axis]))
    return not (convmm.conv_transpose if case.transposed else convmm.conv)(*ones, **explicit).any()


def described(case: Case) -> dict[str, Any]:
    """A condition of equalities that this case meets, read off its own fields."""
    whole = {
        **counts(case),
        "op": case.op,
        "dtype": case.dtype,
        "values": case.values,
        "bias": case.bias,
        "empty": 0 in case.output_shape,
        "padding": case.padding if isinstance(case.padding, str) else "explicit",
    }
    axes = [
        {
            "size": case.input[2 + axis],
            "output": case.output_shape[2 + axis],
            "kernel": case.kernel[axis],
            "stride": case.stride[axis],
            "dilation": case.dilation[axis],
            "extent": (case.kernel[axis] - 1) * case.dilation[axis] + 1,
            "both": dropped_or_added(case, axis),
            "idle": adds_up_nothing(case, axis),
            **({} if case.output_padding is None else {"output_padding": case.output_padding[axis]}),
        }
        for axis in range(case.rank)
    ]
    return {**whole, "last_axes": axes}


@examples(200)
@given(cases(), st.data())
def test_a_case_meets_its_own_description_and_any_part_of_it(case: Case, data: st.DataObject) -> None:
    whole = described(case)
    check_condition(whole)
    assert meets(case, whole)
    keys = data.draw(st.sets(st.sampled_from(sorted(whole)), min_size=1))
    part = {key: whole[key] for key in keys}
    assert meets(case, part)
    assert meets(case, {**part, "any_axis": data.draw(st.sampled_from(whole["last_axes"]))})


@examples(200)
@given(cases(), cases())
def test_a_description_is_met_by_no_case_that_it_does_not_describe(case: Case, other: Case) -> None:
    whole, others = described(case), described(other)
    shared = set(whole) - {"last_axes"}
    same = all(whole[key] == others[key] for key in shared)
    assert meets(other, {key: whole[key] for key in shared}) == same
    axis = whole["last_axes"][-1]
    with_q = "output_padding" not in axis or other.output_padding is not None
    agreeing = [with_q and all(each[key] == axis[key] for key in axis) for each in others["last_axes"]]
    assert meets(other, {"any_axis": axis}) == any(agreeing)
    assert meets(other, {"all_axes": axis}) == all(agreeing)
    assert meets(other, {"last_axes": [axis]}) == agreeing[-1]


@examples(200)
@given(cases(), st.sampled_from(COUNTS), st.integers(0, 8), st.integers(0, 8), st.booleans())
def test_a_range_holds_between_its_ends_and_a_list_for_its_members(
    case: Case,
    key: str,
    low: int,
    high: int,
    even: bool,  # noqa: FBT001 - hypothesis passes it by name
) -> None:
    value = counts(case)[key]
    assert meets(case, {key: {"min": low}}) == (low <= value)
    assert meets(case, {key: {"max": high}}) == (value <= high)
    assert meets(case, {key: {"min": low, "max": high}}) == (low <= value <= high)
    assert meets(case, {key: {"even": even}}) == (value % 2 == (0 if even else 1))
    assert meets(case, {key: [low, high]}) == (value in {low, high})


@examples(100)
@given(cases(("conv1d", "conv2d", "conv3d")))
def test_what_a_convolution_reads_of_its_padding_is_before_and_after(case: Case) -> None:
    for axis, output, stride, size in zip(
        case.geometry.axes, case.output_shape[2:], case.stride, case.input[2:], strict=True
    ):
        last_read = (output - 1) * stride + axis.extent - axis.before
        assert meets(case, {"any_axis": {"before": axis.before, "after": last_read - size}})


def test_no_range_holds_of_a_default_output_padding() -> None:
    case = Case("conv_transpose1d", (1, 1, 4), 1, 2, stride=2, padding="same")
    assert not meets(case, {"any_axis": {"output_padding": {"min": 0}}})
    assert not meets(case, {"any_axis": {"output_padding": 0}})


def test_more_axes_than_a_case_has_are_not_met() -> None:
    assert not meets(Case("conv1d", (1, 1, 4), 1, 2), {"last_axes": [{"stride": 1}, {"stride": 1}]})


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        ("conv1d", "key 'case'='conv1d'"),
        ({}, "key 'case'"),
        ({"strides": 1}, "key 'strides' in 'case' is unknown"),
        ({"op": "conv4d"}, "key 'op'='conv4d': allowed is one of conv1d"),
        ({"op": {"min": 1}}, "key 'op'"),
        ({"padding": 1}, "key 'padding'=1"),
        ({"groups": "1"}, "key 'groups'='1': allowed is an int"),
        ({"groups": True}, "key 'groups'=True: allowed is an int"),
        ({"groups": []}, "key 'groups'=[]"),
        ({"groups": {"least": 1}}, "key 'groups'={'least': 1}"),
        ({"groups": {"min": "1"}}, "key 'groups'"),
        ({"groups": {}}, "key 'groups'={}"),
        ({"bias": 1}, "key 'bias'=1: allowed is true or false"),
        ({"any_axis": {"channels": 1}}, "key 'channels' in 'any_axis' is unknown"),
        ({"any_axis": {}}, "key 'any_axis'={}"),
        ({"last_axes": {"stride": 1}}, "key 'last_axes'"),
        ({"last_axes": [1]}, "key 'last_axes'=1"),
        ({"last_axes": [{"stride": [1.5]}]}, "key 'stride'=[1.5]"),
    ],
)
def test_a_condition_that_can_be_on_no_case_names_its_key(condition: object, named: str) -> None:
    with pytest.raises(ConditionError) as raised:
        check_condition(condition)
    assert named in str(raised.value)


@examples(300)
@given(
    st.builds(
        convmm.geometry.Axis,
        fine=st.integers(0, 8),
        coarse=st.integers(0, 12),
        kernel=st.integers(1, 12),
        stride=st.integers(1, 20),
        dilation=st.integers(1, 20),
        before=st.integers(0, 300),
    )
)
def test_an_axis_is_idle_where_no_tap_meets_an_element(axis: convmm.geometry.Axis) -> None:
    met = (
        place * axis.stride + tap * axis.dilation - axis.before
        for place in range(axis.coarse)
        for tap in range(axis.kernel)
    )
    assert _is_idle(axis) == (not any(0 <= element < axis.fine for element in met))


def test_an_axis_of_any_size_is_judged_at_once() -> None:
    axis = convmm.geometry.Axis(1, 10**18, 10**18, stride=10**9 + 7, dilation=10**18, before=10**17)
    assert _is_idle(axis)
    assert not _is_idle(replace(axis, before=(10**9 + 7) * 10**8))
