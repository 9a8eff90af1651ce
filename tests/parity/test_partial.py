"""A function that can do a part of the operations, and says so: neither a finding nor a pass."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import SkipTest
from xml.etree import ElementTree as ET

import hypothesis.strategies as st
import pytest
from hypothesis import given
from hypothesis.errors import FailedHealthCheck, Unsatisfiable

from parity import Case, run
from parity.cases.case import DTYPES
from parity.cli.main import run_cli
from parity.frameworks.function import usual_dtypes
from parity.frameworks.table import find_framework
from parity.records.counts import Outcome, Report
from parity.records.result import Result
from parity.running import run_with
from parity.strategies import cases
from parity.testing import assert_parity, assert_same_layer
from parity.testing.surroundings import Surroundings, surrounded
from tests.support import partial
from tests.support.scripted import Scripted, spelling_of
from tests.support.strategies import examples

pytestmark = pytest.mark.usefixtures("shared_processes")

PARTIAL = "tests.support.partial:without_groups_and_dilation"
PLAIN = Case("conv2d", (1, 2, 4, 4), 2, 2)
GROUPED = Case("conv2d", (1, 2, 4, 4), 2, 2, groups=2)
DILATED = Case("conv2d", (1, 2, 4, 4), 2, 2, dilation=2)


def result_of(case: Case, impl: Any) -> Result:  # noqa: ANN401 - a function, or what names one
    """What a function's call was recorded as."""
    return run(case, ["numpy"], impl=impl).results[-1]


# What is recorded


@examples(60)
@given(cases(), st.sampled_from([PARTIAL, partial.without_groups_and_dilation]))
def test_what_a_function_says_it_cannot_do_is_unsupported_and_explained(case: Case, impl: object) -> None:
    found = run(case, ["numpy"], impl=impl)  # type: ignore[arg-type] # of both kinds
    result = found.results[-1]
    said = "groups" if case.groups > 1 else "dilation" if max(case.dilation) > 1 else None
    assert result.explained
    assert found.verdict in ({"agree", "explained"} if said is None else {"explained"})
    assert result.status == ("ok" if said is None else "unsupported")
    assert said in {None, result.reason}
    assert result.error == (said and f"NotImplementedError: {said}")


def test_without_a_message_the_reason_says_what_it_raised() -> None:
    assert result_of(PLAIN, partial.nothing).reason == "it raised NotImplementedError, and said no more"


def test_a_class_of_ones_own_says_the_same_on_one_line() -> None:
    found = result_of(PLAIN, partial.of_a_subclass)
    assert (found.status, found.error) == ("unsupported", "OwnError: no kernels of this kind")
    assert found.reason == "no kernels of this kind"


def test_every_other_exception_of_a_function_stays_a_finding() -> None:
    def raising(*_: object, **__: object) -> None:
        msg = "no groups"
        raise RuntimeError(msg)  # what NotImplementedError is a kind of

    found = result_of(PLAIN, raising)
    assert (found.status, found.explained) == ("rejected", False)


def test_a_framework_that_raises_the_same_is_a_finding_as_before() -> None:
    torch = pytest.importorskip("torch")
    eighth = torch.zeros(3, dtype=torch.float8_e4m3fn)
    with pytest.raises(NotImplementedError, match="not implemented for 'Float8_e4m3fn'") as raised:
        _ = eighth + eighth
    found = Scripted((spelling_of(PLAIN),), raised.value)
    result = run_with(PLAIN, [found]).results[0]
    assert (result.status, result.explained) == ("rejected", False)
    assert result.error == f"NotImplementedError: {raised.value}"


@dataclass(frozen=True)
class Candid(Scripted):
    """A framework that says by an exception that it has no such operation."""

    @property
    def unsupported_by(self) -> tuple[type[BaseException], ...]:
        return (KeyError,)


def test_a_framework_may_say_by_which_exceptions_it_says_so() -> None:
    result = run_with(PLAIN, [Candid((spelling_of(PLAIN),), KeyError("conv"))]).results[0]
    assert (result.status, result.explained, result.reason) == ("unsupported", True, "'conv'")


# Commands


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code of a command, and what it prints."""
    code = run_cli(arguments)
    return code, capsys.readouterr().out


def test_a_run_ends_well_beside_a_framework_and_with_nothing_compared_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = [*GROUPED.command.split()[1:], "--impl", PARTIAL]
    code, out = ran(capsys, *asked, "--frameworks", "numpy")
    assert code == Outcome.NOTHING_COMPARED
    assert out.count("groups\n") == 1  # what it raised is the reason, and said once
    assert ran(capsys, *asked, "--frameworks", "torch")[0] == Outcome.EXPLAINED
    asked = [*GROUPED.command.split()[1:], "--impl", "tests.support.partial:wrong_where_it_can"]
    assert ran(capsys, *asked, "--frameworks", "numpy")[0] == Outcome.NOTHING_COMPARED


def fuzz(impl: str, examples: int, database: Path) -> list[str]:
    """The words of a search for what is wrong with a function."""
    given = ["fuzz", "--frameworks", "numpy", "--impl", impl]
    return [*given, "--examples", str(examples), "--database", str(database)]


def test_a_search_counts_what_a_function_cannot_do_beside_its_findings(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = fuzz(PARTIAL, 300, tmp_path)
    code, out = ran(capsys, *given, "--json")
    document = json.loads(out)
    assert code == Outcome.EXPLAINED
    assert document["findings"] == []
    assert document["verdicts"]["agree"] + document["verdicts"]["explained"] == 300
    counts = {each["reason"]: each["count"] for each in document["declined"]}
    assert counts.keys() == {"groups", "dilation"}
    assert 0 < document["verdicts"]["agree"] <= 300 - sum(counts.values())
    code, out = ran(capsys, *given)
    assert (
        f"unsupported, as it says: {PARTIAL} native, {sum(counts.values())} results: "
        f"groups ({counts['groups']}), dilation ({counts['dilation']})\n"
    ) in out


def test_a_search_finds_what_is_wrong_of_what_a_function_can_do(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out = ran(capsys, *fuzz("tests.support.partial:wrong_where_it_can", 200, tmp_path), "--json")
    found = [each["case"] for each in json.loads(out)["findings"]]
    assert code == Outcome.UNEXPLAINED
    assert {(case["groups"], *case["dilation"]) for case in found} == {(1, 1)}


def test_a_search_is_in_float32_alone_unless_a_dtype_is_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = [*fuzz("tests.support.partial:no_bfloat16", 40, tmp_path), "--json"]
    code, out = ran(capsys, *given)
    assert (code, json.loads(out)["findings"]) == (Outcome.EXPLAINED, [])
    code, out = ran(capsys, *given, "--dtypes", "bfloat16,float16")
    findings = json.loads(out)["findings"]
    assert code == Outcome.UNEXPLAINED
    assert {(each["cause"]["error"], *each["dtypes"]) for each in findings} == {("TypeError", "bfloat16")}
    assert set(usual_dtypes([find_framework("numpy")])) == set(DTYPES)


def test_a_search_of_which_nothing_is_supported_compared_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = fuzz("tests.support.partial:nothing", 30, tmp_path)
    assert ran(capsys, *given)[0] == Outcome.NOTHING_COMPARED


SUITE = """
description = "One that it has, and one that it has not."
[[product]]
name = "some"
op = ["conv1d"]
input = [[1, 2, 5]]
filters = [2]
kernel = [2]
groups = [1, 2]
"""


def test_a_sweep_and_its_reports_count_it_as_unsupported_and_skipped(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    suite, record, junit = (tmp_path / name for name in ("some.toml", "out.jsonl", "out.xml"))
    suite.write_text(SUITE)
    asked = ["sweep", str(suite), "--frameworks", "numpy", "--impl", PARTIAL, "--output", str(record)]
    assert ran(capsys, *asked)[0] == Outcome.EXPLAINED
    code, out = ran(capsys, "report", str(record), "--json", "--junit", str(junit))
    document = json.loads(out)
    assert (code, document["unexplained"]) == (Outcome.EXPLAINED, [])
    [row] = [each for each in document["rows"] if each["framework"] == PARTIAL]
    assert (row["agree"], row["unsupported"], row["refused"], row["unexplained"]) == (1, 1, 0, 0)
    _, out = ran(capsys, "report", str(record))
    assert f"unsupported, as it says: {PARTIAL} native, 1 results: groups (1)" in out
    tests = list(ET.parse(junit).iter("testcase"))  # noqa: S314 - our own
    skipped = [test.find("skipped") for test in tests]
    assert [each is not None for each in skipped] == [False, True]
    assert skipped[1] is not None
    assert skipped[1].get("message") == (
        f"nothing was compared; {PARTIAL} native: NotImplementedError: groups"
    )


def test_no_law_applies_to_what_a_function_cannot_do(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = ran(capsys, "check", *DILATED.command.split()[2:], "--impl", PARTIAL, "--json")
    laws = json.loads(out)["laws"]
    assert code == Outcome.NOTHING_COMPARED
    assert {law["status"] for law in laws} == {"not applicable"}
    assert all("unsupported: dilation" in law["message"] for law in laws)
    assert ran(capsys, "check", *PLAIN.command.split()[2:], "--impl", PARTIAL)[0] == Outcome.EXPLAINED


def test_an_adjoint_that_cannot_do_it_costs_its_own_law_alone(capsys: pytest.CaptureFixture[str]) -> None:
    impl = "tests.support.coincidences:right"
    asked = ["check", *DILATED.command.split()[2:], "--impl", impl, "--adjoint", PARTIAL, "--json"]
    code, out = ran(capsys, *asked)
    statuses = {law["name"]: law["status"] for law in json.loads(out)["laws"]}
    assert code == Outcome.EXPLAINED
    assert statuses["adjointness"] == "not applicable"
    assert statuses["linearity in the input"] == "holds"


def test_a_layer_that_a_framework_has_not_is_none_that_a_call_declined() -> None:
    found = run(Case("conv_transpose2d", (1, 2, 3, 3), 2, 3, stride=2, padding="same"), ["torch"])
    assert found.results[0].status == "unsupported"
    assert not Report([found.record]).declined


# Assertions


@contextmanager
def nothing_skipped() -> Iterator[None]:
    """Fail where what is inside would have this test skipped."""
    try:
        yield
    except SkipTest as error:
        pytest.fail(f"it was skipped: {error}")


@pytest.mark.parametrize("frameworks", [["numpy"], ["torch"]])
def test_an_assertion_about_what_a_function_cannot_do_is_skipped_with_its_reason(
    frameworks: list[str],
) -> None:
    what = f"conv2d of an input 1x2x4x4: {PARTIAL} says that it is unsupported: groups"
    with pytest.raises(SkipTest, match=f"^{what}$"):
        assert_parity(GROUPED, frameworks, impl=PARTIAL)
    with pytest.raises(SkipTest, match=f"^{what}$"):
        assert_same_layer(partial.without_groups_and_dilation, GROUPED)
    with nothing_skipped():
        assert_parity(PLAIN, frameworks, impl=PARTIAL)
    with pytest.raises(AssertionError, match=r"unexplained: tests\.support\.partial:wrong_where_it_can "):
        assert_parity(PLAIN, frameworks, impl=partial.wrong_where_it_can)


def test_what_is_wrong_beside_it_fails_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Scripted((spelling_of(GROUPED),), ValueError("not today"), name="numpy")
    monkeypatch.setattr("parity.frameworks.contestants.find_framework", lambda _: wrong)
    failing = pytest.raises(AssertionError, match="unexplained: numpy native")
    with surrounded(Surroundings()), nothing_skipped(), failing:
        assert_parity(GROUPED, ["numpy"], impl=partial.nothing)


def test_in_a_property_only_the_example_is_rejected() -> None:
    tried: list[Case] = []

    @examples(30)
    @given(cases(["conv1d"], max_groups=2, max_dilation=1))
    def some_are_supported(case: Case) -> None:
        assert_parity(case, ["numpy"], impl=partial.without_groups_and_dilation)
        tried.append(case)

    @examples(30)
    @given(cases(["conv1d"], min_groups=2))
    def none_is_supported(case: Case) -> None:
        assert_parity(case, ["numpy"], impl=partial.without_groups_and_dilation)

    with nothing_skipped():
        some_are_supported()
    assert {case.groups for case in tried} == {1}
    with nothing_skipped(), pytest.raises((Unsatisfiable, FailedHealthCheck)):
        none_is_supported()
