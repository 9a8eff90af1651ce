"""The exit codes of commands that end early, and what they say of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import pytest

from parity.cli import main
from parity.cli.exits import BUG, CRASHED, UNREAD, UNREADABLE, WRONG_INPUT, exit_code
from parity.records.counts import Outcome
from parity.workers.interrupts import Interrupted

EXPLAIN = "explain conv1d --input 1,1,4 --filters 1 --kernel 2".split()
HEADER = '{"kind": "header", "schema": 1, "frameworks": [], "suites": []}\n'


@pytest.mark.parametrize("error", [KeyError("key"), EOFError()])
def test_a_bug_is_no_verdict_and_asks_for_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, error: Exception
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    @click.command()
    def broken() -> None:
        raise error

    monkeypatch.setattr(main, "parity", broken)
    assert main.run_cli([]) == BUG
    said = capsys.readouterr().err.lstrip()  # click ends the line that ^C or ^D is on
    assert said.startswith("parity: this is a bug of convparity; please report it, with ")
    assert len(said.splitlines()) == 1
    [file] = tmp_path.iterdir()
    assert str(file) in said
    assert file.stat().st_mode & 0o077 == 0
    assert type(error).__name__ in file.read_text(encoding="utf-8")


def test_a_signal_behind_another_at_a_prompt_is_no_bug_though_python_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = SystemError("returned a result with an exception set")
    error.__cause__ = Interrupted(signal.SIGTERM)
    assert exit_code(error) == 128 + signal.SIGTERM
    assert capsys.readouterr().err == "parity: interrupted\n"
    assert exit_code(SystemError("of another cause")) == BUG


def test_a_bug_whose_traceback_no_file_takes_is_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    assert exit_code(RecursionError("too deep")) == BUG
    said = capsys.readouterr().err
    assert "RecursionError: too deep" in said
    assert said.splitlines()[-1].startswith("parity: this is a bug of convparity; please report it")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (MemoryError("Unable to allocate 8 GiB"), 74, "there is too little memory: Unable to allocate 8 GiB"),
        (MemoryError(), 74, "there is too little memory: no more could be had"),
        (OSError(24, "Too many open files"), 74, "the system does not go on: Too many open files"),
        (OSError(28, "No space left", "a.csv"), 74, "a.csv cannot be read or written: No space left"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_an_error_of_the_environment_is_no_bug(
    capfd: pytest.CaptureFixture[str], error: Exception, code: int, said: str
) -> None:
    assert exit_code(error) == code
    assert capfd.readouterr().err == f"parity: {said}\n"


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
    assert (done.returncode, done.stderr) == (UNREAD, "")


def test_a_file_that_cannot_be_read_is_no_wrong_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "record.jsonl"
    file.write_text(HEADER, encoding="utf-8")

    def refuse(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("parity.cases.files.open_regular", refuse)  # root may open every file
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
    for name, text in main.COMMANDS.items():
        command = main.parity.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(1000) == click.Command(name, help=text).get_short_help_str(1000)


def test_wrong_input_has_the_code_that_a_report_has_for_it() -> None:
    assert WRONG_INPUT == Outcome.WRONG_INPUT
    assert CRASHED == Outcome.CRASHED
