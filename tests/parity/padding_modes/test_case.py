"""The padding mode of a case: as a field, on the command line, in files, and among many cases."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

import convmm
from parity import Case, strategies
from parity.cases.case import PADDING_MODES, CaseError
from parity.cases.condition import ConditionError, check_condition, meets
from parity.cases.op import OPS
from parity.cases.selection import Selection
from parity.cases.suites import SuiteError, load_suite
from parity.cli.main import run_cli
from parity.frameworks.known.registry import load_registry
from parity.frameworks.spelling import windows_agree
from parity.records.counts import Outcome
from parity.strategies.cases import selected_cases
from parity.strategies.simpler import simpler
from tests.support.filled import FILLED, filled_cases
from tests.support.strategies import CONVS, TRANSPOSES, examples

PLAIN = Case("conv1d", (1, 1, 4), 1, 3, padding=1)
FIELDS = ("op", "input", "filters", "kernel")
SUITE = """
[[product]]
name = "a"
op = ["conv1d"]
input = [[1, 1, 4]]
filters = [1]
kernel = [3]
padding = [1]
padding_mode = {}
"""


@examples(100)
@given(filled_cases(min_size=0))
def test_a_case_is_the_same_from_its_command_and_from_its_json(case: Case) -> None:
    assert f"--padding-mode {case.padding_mode}" in case.command
    assert Case.from_command(case.command) == case
    assert Case.from_dict(json.loads(json.dumps(case.to_dict()))) == case


def test_padding_of_zeros_is_written_nowhere_as_it_was_before_there_were_others() -> None:
    assert "padding_mode" not in PLAIN.to_dict()
    assert "padding" in PLAIN.explicit
    assert "padding_mode" not in PLAIN.explicit
    assert "mode" not in PLAIN.command
    assert Case.from_dict({**PLAIN.to_dict(), "padding_mode": "zeros"}) == PLAIN


@pytest.mark.parametrize("op", TRANSPOSES)
@pytest.mark.parametrize("mode", FILLED)
def test_a_transposed_convolution_has_zeros_only(op: str, mode: str) -> None:
    size = (3,) * int(op[-2])
    with pytest.raises(CaseError, match=f"padding_mode='{mode}': allowed is zeros with {op}"):
        Case(op, (1, 1, *size), 1, 2, padding_mode=mode)


@pytest.mark.parametrize("mode", ["symmetric", "", 1, None, ["reflect"]])
def test_another_mode_is_refused_with_those_there_are(mode: object) -> None:
    with pytest.raises(CaseError, match="allowed are zeros, reflect, replicate, circular"):
        replace(PLAIN, padding_mode=mode)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", FILLED)
@pytest.mark.parametrize("padding", [((1, 0), (1, 1)), ((0, 0), (2, 0))])
def test_there_is_nothing_to_fill_padding_of_an_empty_axis_with(mode: str, padding: object) -> None:
    arguments: dict[str, object] = {"kernel": 1, "padding": padding}
    assert Case.from_dict({"op": "conv2d", "input": (1, 1, 3, 0), "filters": 1, **arguments}).padding
    with pytest.raises(convmm.GeometryError, match=f"padding_mode='{mode}' on axis 1"):
        Case("conv2d", (1, 1, 3, 0), 1, 1, padding=padding, padding_mode=mode)  # type: ignore[arg-type]


def test_without_padding_all_modes_mean_the_same_and_with_it_none_do() -> None:
    for padding in (0, "valid", ((0, 1),)):  # the last is never read
        alike = [Case("conv1d", (1, 1, 4), 1, 2, 2, padding, padding_mode=mode) for mode in PADDING_MODES]
        assert {each.filled_with for each in alike} == {"zeros"}
        assert all(windows_agree(a, b) for a in alike for b in alike)
    padded = [replace(PLAIN, padding_mode=mode) for mode in PADDING_MODES]
    assert [each.filled_with for each in padded] == list(PADDING_MODES)
    assert all(windows_agree(a, b) == (a == b) for a in padded for b in padded)


@pytest.mark.parametrize("command", ["run", "explain", "check", "sizes"])
def test_the_command_line_takes_it(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = "conv1d --input 1,1,4 --filters 1 --kernel 3 --padding 1 --padding-mode".split()
    who = ["--frameworks", "torch"] if command in {"run", "check"} else []
    assert run_cli([command, *words, "reflect", *who]) == Outcome.EXPLAINED
    assert capsys.readouterr().out
    assert run_cli([command, *words, "mirror", *who]) == Outcome.WRONG_INPUT
    assert "'zeros', 'reflect', 'replicate', 'circular'" in capsys.readouterr().err


def test_explain_pads_with_what_the_mode_says(capsys: pytest.CaptureFixture[str]) -> None:
    run_cli(
        "explain conv1d --input 1,1,4 --filters 1 --kernel 1 --padding 2:1 --padding-mode reflect".split()
    )
    out = capsys.readouterr().out
    assert "2 1 0 1 2 3 2" in out


def test_a_suite_and_a_condition_name_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SUITE.format('["zeros", "circular"]'))
    found = [each.case for each in load_suite(str(path)).cases]
    assert [each.padding_mode for each in found] == ["zeros", "circular"]
    condition = {"padding_mode": ["circular", "reflect"]}
    check_condition(condition)
    assert [meets(each, condition) for each in found] == [False, True]
    with pytest.raises(ConditionError, match=r"padding_mode.*one of zeros, reflect, replicate, circular"):
        check_condition({"padding_mode": "wrap"})
    for wrong in ('["wrap"]', '"reflect"', "[1]"):
        path.write_text(SUITE.format(wrong))
        with pytest.raises(SuiteError, match="padding_mode"):
            load_suite(str(path))


def test_a_known_difference_may_be_of_one_mode(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    case = replace(PLAIN, padding_mode="reflect")
    path.write_text(f"""
[[divergence]]
name = "a"
framework = "torch"
version = ""
why = "w"
found = "f"
example = "{case.command}"
case.padding_mode = "reflect"
seen.status = "rejected"
seen.error = ["RuntimeError"]
""")
    (entry,) = load_registry(path)
    assert meets(case, entry.case)
    assert not meets(PLAIN, entry.case)


@examples(100)
@given(selected_cases(Selection(bounds={"min_size": 0})))
def test_a_selection_has_what_is_drawn_from_it(case: Case) -> None:
    assert case in Selection()
    assert (case in Selection(padding_modes=("zeros",))) == (case.padding_mode == "zeros")


@examples(50)
@given(strategies.cases(padding_modes=("circular",), min_size=0))
def test_of_one_mode_no_other_is_drawn_and_no_op_that_has_it_not(case: Case) -> None:
    assert (case.padding_mode, case.op in CONVS) == ("circular", True)


def test_there_are_no_transposed_cases_to_draw_of_a_mode() -> None:
    with pytest.raises(CaseError, match=r"padding_modes=.*allowed with the transposed ops is zeros"):
        strategies.cases(TRANSPOSES, padding_modes=("reflect",))
    with pytest.raises(CaseError, match="padding_modes: 'wrap' is not allowed"):
        strategies.cases(OPS, padding_modes=("wrap",))


def test_zeros_are_simpler() -> None:
    assert PLAIN in simpler(replace(PLAIN, padding_mode="circular"))
    assert all(each.padding_mode == "zeros" for each in simpler(PLAIN))


def test_no_tap_is_idle_where_padding_holds_elements() -> None:
    case = Case("conv1d", (1, 1, 1), 1, 2, padding=2, dilation=4)
    condition = {"any_axis": {"idle": True}}
    assert meets(case, condition)
    assert not any(meets(replace(case, padding_mode=mode), condition) for mode in FILLED)
