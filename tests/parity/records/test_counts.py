"""The counts over a recorded sweep, and the order in which they are listed."""

import json
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from parity.cases.verdict import VERDICTS
from parity.cli.main import run_cli
from parity.records.counts import MOST_NAMED, Report, record_place
from parity.records.result import Record
from tests.support.recorded import Json, recorded, typed, write


def unexplained_sweep() -> list[Json]:
    """The recorded sweep, with no result explained, and verdicts of every kind."""
    lines = recorded()
    for record, verdict in zip(lines[1:], 2 * VERDICTS, strict=True):
        record["verdict"] = verdict
        for result in record["results"]:
            result |= {"explained": False, "reason": "for no reason"}
    return lines


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)
@given(data=st.data())
def test_a_report_is_the_same_whatever_the_order_of_the_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: st.DataObject
) -> None:
    header, *records = unexplained_sweep()
    shuffled = data.draw(st.permutations(records))
    for record in shuffled:
        record["results"] = data.draw(st.permutations(record["results"]))
    printed = []
    for lines in (unexplained_sweep(), [header, *shuffled]):
        file = str(write(tmp_path / "record.jsonl", lines))
        codes = (run_cli(["report", file]), run_cli(["report", file, "--json"]))
        printed.append((codes, capsys.readouterr()))
    assert printed[0] == printed[1]


def test_what_is_unexplained_is_listed_by_the_headers_suites_and_frameworks() -> None:
    header, *records = unexplained_sweep()
    backwards = {**header, "suites": ["second", "first"], "frameworks": header["frameworks"][::-1]}
    first, typed_records = typed([backwards, *records])
    report = Report(typed_records, first)
    commands = [each.command for each in report.unexplained]
    named = [record["command"] for record in (*records[3:], *records[:3])]
    assert list(dict.fromkeys(commands)) == named
    assert [row[0] for row, _ in report.rows] == sorted((row[0] for row, _ in report.rows), reverse=True)


def test_names_are_sorted_by_their_numbers_and_an_unknown_suite_comes_last() -> None:
    pairs = [("b", "case-2"), ("b", "case-10"), ("a", "case-1"), ("a", "case-x"), ("c", "case-0")]
    records = [
        Record(suite=suite, name=name, command="parity run", case={}, verdict="agree", results=())
        for suite, name in pairs
    ]
    backwards = records[::-1]
    assert sorted(backwards, key=lambda record: record_place(record, ["b", "a"])) == records


def test_what_this_version_does_not_know_is_listed_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = recorded()[:2]
    lines[1]["results"].insert(0, {**lines[1]["results"][-1], "output": "hessian", "spelling": "dialect"})
    file = write(tmp_path / "record.jsonl", lines)
    assert run_cli(["report", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][-1]["output"] == "hessian"


def test_a_suite_of_some_cases_is_reported_by_name_and_framework_and_a_large_one_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header, *records = recorded()
    many = [
        {**records[0], "suite": "many", "name": f"case-{number}", "command": f"parity run {number}"}
        for number in range(MOST_NAMED + 1)
    ]
    records[4]["results"][4] |= {"explained": False, "relation": "unrelated", "reason": "for no reason"}
    records[4]["verdict"] = "unexplained"
    lines = [{**header, "suites": ["many", "second", "first"]}, *records, *many]
    assert records[4]["results"][4]["framework"] == "torch"
    named = Report(typed(lines)[1], typed(lines)[0]).named
    assert list(named) == ["second", "first"]
    assert [name for name, _ in named["second"]] == ["layer-4", "layer-5", "layer-6"]
    assert dict(named["second"])["layer-5"] == {"numpy": "agree", "torch": "unexplained (unrelated)"}
    assert dict(named["first"])["layer-1"] == {"numpy": "agree", "torch": "agree"}
    file = str(write(tmp_path / "record.jsonl", lines))
    run_cli(["report", file, "--json"])
    document = json.loads(capsys.readouterr().out)
    assert {(each["suite"], each["name"]): each["results"] for each in document["cases"]} == {
        (suite, name): results for suite, cases in named.items() for name, results in cases
    }
    run_cli(["report", file])
    printed = capsys.readouterr().out
    assert "unexplained (unrelated)" in printed
    assert "case-7" not in printed


def test_a_suite_s_last_case_decides_whether_it_is_reported_by_name() -> None:
    record = typed(recorded())[1][0]
    cases = [
        replace(record, suite="s", name=f"case-{number}", command=f"parity run {number}")
        for number in range(MOST_NAMED + 1)
    ]
    assert len(Report(cases[:-1]).named["s"]) == MOST_NAMED
    assert Report(cases).named == {}
