"""What one would do next after a case: every line that is printed works."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from msgspec.structs import replace

import convmm
from parity.cli.following import following
from parity.cli.main import run_cli
from parity.records.counts import Outcome
from parity.records.result import Record, Result
from tests.support.recorded import recorded, typed

SHORTER = {"sweep": ["--limit", "1"], "fuzz": ["--examples", "3", "--seconds", "60"]}
"""What makes a line of a few seconds of one of minutes."""

CASE = "conv2d --input 1,2,6,6 --filters 2 --kernel 3 --stride 2 --padding same"


def twice(x: object, w: object, bias: object = None, **given: object) -> object:
    """A wrong function."""
    return 2 * convmm.conv(x, w, bias, **given)  # type: ignore[arg-type] # all are given


def next_line(capsys: pytest.CaptureFixture[str], arguments: str) -> tuple[str, list[str]]:
    """Run a case, and return why one would do what next, and the words of its line."""
    run_cli(["run", *shlex.split(arguments)])
    why, line = capsys.readouterr().err.splitlines()[-2:]
    assert why.startswith("next, ")
    program, *words = shlex.split(line)
    assert program == "parity"
    return why, words


def outcome_of(words: list[str]) -> int:
    """Run a line, shortened where it takes minutes."""
    return run_cli([*words, *SHORTER.get(words[0], [])])


@pytest.mark.parametrize(
    ("arguments", "command", "codes"),
    [
        ("conv1d --input 1,1,5 --filters 1 --kernel 2 --frameworks numpy,torch", "sweep", {0}),
        ("conv1d --input 1,1,5 --filters 1 --kernel 2 --frameworks numpy", "frameworks", {0}),
        (f"{CASE} --frameworks numpy --impl {__name__}:twice", "check", {1}),
        (f"{CASE} --frameworks numpy,torch,keras", "translate", {0}),
    ],
)
def test_the_line_that_ends_a_run_works(
    arguments: str, command: str, codes: set[int], capsys: pytest.CaptureFixture[str]
) -> None:
    _, words = next_line(capsys, arguments)
    assert words[0] == command
    assert outcome_of(words) in codes


def test_json_says_nothing_of_what_is_next(capsys: pytest.CaptureFixture[str]) -> None:
    run_cli(["run", *"conv1d --input 1,1,5 --filters 1 --kernel 2 --frameworks numpy --json".split()])
    assert "next, " not in capsys.readouterr().err


def wrong(**said: object) -> Record:
    """The record of a case of which PyTorch's result is unexplained."""
    record = typed(recorded())[1][0]
    ours, theirs = record.results[0], record.results[4]
    assert (ours.framework, theirs.framework) == ("numpy", "torch")
    result: Result = replace(theirs, explained=False, reason="for no reason", **said)
    return replace(record, verdict="unexplained", results=(ours, result))


@pytest.mark.parametrize(
    ("said", "command", "codes"),
    [
        ({"relation": "unrelated"}, "fuzz", {Outcome.EXPLAINED, Outcome.NOTHING_COMPARED}),
        ({"status": "timeout", "relation": None}, "run", {Outcome.EXPLAINED}),
        ({"status": "crashed", "relation": None}, "run", {Outcome.EXPLAINED}),
    ],
)
def test_the_line_after_what_nothing_explains_works(
    said: dict[str, object], command: str, codes: set[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program, *words = shlex.split(following(wrong(**said), compared=True).command)
    assert program == "parity"
    assert words[0] == command
    assert outcome_of(words) in codes


def test_without_hypothesis_no_search_is_advised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parity.cli.following.find_spec", lambda _: None)
    assert following(wrong(relation="unrelated"), compared=True).command.endswith(" --show-arrays")
