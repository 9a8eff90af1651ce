"""Arguments that nobody means: each is answered at once, or refused in a short sentence."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from convmm.geometry import LARGEST
from parity.cli import translate as translate_module
from parity.cli.main import run_cli
from parity.cli.options import A_WEEK, MOST_JOBS
from parity.cli.run import MOST_REPEATS
from parity.cli.selection import MOST_DRAWN
from parity.explain.sizes import MOST_SIZES
from parity.records.counts import Outcome

CASE = "conv1d --input 1,1,4 --filters 1 --kernel 2".split()
HEADER = '{"kind": "header", "schema": 1, "frameworks": [], "suites": []}\n'
MANY_DIGITS = ["9" * 400, "9" * 5000, "-" + "9" * 5000, "1" + "0" * 30]
LONG = "p" * 5000


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is said of arguments that are wrong: one sentence of a few lines of a terminal at most."""
    code = run_cli(list(arguments))
    printed = capsys.readouterr()
    assert (code, printed.out) == (Outcome.WRONG_INPUT, ""), printed.err
    assert len(printed.err.splitlines()) == 1
    assert len(printed.err) < 900
    return printed.err


@pytest.mark.parametrize("digits", MANY_DIGITS, ids=len)
@pytest.mark.parametrize(
    "option", "filters kernel stride padding output-padding dilation groups seed input repeat".split()
)
def test_a_number_has_to_fit_an_index(capsys: pytest.CaptureFixture[str], option: str, digits: str) -> None:
    op = ["conv_transpose1d", *CASE[1:]] if option == "output-padding" else CASE
    said = refused(capsys, "run", *op, f"--{option}={digits}")
    assert f"allowed are numbers up to {LARGEST}" in said
    assert f"'--{option}'" in said


@pytest.mark.parametrize("digits", MANY_DIGITS, ids=len)
@pytest.mark.parametrize(
    "option",
    [
        *(f"sweep {name}" for name in ("--limit", "--jobs", "--min-size")),
        *(f"fuzz {name}" for name in ("--examples", "--seed", "--max-size")),
        *(f"check {name}" for name in ("--examples", "--seed")),
        "sizes conv1d --kernel 2 --up-to",
        "translate x --to torch --channels",
    ],
)
def test_a_count_has_to_fit_an_index(capsys: pytest.CaptureFixture[str], option: str, digits: str) -> None:
    *command, name = option.split()
    assert f"allowed are numbers up to {LARGEST}" in refused(capsys, *command, f"{name}={digits}")


def test_the_largest_index_itself_is_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["explain", *CASE, "--stride", str(LARGEST), "--seed", str(LARGEST)]) == Outcome.EXPLAINED
    assert "input 1x1x4, output 1x1x1" in capsys.readouterr().out


@pytest.mark.parametrize("seconds", [*"nan inf -inf 0 -1 1e308".split(), "9" * 5000, str(A_WEEK + 1)])
@pytest.mark.parametrize("option", ["run --timeout", "sweep --timeout", "fuzz --seconds", "check --timeout"])
def test_seconds_are_more_than_none_and_a_week_at_most(
    capsys: pytest.CaptureFixture[str], option: str, seconds: str
) -> None:
    command, *more = option.split()
    case = CASE if command == "run" else []
    assert f"is not in the range 0<x<={A_WEEK}" in refused(capsys, command, *case, *more, seconds)


@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        ("sweep --jobs 257", MOST_JOBS),
        ("fuzz --jobs 100000", MOST_JOBS),
        ("run conv1d --input 1,1,4 --filters 1 --kernel 2 --repeat 1000000000", MOST_REPEATS),
        ("fuzz --max-groups 1000000", MOST_DRAWN),
        ("check conv1d --min-kernel 1000000", MOST_DRAWN),
    ],
)
def test_what_would_take_a_machine_has_a_limit(
    capsys: pytest.CaptureFixture[str], arguments: str, most: int
) -> None:
    assert f"x<={most}" in refused(capsys, *arguments.split())


@pytest.mark.parametrize(
    "arguments",
    [
        "sizes conv1d --kernel 3 --stride 1000000000",
        "sizes conv1d --kernel 3 --up-to 100000000",
        "sizes conv1d --kernel 3 --input 1,1,1000000000 --filters 1",
        "sizes conv3d --kernel 3 --stride 1000,2000,3000",
    ],
)
def test_sizes_are_counted_before_they_are_listed(capsys: pytest.CaptureFixture[str], arguments: str) -> None:
    assert f"allowed are {MOST_SIZES}" in refused(capsys, *arguments.split())


@pytest.mark.parametrize(
    "arguments",
    [
        "conv2d --input 1,1,20000,20000 --filters 1 --kernel 3",
        "conv2d --input 64,512,512,512 --filters 512 --kernel 3 --padding 1",
        "conv_transpose1d --input 1,1,2 --filters 1 --kernel 2 --stride 1000000000000",
        "conv1d --input 1,1,4000000000000000000 --filters 1 --kernel 4000000 --stride 4000000000",
    ],
)
def test_a_huge_case_is_explained_without_its_arrays(
    capsys: pytest.CaptureFixture[str], arguments: str
) -> None:
    assert run_cli(["explain", *arguments.split()]) == Outcome.EXPLAINED
    assert capsys.readouterr().out.splitlines()[-1].startswith("The steps are left out: their arrays have ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sweep", LONG], "allowed are article"),
        (["sweep", "--output", LONG, "--limit", "1", "--frameworks", "numpy"], "cannot be written"),
        (["run", *CASE, "--x", LONG], "cannot be read: File name too long"),
        (["run", *CASE, "--divergences", LONG], "cannot be read: File name too long"),
        (["report", LONG], "cannot be read: File name too long"),
        (["diff", LONG, LONG], "cannot be read: File name too long"),
        (["run", *CASE, "--impl", LONG], "allowed is MODULE:FUNCTION"),
        (["run", *CASE, "--frameworks", LONG], "allowed are numpy"),
        (["run", *CASE, "--impl", "math:sin", "--mode", LONG], "allowed are any-sums"),
        (["run", *CASE, "--dtype", LONG], "is not one of 'float16'"),
        (["run", LONG], "is not one of 'conv1d'"),
        (["run", *CASE, "--filters", LONG], "is not a number: allowed is an int"),
        (["run", *CASE, f"--{LONG}"], "No such option"),
        ([LONG], "No such command"),
        (["sweep", "--ops", LONG], "allowed are conv1d"),
        (["sweep", "--paddings", LONG], "allowed are none"),
        (["run", *CASE, "--frameworks", "a\udcff\x1b[31m"], r"'a\udcff\x1b[31m'"),
        (["report", "a\udcff\u202e"], r"a\udcff\u202e cannot be read"),
        (["run", *CASE, "--padding", "1:\u202e2"], r"'1:\u202e2'"),
        (["\x1b]0;x\x07"], r"'\x1b]0;x\x07'"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_long_or_strange_argument_is_named_in_a_short_sentence(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in refused(capsys, *arguments)


def test_a_long_name_for_the_xml_is_named_in_a_short_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    record = tmp_path / "record.jsonl"
    record.write_text(HEADER)
    assert "cannot be written: File name too long" in refused(capsys, "report", str(record), "--junit", LONG)


@pytest.mark.skipif(sys.platform == "win32", reason="it has no timer")
def test_a_translation_that_is_not_written_in_time_ends_with_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translate_module, "draft", lambda *_: time.sleep(60))
    assert run_cli(["translate", "nn.Conv1d(1, 1, 1)", "--to", "numpy", "--timeout", "0.1"]) == 3
    assert capsys.readouterr().err == "parity: the translation was not done within 0.1 s\n"
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
