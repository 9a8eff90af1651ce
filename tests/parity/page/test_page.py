"""The command that writes a page: whole or not at all, and what is wrong with its arguments."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from parity.cli.main import run_cli
from parity.page.page import make_page
from parity.records.counts import Outcome
from tests.support.recorded import recorded, write


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return write(tmp_path / "record.jsonl", recorded())


def test_a_page_asks_for_nothing_and_is_replaced_whole(record: Path) -> None:
    page = record.with_name("page.html")
    page.write_text("from last night")
    assert run_cli(["report", str(record), "--html", str(page)]) == Outcome.EXPLAINED
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert text.rstrip().endswith("</html>")
    for asked in ("src=", "@import", "url(", "<link", "fetch(", "XMLHttpRequest"):
        assert asked not in text
    assert sorted(each.name for each in record.parent.iterdir()) == ["page.html", "record.jsonl"]


@pytest.mark.parametrize(
    "name", ["no/page.html", "record.jsonl", "old.jsonl", "folder", "pipe", "long" * 100]
)
def test_where_nothing_can_be_written_one_sentence_says_so_and_nothing_is_touched(
    record: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    old = write(record.with_name("old.jsonl"), recorded())
    record.with_name("folder").mkdir()
    os.mkfifo(record.with_name("pipe"))
    before = sorted((each, each.stat().st_mtime_ns) for each in record.parent.iterdir())
    page = record.parent / name
    code = run_cli(["report", str(record), "--html", str(page), "--against", str(old)])
    printed = capsys.readouterr()
    assert (code, printed.out, len(printed.err.splitlines())) == (Outcome.WRONG_INPUT, "", 1)
    assert f"{name} cannot be written: " in printed.err
    assert sorted((each, each.stat().st_mtime_ns) for each in record.parent.iterdir()) == before


def test_two_outputs_are_two_files(record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(record.with_name("out"))
    assert run_cli(["report", str(record), "--html", out, "--junit", out]) == Outcome.WRONG_INPUT
    assert "allowed are two files" in capsys.readouterr().err
    assert [each.name for each in record.parent.iterdir()] == ["record.jsonl"]


def test_an_older_record_needs_a_page(record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["report", str(record), "--against", str(record)]) == Outcome.WRONG_INPUT
    assert "--against OLD: allowed beside --html OUT" in capsys.readouterr().err


def test_an_older_record_that_is_none_is_refused(record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, missing = record.with_name("page.html"), record.with_name("missing.jsonl")
    assert run_cli(["report", str(record), "--html", str(page), "--against", str(missing)]) == 2
    assert "missing.jsonl cannot be read" in capsys.readouterr().err
    assert not page.exists()


def test_a_record_without_a_case_and_one_that_is_torn_have_a_page(tmp_path: Path) -> None:
    lines = recorded()
    empty = make_page(write(tmp_path / "empty.jsonl", lines[:1]))
    assert "Nothing was compared." in empty
    torn = write(tmp_path / "torn.jsonl", lines)
    torn.write_bytes(torn.read_bytes()[:-20])
    whole = write(tmp_path / "whole.jsonl", lines)
    said = "torn.jsonl: the last line is torn and was dropped"
    assert f"{len(lines) - 2} cases" in make_page(torn)
    assert said in make_page(torn)
    assert said in make_page(whole, torn)
    assert "is torn" not in make_page(whole, whole)


def test_a_case_that_this_version_does_not_take_has_a_row_of_its_own(tmp_path: Path) -> None:
    lines = recorded()
    lines[1]["case"] |= {"stride": [0, 0], "dtype": "float8"}
    assert "not a case of this version" in make_page(write(tmp_path / "record.jsonl", lines))


def test_an_unreadable_record_leaves_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = tmp_path / "record.jsonl"
    record.write_text('{"kind": "record"}\n')
    assert run_cli(["report", str(record), "--html", str(tmp_path / "page.html")]) == Outcome.WRONG_INPUT
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["record.jsonl"]
