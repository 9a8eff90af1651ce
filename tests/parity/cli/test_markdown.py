"""Markdown for the summary of a CI job, and the sweep that compares at its end."""

from __future__ import annotations

import json
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from parity.cases.printable import printable
from parity.cli.main import run_cli
from parity.markup.markdown import code, plain, table
from parity.records.counts import Outcome
from tests.support.recorded import recorded, write

HOSTILE = st.text(st.sampled_from("ab1 \\`*_[]()<>|~#&@$!:/-+.\n'\"é\u202e")) | st.text(max_size=20)

READER = MarkdownIt("gfm-like", {"html": True, "linkify": False})


def cells(markdown: str) -> list[list[str]]:
    """The texts of the cells of a table, as a reader of GitHub's Markdown sees them."""
    rows: list[list[str]] = []
    for token in READER.parse(markdown):
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline" and rows and token.level > 3:
            parts = token.children or []
            allowed = {"text", "text_special", "html_inline"}
            assert {part.type for part in parts} <= allowed
            assert {part.content for part in parts if part.type == "html_inline"} <= {"<code>", "</code>"}
            rows[-1].append("".join(part.content for part in parts if part.type != "html_inline"))
    return rows


@given(st.lists(HOSTILE, min_size=2, max_size=2))
def test_a_text_of_anybody_s_shows_as_it_is_in_its_own_cell(texts: list[str]) -> None:
    shown = [" ".join(printable(text).split()) for text in texts]
    written = table(("a", "b"), [(plain(texts[0]), code(texts[1]))])
    assert cells(written) == [["a", "b"], shown]


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Two records of which one has a result that the other has not, under a name that is markup."""
    lines = recorded()
    old = write(tmp_path / "old.jsonl", lines)
    lines[2]["name"] = "<script>|@all"
    lines[2]["verdict"] = "unexplained"
    lines[2]["results"][1] |= {"relation": "unrelated", "explained": False, "reason": "`for` no *reason*"}
    return str(old), str(write(tmp_path / "new.jsonl", lines))


def test_a_report_as_markdown_has_what_json_has(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["report", files[1], "--markdown"]) == Outcome.UNEXPLAINED
    shown = capsys.readouterr().out
    run_cli(["report", files[1], "--json"])
    document = json.loads(capsys.readouterr().out)
    assert "<script>" not in shown
    rows = cells(shown)
    for each in document["unexplained"]:
        assert [each["name"], each["result"], each["reason"], each["command"]] in rows
    for each in document["explained"]:
        assert [each["reason"], str(each["count"]), each["command"]] in rows
    names = [used["framework"] for used in document["frameworks"] if used["framework"] != "numpy"]
    assert len(document["cases"]) == 6
    for each in document["cases"]:
        assert [each["name"], *(each["results"].get(name, "") for name in names)] in rows
    assert len(document["unexplained"]) == 1
    assert document["explained"]


def test_a_diff_as_markdown_has_what_json_has(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["diff", *files, "--markdown"]) == Outcome.UNEXPLAINED
    shown = capsys.readouterr().out
    run_cli(["diff", *files, "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["changes"]
    assert "<script>" not in shown
    rows = cells(shown)
    for each in document["changes"]:
        first = each["cases"][0]
        about = [each["kind"], str(each["count"]), each["result"] or "", each["how"]]
        assert [*about, first["name"], first["command"]] in rows


def test_a_diff_names_a_case_before_its_command(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    run_cli(["diff", *files])
    assert " (<script>|@all)\n    parity run " in capsys.readouterr().out


@pytest.mark.parametrize("command", ["report", "diff"])
def test_markdown_and_json_are_two_outputs(
    files: tuple[str, str], command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    named = files if command == "diff" else files[:1]
    assert run_cli([command, *named, "--markdown", "--json"]) == Outcome.WRONG_INPUT
    assert "--markdown" in capsys.readouterr().err


SWEEP = ("sweep", "mine.toml", "--frameworks", "numpy,torch", "--jobs", "1")

SUITE = """
[[case]]
name = "first"
op = "conv1d"
input = [1, 1, 5]
filters = 1
kernel = 2
"""


def test_a_sweep_compares_with_a_baseline_at_its_end_also_where_something_is_unexplained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(SUITE, encoding="utf-8")
    assert run_cli([*SWEEP, "--output", "trusted.jsonl"]) == Outcome.EXPLAINED
    capsys.readouterr()
    assert run_cli([*SWEEP, "--output", "same.jsonl", "--baseline", "trusted.jsonl"]) == Outcome.EXPLAINED
    assert capsys.readouterr().out.endswith("0 of 1 case in both changed\n")
    header, record = Path("trusted.jsonl").read_text(encoding="utf-8").splitlines()
    moved = json.loads(record)
    moved["results"][1]["relation"] = "flipped"
    write(Path("moved.jsonl"), [json.loads(header), moved])
    assert run_cli([*SWEEP, "--output", "other.jsonl", "--baseline", "moved.jsonl"]) == Outcome.UNEXPLAINED
    shown = capsys.readouterr().out
    assert "gone difference, 1 case: torch native: flipped -> identical (first)\n" in shown
    Path("wrong.toml").write_text(f'{SUITE}expected = "explained"\n', encoding="utf-8")
    wrong = ["sweep", "wrong.toml", *SWEEP[2:], "--output", "wrong.jsonl", "--baseline", "trusted.jsonl"]
    assert run_cli(wrong) == Outcome.UNEXPLAINED
    shown = capsys.readouterr().out
    assert "unexplained: first: verdict: " in shown
    assert shown.endswith("0 of 1 case in both changed\n")


def test_a_baseline_that_is_no_record_is_said_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(SUITE, encoding="utf-8")
    assert run_cli([*SWEEP, "--output", "new.jsonl", "--baseline", "none.jsonl"]) == Outcome.WRONG_INPUT
    assert not Path("new.jsonl").exists()
    assert run_cli([*SWEEP, "--baseline", "mine.toml"]) == Outcome.WRONG_INPUT
    assert "mine.toml" in capsys.readouterr().err


def test_without_a_record_of_its_own_a_sweep_compares_all_the_same_and_never_with_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(SUITE, encoding="utf-8")
    assert run_cli([*SWEEP, "--output", "trusted.jsonl"]) == Outcome.EXPLAINED
    assert run_cli([*SWEEP, "--baseline", "trusted.jsonl"]) == Outcome.EXPLAINED
    assert capsys.readouterr().out.endswith("0 of 1 case in both changed\n")
    itself = ["--output", "trusted.jsonl", "--resume", "--baseline", "trusted.jsonl"]
    assert run_cli([*SWEEP, *itself]) == Outcome.WRONG_INPUT
    assert "another file than --output's" in capsys.readouterr().err
