"""Which cases a selection has: what it is asked of a case that was not drawn from it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from convmm import GeometryError
from parity import Case, CaseError
from parity.cases.op import OPS
from parity.cases.selection import PADDING_KINDS, Bounds, Selection, is_within, words_of
from parity.cli.main import parity
from tests.support.strategies import cases, examples

NUMBERS: dict[str, Callable[[Case], Sequence[int]]] = {
    "kernel": lambda case: case.kernel,
    "stride": lambda case: case.stride,
    "dilation": lambda case: case.dilation,
    "size": lambda case: case.input[2:],
    "groups": lambda case: [case.groups],
    "channels": lambda case: [case.input[1]],
    "filters": lambda case: [case.filters],
    "batch": lambda case: [case.input[0]],
}


def within(case: Case, **bounds: Any) -> bool:  # noqa: ANN401 - a bound's
    return is_within(case, bounds)  # type: ignore[arg-type] # some of its keys


@examples(200)
@given(cases())
def test_a_case_is_within_its_own_numbers_and_not_within_one_less_or_more(case: Case) -> None:
    assert within(case)
    for name, of in NUMBERS.items():
        numbers = of(case)
        assert within(case, **{f"max_{name}": max(numbers), f"min_{name}": min(numbers)})
        assert not within(case, **{f"max_{name}": max(numbers) - 1})
        assert not within(case, **{f"min_{name}": min(numbers) + 1})


@examples(200)
@given(cases())
def test_padding_is_bounded_where_it_is_explicit(case: Case) -> None:
    pads = [] if isinstance(case.padding, str) else list(itertools.chain(*case.padding))
    most, added = max(pads, default=0), max(case.output_padding or [0])
    assert within(case, max_padding=most, max_output_padding=added)
    assert within(case, max_padding=most - 1) == (not pads)
    assert within(case, max_output_padding=added - 1) == (case.output_padding is None)


@pytest.mark.parametrize(
    ("padding", "kinds"),
    [
        (0, {"none", "symmetric", "pairs"}),
        (1, {"symmetric", "pairs"}),
        (((0, 1), (0, 0)), {"pairs"}),
        ("same", {"same"}),
        ("valid", {"valid"}),
    ],
)
def test_a_kind_of_padding_has_its_smaller_ones_among_it(padding: Any, kinds: set[str]) -> None:  # noqa: ANN401 - of every form
    case = Case("conv2d", (1, 1, 4, 4), 1, 2, padding=padding)
    assert {kind for kind in PADDING_KINDS if within(case, padding_kinds=(kind,))} == kinds


def test_a_bias_and_an_empty_output_are_selected_by() -> None:
    case = Case("conv_transpose1d", (1, 1, 1), 1, 2, padding=1, bias=True)
    assert 0 in case.output_shape
    assert within(case, biases=(True,), allow_empty=True)
    assert not within(case, biases=(False,))
    assert not within(case, allow_empty=False)


@examples(200)
@given(cases(), st.sets(st.sampled_from(OPS), min_size=1))
def test_a_selection_has_the_cases_of_its_words_and_bounds(case: Case, ops: set[str]) -> None:
    among = Selection(tuple(ops), (case.dtype,), (case.values,), {"max_groups": 1})
    assert (case in among) == (case.op in ops and case.groups == 1)
    assert case not in Selection(dtypes=[each for each in ("float64", "float32") if each != case.dtype])


def test_what_is_given_is_told_and_written_as_options() -> None:
    bounds: Bounds = {"max_groups": 1, "padding_kinds": ("none", "same"), "biases": (True, False)}
    among = Selection(ops=("conv1d",), bounds=bounds)
    assert among.given == {
        "ops": ["conv1d"],
        "max_groups": 1,
        "padding_kinds": ["none", "same"],
        "biases": [True, False],
    }
    assert words_of(among.given) == (
        "--ops", "conv1d", "--max-groups", "1", "--paddings", "none,same", "--biases", "yes,no"
    )  # fmt: skip
    assert Selection().given == {}


@pytest.mark.parametrize(
    ("bounds", "named"),
    [
        ({"max_group": 1}, "max_group"),
        ({"max_groups": 0}, "max_groups=0"),
        ({"max_groups": 1.5}, "max_groups=1.5"),
        ({"max_padding": -1}, "max_padding=-1"),
        ({"min_kernel": 3, "max_kernel": 2}, "min_kernel=3: allowed is at most max_kernel=2"),
        ({"padding_kinds": ["odd"]}, "'odd'"),
        ({"biases": []}, "biases=[]"),
    ],
)
def test_bounds_that_are_none_are_refused(bounds: Any, named: str) -> None:  # noqa: ANN401 - wrong ones
    with pytest.raises((CaseError, GeometryError)) as raised:
        Selection(bounds=bounds)
    assert named in str(raised.value)


@pytest.mark.parametrize("command", ["fuzz", "sweep", "check"])
def test_every_bound_is_an_option(command: str) -> None:
    found = parity.get_command(None, command)  # type: ignore[arg-type] # it needs no context
    assert found is not None
    names = {each.name for each in found.params}
    assert set(Bounds.__annotations__) - {"allow_empty"} <= names
