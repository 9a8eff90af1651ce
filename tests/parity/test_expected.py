"""The verdict that a suite expects of a case: another one is unexplained, wherever the case is compared."""

from __future__ import annotations

import io
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from parity.cases.verdict import VERDICTS
from parity.cli.main import run_cli
from parity.records.changes import changes, told
from parity.records.counts import Outcome, Report
from parity.records.junit import write_document
from parity.records.reader import read_records
from tests.support.nested import run
from tests.support.recorded import recorded, typed

pytest_plugins = ["pytester"]

CASE = """
[[case]]
name = "{0}"
op = "conv1d"
input = [1, 1, 4]
filters = 1
kernel = 2
expected = "{0}"
"""

KERNELS = """
import convmm

def right(x, w, bias=None, **arguments):
    return convmm.conv(x, w, bias, **arguments)

def wrong(x, w, bias=None, **arguments):
    return 2 * right(x, w, bias, **arguments) + 1
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with two functions, and a suite that expects each verdict of the same case."""
    monkeypatch.chdir(tmp_path)
    Path("kernels.py").write_text(KERNELS)
    Path("mine.toml").write_text("".join(map(CASE.format, VERDICTS)))
    return tmp_path


def sweep(impl: str, *more: str) -> int:
    return run_cli(f"sweep mine.toml --frameworks numpy --impl kernels:{impl}".split() + list(more))


@pytest.mark.usefixtures("folder")
def test_another_verdict_than_expected_is_unexplained_in_the_sweep_and_its_record(
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = "parity run conv1d --input 1,1,4 --filters 1 --kernel 2 --frameworks numpy --impl kernels:right"
    assert sweep("right", "--output", "out.jsonl") == Outcome.UNEXPLAINED
    swept = capsys.readouterr().out
    for expected in ("explained", "unexplained"):
        said = f"unexplained: {expected}: verdict: expected {expected}, found agree\n    {command}\n"
        assert said in swept
    assert "3 cases: 1 agree, 0 explained, 2 unexplained" in swept
    assert run_cli(["report", "out.jsonl", "--junit", "out.xml"]) == Outcome.UNEXPLAINED
    assert capsys.readouterr().out == swept
    document = ET.parse("out.xml")  # noqa: S314 - our own
    assert [found.get("message") for found in document.iter("failure")] == [
        "verdict: expected explained, found agree",
        "verdict: expected unexplained, found agree",
    ]
    assert [(each.verdict, each.expected) for each in read_records(Path("out.jsonl"))[1]] == [
        ("agree", each) for each in VERDICTS
    ]


@pytest.mark.usefixtures("folder")
def test_what_is_unexplained_as_was_expected_is_unexplained_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("mine.toml").write_text(CASE.format("unexplained"))
    assert sweep("wrong") == Outcome.UNEXPLAINED
    printed = capsys.readouterr().out
    assert "1 cases: 0 agree, 0 explained, 1 unexplained" in printed
    assert "expected" not in printed


@pytest.mark.usefixtures("folder")
def test_a_case_with_the_verdict_that_is_expected_is_explained() -> None:
    Path("mine.toml").write_text(CASE.format("agree"))
    assert sweep("right") == Outcome.EXPLAINED


@pytest.mark.usefixtures("folder")
def test_a_record_is_not_gone_on_with_under_another_expectation(capsys: pytest.CaptureFixture[str]) -> None:
    sweep("right", "--output", "out.jsonl")
    text = Path("mine.toml").read_text()
    Path("mine.toml").write_text(text.replace('expected = "agree"', ""))
    assert sweep("right", "--output", "out.jsonl", "--resume") == Outcome.WRONG_INPUT
    assert "mine agree: the expected verdict was agree and is none\n" in capsys.readouterr().err


def test_a_case_of_which_frameworks_crashed_has_no_other_verdict_than_expected() -> None:
    lines = recorded()[:2]
    lines[1] |= {"expected": "agree", "verdict": "unexplained"}
    lines[1]["results"][1] |= {"status": "crashed", "explained": False, "relation": None}
    header, records = typed(lines)
    assert Report(records, header).outcome is Outcome.CRASHED
    document = io.BytesIO()
    write_document(document, header, records)
    assert document.getvalue().count(b"<error ") == 1
    lines[1]["results"][2] |= {"explained": False}
    header, records = typed(lines)
    assert Report(records, header).outcome is Outcome.UNEXPLAINED
    assert records[0].unmet == "expected agree, found unexplained"


def test_a_case_without_a_result_is_not_what_was_expected() -> None:
    lines = recorded()[:2]
    lines[1] |= {"expected": "agree", "verdict": "unexplained", "results": []}
    header, records = typed(lines)
    assert Report(records, header).outcome is Outcome.UNEXPLAINED


def test_a_diff_tells_that_a_verdict_is_not_the_expected_one_any_more() -> None:
    before, after, bare = (recorded()[:2] for _ in range(3))
    before[1]["expected"], after[1]["expected"] = before[1]["verdict"], "explained"
    (old,), (new,), (without,) = (typed(lines)[1] for lines in (before, after, bare))
    (change,) = changes(told(old), told(new))
    assert (change.kind, change.how) == ("verdict", "agree -> agree (expected explained, found agree)")
    assert list(changes(told(without), told(new))) == []  # from before there was the key


OF_A_SUITE = """
import pytest
from parity.testing import assert_parity, assert_same_layer
from kernels import right

@pytest.mark.parity(suite="mine.toml")
def test_mine(parity_case):
    assert_parity(parity_case, ["numpy"], impl=right)

@pytest.mark.parity(suite="mine.toml")
def test_layer(parity_case):
    assert_same_layer(right, parity_case)
"""


def test_a_test_of_a_suite_fails_where_the_verdict_is_another(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    pytester.makefile(".toml", mine="".join(map(CASE.format, VERDICTS)))
    pytester.makepyfile(kernels=KERNELS, test_suite=OF_A_SUITE)
    result = run(pytester, "--parity-record", "run.jsonl")
    result.assert_outcomes(passed=2, failed=4)
    for expected in ("explained", "unexplained"):
        said = f"conv1d of an input 1x1x4: unexplained: its suite expected {expected}, found agree"
        errors = [line for line in result.outlines if line.startswith("E ") and line.endswith(said)]
        assert len(errors) == 2
        for name in ("test_mine", "test_layer"):
            result.stdout.fnmatch_lines([f"FAILED *{name}[[]{expected}] *"])
    assert run_cli(["report", str(pytester.path / "run.jsonl")]) == Outcome.UNEXPLAINED
    said = "unexplained: explained: verdict: expected explained, found agree"
    assert said in capsys.readouterr().out
