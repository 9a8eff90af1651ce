"""The exit codes of commands that end early, and what they say of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from parity.cli import main
from parity.cli.exits import BUG, UNREADABLE, WRONG_INPUT
from parity.records.counts import Outcome

EXPLAIN = "explain conv1d --input 1,1,4 --filters 1 --kernel 2".split()
HEADER = '{"kind": "header", "schema": 1, "frameworks": [], "suites": []}\n'


@pytest.mark.parametrize("error", [KeyError("key"), EOFError()])
def test_a_bug_is_no_verdict_and_asks_for_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    @click.command()
    def broken() -> None:
        raise error

    monkeypatch.setattr(main, "parity", broken)
    assert main.run_cli([]) == BUG
    said = capsys.readouterr().err
    assert type(error).__name__ in said
    assert said.splitlines()[-1].startswith("parity: this is a bug of convparity; please report it")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [EXPLAIN, ["--help"], ["frameworks"]])
def test_output_that_cannot_be_written_is_one_sentence(arguments: list[str]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "parity", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == UNREADABLE
    assert done.stderr == "parity: the output cannot be read or written: No space left on device\n"


@pytest.mark.parametrize("arguments", [EXPLAIN, ["--help"], ["frameworks"]])
def test_output_that_nobody_reads_ends_a_command_without_a_word(arguments: list[str]) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    done = subprocess.run(
        [sys.executable, "-m", "parity", *arguments],
        stdout=writes,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writes)
    assert (done.returncode, done.stderr) == (UNREADABLE, "")


def test_a_file_that_cannot_be_read_is_no_wrong_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "record.jsonl"
    file.write_text(HEADER, encoding="utf-8")

    def refuse(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refuse)  # root may open every file
    assert main.run_cli(["report", str(file)]) == UNREADABLE
    assert capsys.readouterr().err == f"parity: {file} cannot be read: Permission denied\n"


@pytest.mark.parametrize("name", [".", "/", "..", "no/folder.jsonl"])
@pytest.mark.parametrize("more", [[], ["--resume"]])
def test_a_name_that_is_no_files_is_wrong_input(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    more: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    sweep = ["sweep", "article", "--limit", "1", "--frameworks", "numpy", "--output", name, *more]
    assert main.run_cli(sweep) == WRONG_INPUT
    assert capsys.readouterr().err.startswith(f"parity: {name} ")
    assert not list(tmp_path.iterdir())


def test_the_help_says_of_each_command_what_the_command_says_of_itself() -> None:
    context = click.Context(main.parity)
    for name, text in main._COMMANDS.items():  # noqa: SLF001 - the table of the help
        command = main.parity.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(1000) == click.Command(name, help=text).get_short_help_str(1000)


def test_wrong_input_has_the_code_that_a_report_has_for_it() -> None:
    assert WRONG_INPUT == Outcome.WRONG_INPUT
