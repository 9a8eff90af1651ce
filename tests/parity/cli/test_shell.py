"""One command after another, from a pipe and at a terminal, with the frameworks' processes kept."""

from __future__ import annotations

import io
import json
import os
import shlex
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from parity.cli.lines import completed
from parity.cli.main import run_cli
from parity.cli.shell import complete, words_of
from tests.support.documents import blocks
from tests.support.processes import workers_of
from tests.support.terminals import Terminal

CASE = "conv1d --input 1,1,4 --filters 1 --kernel 2"
UNEXPLAINED = f"{CASE} --frameworks numpy --impl tests.support.foreign:raising"
CRASHED = f"{CASE} --frameworks numpy --impl tests.support.foreign:hangs --timeout 0.5"
SIZES = "sizes conv1d --kernel 2"
Piped = Callable[..., tuple[int, str, str]]
PARITY = [sys.executable, "-m", "parity"]


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Piped:
    """Runs lines in this process, and returns the exit code and what was printed."""

    def run(lines: str, *options: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
        code = run_cli(["shell", *options])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("", []),
        ("  # a remark", []),
        (SIZES, SIZES.split()),
        (f"parity {SIZES}", SIZES.split()),
        ("conv2d --kernel '3, 3'", ["run", "conv2d", "--kernel", "3, 3"]),
        ("translate 'nn.Conv2d(3, 8, 3)' --to keras", ["translate", "nn.Conv2d(3, 8, 3)", "--to", "keras"]),
        ("help", ["--help"]),
        ("help sizes", ["sizes", "--help"]),
        ("help conv2d", ["run", "conv2d", "--help"]),
    ],
)
def test_a_line_is_a_command_and_an_operation_a_case_that_is_run(lines: str, words: list[str]) -> None:
    assert words_of(lines) == words


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], 4),
        (["# nothing but a remark", ""], 4),
        ([SIZES], 0),
        ([f"{CASE} --frameworks numpy", SIZES], 4),
        ([SIZES, "nonesuch", SIZES], 2),
        (["sizes 'conv1d"], 2),
        ([UNEXPLAINED, f"{CASE} --frameworks numpy"], 1),
        ([UNEXPLAINED, CRASHED], 1),
        ([CRASHED, f"{CASE} --frameworks numpy"], 3),
        (["report no_such_file.jsonl", f"{CASE} --frameworks numpy"], 2),
        ([SIZES, "exit", "nonesuch"], 0),
        ([SIZES, "quit", "nonesuch"], 0),
    ],
)
def test_lines_of_a_pipe_end_with_the_worst_of_their_codes(piped: Piped, lines: list[str], code: int) -> None:
    assert piped("\n".join(lines))[0] == code


def test_a_line_that_is_wrong_ends_no_other(piped: Piped) -> None:
    _, out, err = piped(f"nonesuch\nrun\n'\nshell\n{SIZES} --json")
    assert json.loads(out)
    said = [line for line in err.splitlines() if line.startswith("parity: ")]
    assert len(said) == 4
    assert "No such command 'nonesuch'" in said[0]
    assert "No closing quotation" in said[2]
    assert "it runs already" in said[3]


@pytest.mark.parametrize("end", ["", "x" * 2**18])
def test_a_line_that_is_longer_than_any_command_is_refused_and_ends_no_other(piped: Piped, end: str) -> None:
    code, out, err = piped(f"{SIZES} --input {'1' * (2**17 - len(SIZES) - 9)}{end}\n{SIZES} --json")
    assert (code, len(json.loads(out)) > 0) == (2, True)
    assert err == "parity: the line cannot be read: it has 131072 characters or more\n"


def test_its_options_are_those_of_lines_that_do_not_say_otherwise(
    piped: Piped,
) -> None:
    other = "--frameworks numpy,torch"
    _, out, _ = piped(f"{CASE}\n{CASE} {other}\n{SIZES}\n", "--frameworks", "numpy", "--grad", "--json")
    decoder = json.JSONDecoder()
    first, end = decoder.raw_decode(out)
    second, end = decoder.raw_decode(out, end + 1)
    assert all("--grad" in each["command"] for each in (first, second))
    assert {each["framework"] for each in first["results"]} == {"numpy"}
    assert {each["framework"] for each in second["results"]} == {"numpy", "torch"}
    assert "axis 0" in out[end:]  # sizes prints a table: --json is of what compares


def test_the_lines_of_the_page_end_well(
    piped: Piped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    session, script = blocks("docs/how-to/shell.md", "text")
    started, *lines = session.text.splitlines()
    assert [line for line in lines if not line.startswith("parity> ")] == []
    options = started.removeprefix("$ parity shell ")
    assert options in script.text
    code, out, _ = piped("\n".join(line.removeprefix("parity> ") for line in lines), *options.split())
    assert code == 0
    assert out.count("verdict: ") == 2
    assert Path("article.jsonl").exists()


def test_a_wrong_option_is_said_before_the_first_line(piped: Piped) -> None:
    code, out, err = piped(SIZES, "--frameworks", "nonesuch")
    assert (code, out) == (2, "")
    assert "nonesuch" in err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("swe", ["sweep "]),
        ("conv_transpose1", ["conv_transpose1d "]),
        ("exi", ["exit "]),
        ("parity trans", ["translate"]),
        ("conv2d --fr", ["--frameworks "]),
        ("conv2d --frameworks numpy,to", ["numpy,torch"]),
        ("conv2d --dtype=bf", ["bfloat16"]),
        ("run conv2d --dtype bf", ["bfloat16"]),
        ("sweep gr", ["grid"]),
        ("sizes conv1d --kernel ", []),
    ],
)
def test_a_word_is_completed_as_by_any_shell(line: str, words: list[str]) -> None:
    assert completed(line, complete) == words


def test_a_path_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("records").mkdir()
    Path("records", "first.jsonl").touch()
    Path("recent.toml").touch()
    assert completed("sweep rec", complete) == ["recent.toml ", "records/"]
    assert completed("report --html records/fi", complete) == ["records/first.jsonl "]


NAMES = ("my file.jsonl", "it's.jsonl", 'so "called".jsonl', "a=b.jsonl", "#1.jsonl", "back\\slash.jsonl")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("quote", ["", "'", '"'])
@pytest.mark.parametrize("before", ["report ", "report --html=", "report --html "])
def test_a_path_of_any_name_is_completed_as_a_word_however_far_it_is_typed(
    name: str, quote: str, before: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in it").mkdir()
    Path("in it", name).touch()
    [folder] = through(f"{before}{quote}in")
    [whole] = through(folder)
    assert shlex.split(whole, comments=True)[-1].removeprefix("--html=") == f"in it/{name}"
    for end in range(len(folder), len(whole) - 1 - len(quote)):
        half_of_a_letter = whole[end - 1] in "\\'"
        assert through(whole[:end]) == [whole] or (half_of_a_letter and not through(whole[:end]))


def through(line: str) -> list[str]:
    """The lines that a line is completed to, of which readline replaces what is behind a blank or "="."""
    end = max(line.rfind(each) for each in " =") + 1
    return [line[:end] + each for each in completed(line, complete)]


@contextmanager
def shell(tmp_path: Path, *options: str) -> Iterator[Terminal]:
    """A shell at a terminal, with a history of its own."""
    environment = {"XDG_STATE_HOME": str(tmp_path), "INPUTRC": os.devnull}
    with Terminal("shell", *options, env=environment) as terminal:
        terminal.until("parity> ")
        yield terminal


def ended(process: psutil.Process, started: set[int]) -> bool:
    """Whether all of these processes end within some seconds."""
    last = time.monotonic() + 20
    while any(map(psutil.pid_exists, started)) and time.monotonic() < last:
        time.sleep(0.1)
    return not any(map(psutil.pid_exists, started)) and not process.is_running()


def test_at_a_terminal_the_processes_stay_from_line_to_line(tmp_path: Path) -> None:
    with shell(tmp_path, "--frameworks", "numpy") as terminal:
        terminal.type(f"{CASE} --seed 1\r")
        assert "reference output: 1x1x3" in terminal.until("parity> ")
        started = workers_of(terminal.process)
        assert len(started) == 1
        terminal.type("nonesuch\r")
        assert "No such command 'nonesuch'" in terminal.until("parity> ")
        terminal.type(f"{CASE} --seed 2\r")
        assert "reference output: 1x1x3" in terminal.until("parity> ")
        assert workers_of(terminal.process) == started
        terminal.type("exit\r")
        assert terminal.ended() == 0
        assert ended(terminal.process, started)


def test_ctrl_c_ends_the_line_that_runs_or_is_typed_and_ctrl_d_the_shell(tmp_path: Path) -> None:
    with shell(tmp_path) as terminal:
        terminal.type(f"{CASE} --frameworks numpy --impl tests.support.foreign:hangs\r")
        terminal.until("hangs")
        while len(workers_of(terminal.process)) < 2:
            time.sleep(0.1)
        time.sleep(1)
        terminal.type("\x03")
        assert "interrupted" in terminal.until("parity> ")
        terminal.type("what is not sent")
        terminal.until("what is not sent")  # keys are taken now: of a signal before that Python tells late
        terminal.type("\x03")
        terminal.until("parity> ")
        terminal.type(f"{SIZES}\r")
        assert "axis 0" in terminal.until("parity> ")
        terminal.type("\x04")
        assert terminal.ended() == 0


def test_it_ends_with_its_terminal_and_leaves_no_process(tmp_path: Path) -> None:
    with shell(tmp_path, "--frameworks", "numpy") as terminal:
        started = workers_of(terminal.process)
        terminal.hang_up()
        assert terminal.ended() == 128 + signal.SIGHUP
        assert ended(terminal.process, started)


def test_what_was_typed_is_remembered_for_its_user_alone_and_words_are_completed(tmp_path: Path) -> None:
    with shell(tmp_path) as terminal:
        terminal.type("sizes conv1d --ker\t2\r")
        assert "axis 0" in terminal.until("parity> ")
        terminal.type("exit\r")
        terminal.ended()
    [history] = tmp_path.rglob("history")
    assert history.read_text(encoding="utf-8").splitlines()[0] == "sizes conv1d --kernel 2"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    with shell(tmp_path) as terminal:
        terminal.type("\x1b[A\x1b[A\r")  # "exit" came after it
        assert "axis 0" in terminal.until("parity> ")


def test_a_history_that_cannot_be_kept_is_said_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "convparity").write_text("no folder")
    with Terminal("shell", env={"XDG_STATE_HOME": str(tmp_path), "INPUTRC": os.devnull}) as terminal:
        assert "no history is kept" in terminal.until("parity> ")
        terminal.type(f"{SIZES}\r")
        assert "axis 0" in terminal.until("parity> ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_shell_that_reads_a_pipe(number: signal.Signals) -> None:
    words = [*PARITY, "shell", "--frameworks", "numpy"]
    line = f"{CASE} --frameworks numpy --impl tests.support.foreign:hangs\n{SIZES}\n"
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as done:
        assert done.stdin is not None
        assert done.stdout is not None
        done.stdin.write(line)
        done.stdin.flush()
        process = psutil.Process(done.pid)
        while len(workers_of(process)) < 2:
            time.sleep(0.1)
        started = workers_of(process)
        time.sleep(1)
        done.send_signal(number)
        assert done.wait(60) == 128 + number
        assert "axis 0" not in done.stdout.read()
    assert ended(process, started)
