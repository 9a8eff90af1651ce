from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import convmm
from convmm import GeometryError
from parity import Case, CaseError
from parity.cases.values.drawing import draw_arrays
from tests.support.strategies import cases, changed, exact_cases_with_an_output, examples, written_forms

SMALL: dict[str, Any] = {"op": "conv_transpose2d", "input": (1, 4, 5, 5), "filters": 2, "kernel": 3}


@examples(200)
@given(cases())
def test_a_case_survives_the_way_through_json(case: Case) -> None:
    assert Case.from_dict(json.loads(json.dumps(case.to_dict()))) == case


@examples(200)
@given(cases())
def test_a_case_survives_the_way_through_its_command(case: Case) -> None:
    assert Case.from_command(case.command) == case


@examples(100)
@given(st.data())
def test_a_case_written_in_another_form_is_the_same_case(data: st.DataObject) -> None:
    case = data.draw(cases())
    other = data.draw(written_forms(case))
    assert other == case
    assert hash(other) == hash(case)
    assert other.command == case.command
    assert other.to_dict() == case.to_dict()


@examples(200)
@given(cases(), cases())
def test_two_cases_have_one_command_exactly_when_they_are_equal(one: Case, other: Case) -> None:
    assert (one.command == other.command) == (one == other)


@examples(100)
@given(cases())
def test_a_command_is_made_of_words_that_need_no_quotes(case: Case) -> None:
    assert not set(case.command) & set("'\"\\;&|()[]$*?")


@examples(150)
@given(exact_cases_with_an_output())
def test_explicit_arguments_mean_what_the_case_means(case: Case) -> None:
    arrays = draw_arrays(case)
    own = {name: getattr(case, name) for name in case.explicit}
    function = getattr(convmm, case.op)
    np.testing.assert_array_equal(function(*arrays, **case.explicit), function(*arrays, **own), strict=True)


@examples(100)
@given(cases())
def test_explicit_arguments_leave_nothing_to_default(case: Case) -> None:
    explicit = case.explicit
    assert ("output_padding" in explicit) == case.transposed
    for name in set(explicit) - {"groups", "padding"}:
        assert [type(number) for number in explicit[name]] == [int] * case.rank
    assert [[type(number) for number in pair] for pair in explicit["padding"]] == [[int, int]] * case.rank


@examples(100)
@given(cases())
def test_the_shapes_of_a_case_are_those_of_its_arrays_and_of_what_convmm_returns(case: Case) -> None:
    x, w, _ = draw_arrays(replace(case, values="integers", dtype="float64"))
    assert (x.shape, w.shape) == (case.input, case.kernel_shape)
    assert getattr(convmm, case.op)(x, w, **case.explicit).shape == case.output_shape


def test_short_forms_are_spread_over_the_axes() -> None:
    case = Case("conv2d", [1, 2, 9, 9], 3, 3, stride=2, padding=1)
    assert (case.input, case.kernel, case.stride) == ((1, 2, 9, 9), (3, 3), (2, 2))
    assert (case.padding, case.dilation) == (((1, 1), (1, 1)), (1, 1))


def test_numpy_integers_become_plain_ones() -> None:
    case = Case("conv1d", [1, 2, 9], 3, np.int64(3))
    assert case == Case("conv1d", (1, 2, 9), 3, 3)
    assert type(case.kernel[0]) is int


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, ""),
        ({"stride": (2, 1)}, " --stride 2,1"),
        ({"padding": 1}, " --padding 1"),
        ({"padding": (0, 1)}, " --padding 0,1"),
        ({"padding": ((0, 1), (1, 1))}, " --padding 0:1,1:1"),
        ({"padding": "same"}, " --padding same"),
        ({"padding": "valid"}, " --padding valid"),
        ({"output_padding": 0}, " --output-padding 0"),
        ({"stride": 2, "output_padding": (1, 0)}, " --stride 2 --output-padding 1,0"),
        ({"dilation": 2}, " --dilation 2"),
        ({"groups": 2, "bias": True}, " --groups 2 --bias"),
        ({"dtype": "bfloat16", "values": "normal", "seed": 7}, " --dtype bfloat16 --values normal --seed 7"),
    ],
)
def test_a_command_names_what_is_not_default_and_nothing_else(arguments: dict[str, Any], words: str) -> None:
    expected = f"parity run conv_transpose2d --input 1,4,5,5 --filters 2 --kernel 3{words}"
    assert Case(**SMALL, **arguments).command == expected


def test_a_command_gives_every_size_of_an_input_whose_sizes_are_equal() -> None:
    case = Case("conv2d", (2, 2, 2, 2), 2, 2)
    assert case.command == "parity run conv2d --input 2,2,2,2 --filters 2 --kernel 2"
    assert Case.from_command(case.command) == case


INVALID = [
    ("op", "conv4d", CaseError, ["op='conv4d'", "conv_transpose3d"]),
    ("op", None, CaseError, ["op=None", "conv1d"]),
    ("input", (1, 4, 5), CaseError, ["input=(1, 4, 5)", "conv_transpose2d", "4 sizes"]),
    ("input", 4, CaseError, ["input=", "4 sizes"]),
    ("input", "1,4,5,5", CaseError, ["input=", "4 sizes"]),
    ("input", ((1, 4), (5,)), CaseError, ["input=((1, 4), (5,))", "4 sizes"]),
    ("input", (1, 4, -1, 5), GeometryError, ["input=(1, 4, -1, 5)", "axis 2", "at least 0"]),
    ("input", (-1, 4, 5, 5), GeometryError, ["input=(-1, 4, 5, 5)", "axis 0", "at least 0"]),
    ("input", (1, 4, 5.5, 5), GeometryError, ["input=(1, 4, 5.5, 5)", "axis 2", "an int"]),
    ("input", (1, True, 5, 5), GeometryError, ["input=(1, True, 5, 5)", "axis 1", "an int"]),
    ("filters", -1, GeometryError, ["filters=-1", "at least 0"]),
    ("filters", 1.0, GeometryError, ["filters=1.0", "an int"]),
    ("filters", True, GeometryError, ["filters=True", "an int"]),
    ("filters", None, GeometryError, ["filters=None", "an int"]),
    ("kernel", 0, GeometryError, ["kernel=0", "at least 1"]),
    ("kernel", (3, 3, 3), GeometryError, ["kernel=(3, 3, 3)", "2 axes"]),
    ("kernel", (3, "3"), GeometryError, ["kernel=(3, '3')", "axis 1", "an int"]),
    ("stride", 0, GeometryError, ["stride=0", "at least 1"]),
    ("stride", (1, -1), GeometryError, ["stride=(1, -1)", "axis 1", "at least 1"]),
    ("padding", -1, GeometryError, ["padding=-1", "at least 0"]),
    ("padding", "full", GeometryError, ["padding='full'", "'same'", "'valid'"]),
    ("padding", ((0, 1),), GeometryError, ["padding=((0, 1),)", "2 axes"]),
    ("padding", ((0, 1), 1), GeometryError, ["padding=((0, 1), 1)", "axis 1", "pair"]),
    ("padding", ((0, 1), (-1, 1)), GeometryError, ["padding=((0, 1), (-1, 1))", "axis 1", "at least 0"]),
    ("padding", 99, GeometryError, ["padding=(99, 99)", "axis 0", "at most the 7"]),
    ("output_padding", 1, GeometryError, ["output_padding=1", "axis 0", "stride=1"]),
    ("output_padding", -1, GeometryError, ["output_padding=-1", "at least 0"]),
    ("output_padding", (0, 0, 0), GeometryError, ["output_padding=(0, 0, 0)", "2 axes"]),
    ("dilation", 0, GeometryError, ["dilation=0", "at least 1"]),
    ("dilation", (1,), GeometryError, ["dilation=(1,)", "2 axes"]),
    ("groups", 0, GeometryError, ["groups=0", "at least 1"]),
    ("groups", 3, GeometryError, ["groups=3", "divisor of the 4 input channels"]),
    ("groups", 4, GeometryError, ["groups=4", "divisor of the 2 filters"]),
    ("bias", 1, CaseError, ["bias=1", "True"]),
    ("bias", None, CaseError, ["bias=None", "True"]),
    ("dtype", "float8", CaseError, ["dtype='float8'", "bfloat16"]),
    ("values", "ones", CaseError, ["values='ones'", "integers, normal, wide, special, digits, arange"]),
    ("seed", -1, GeometryError, ["seed=-1", "at least 0"]),
    ("seed", "0", GeometryError, ["seed='0'", "an int"]),
]


@pytest.mark.parametrize(
    ("field", "value", "error", "parts"), INVALID, ids=[f"{field}={value}" for field, value, _, _ in INVALID]
)
def test_an_invalid_field_is_named_with_its_value_and_what_is_allowed(
    field: str, value: object, error: type[ValueError], parts: list[str]
) -> None:
    with pytest.raises(error) as raised:
        Case(**{**SMALL, field: value})
    assert [part for part in parts if part not in str(raised.value)] == [], str(raised.value)


def test_output_padding_beside_an_ordinary_convolution_is_an_error() -> None:
    with pytest.raises(
        CaseError, match=r"output_padding=0: allowed with the transposed ops, not with conv1d"
    ):
        Case("conv1d", (1, 1, 5), 1, 3, output_padding=0)


def test_a_kernel_that_does_not_fit_in_the_padded_input_is_an_error() -> None:
    with pytest.raises(GeometryError, match=r"spans 7 elements \(dilation=3\): .* the padded input's 6"):
        Case("conv1d", (1, 1, 5), 1, 3, dilation=3, padding=((1, 0),))


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(CaseError, match=r"strides=2: no such field; allowed are op, input, .*stride"):
        Case.from_dict({**SMALL, "strides": 2})


@pytest.mark.parametrize("field", ["op", "input", "filters", "kernel"])
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(CaseError, match=f"^{field} is missing"):
        Case.from_dict({name: value for name, value in SMALL.items() if name != field})


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        ("", ["parity run OP"]),
        ("parity run", ["parity run OP"]),
        ("parity sweep conv1d", ["parity run OP"]),
        ("parity run conv1d --input '1,1,5", ["--input '1,1,5", "quotation"]),
        ("parity run conv1d --input 1,1,5 --filters 1 --kernel 3 --strides 2", ["'--strides'", "--stride"]),
        ("parity run conv_transpose1d --output_padding 1", ["'--output_padding'", "--output-padding"]),
        ("parity run conv1d 3", ["'3'", "--input"]),
        ("parity run conv1d --input 1,x,5", ["--input", "'1,x,5'", "1x3x8x8"]),
        ("parity run conv1d --filters one", ["--filters", "'one'", "int"]),
        ("parity run conv1d --filters", ["--filters", "''", "int"]),
        ("parity run conv1d --padding some", ["--padding", "'some'", "1:2,0:1"]),
        ("parity run conv1d --input 1,1,5 --filters 1", ["kernel is missing"]),
    ],
)
def test_a_command_that_runs_no_case_is_refused_with_the_word_at_fault(
    command: str, parts: list[str]
) -> None:
    with pytest.raises(CaseError) as raised:
        Case.from_command(command)
    assert [part for part in parts if part not in str(raised.value)] == [], str(raised.value)


PADDINGS = st.sampled_from(["valid", "same"]) | st.integers(-1, 3) | st.lists(st.integers(-1, 3), max_size=3)


@examples(300)
@given(cases(), PADDINGS, st.none() | st.lists(st.integers(-1, 3), min_size=1, max_size=3))
def test_another_padding_gives_the_case_that_has_it_from_the_start(
    case: Case,
    padding: Any,  # noqa: ANN401 - any of its forms
    added: list[int] | None,
) -> None:
    def made(make: Callable[[], Case]) -> Case | str:
        try:
            return make()
        except (CaseError, GeometryError) as error:
            return str(error)

    fresh = made(lambda: changed(case, padding=padding, output_padding=added))
    assert made(lambda: case.padded(padding, added)) == fresh


def test_a_case_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Case(**SMALL).seed = 1  # type: ignore[misc] # that it is frozen is the point


@examples(60)
@given(cases(), st.data())
def test_what_is_worked_out_once_is_that_of_another_padding(case: Case, data: st.DataObject) -> None:
    names = [name for name, value in vars(Case).items() if isinstance(value, cached_property)]
    assert "geometry" in names
    for name in names:
        getattr(case, name)
    pads = data.draw(st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * case.rank))
    try:
        fresh = replace(case, padding=pads, output_padding=None)
    except (CaseError, GeometryError):
        return
    other = case.padded(pads, None)
    assert [getattr(other, name) for name in names] == [getattr(fresh, name) for name in names]
