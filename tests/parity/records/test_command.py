"""The command that is printed asks the same question again."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

import convmm
from parity import Case, run
from parity.cli.main import run_cli
from parity.frameworks.asking import asking
from parity.frameworks.function import Implementation
from parity.records.command import ASKED, case_command, command
from parity.records.counts import Outcome
from parity.strategies import cases
from tests.support.strategies import examples

CASE = Case("conv1d", (2, 2, 5), 2, 3, stride=2, dtype="float16", values="normal")

WRONG = """\
import convmm
def late(x, w, bias=None, **arguments):
    return 2 * convmm.conv(x, w, bias, **arguments)
"""


@examples(20)
@given(cases())
def test_what_is_asked_of_a_case_is_no_part_of_it(case: Case) -> None:
    functions = ("--impl", "a:b", "--impl-grad", "a:c", "--mode", "tf32")
    asked = ("--grad", "--frameworks", "torch,keras", *functions, "--repeat", "3")
    line = command(case.command, (*asked, "--divergences", "my file.toml"))
    assert Case.from_command(case_command(line)) == case
    assert set(ASKED) <= set(shlex.split(line))
    assert command(case.command, ()) == case.command == case_command(case.command)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--frameworks", "numpy"],
        ["--grad", "--frameworks", "numpy"],
        ["--frameworks", "numpy", "--repeat", "2"],
        ["--frameworks", "numpy", "--impl", "late_kernels:late"],
        ["--impl", "late_kernels:late", "--mode", "float32-sums"],
    ],
)
def test_a_printed_command_gives_the_same_record_again(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "late_kernels.py").write_text(WRONG)
    monkeypatch.chdir(tmp_path)
    first = run_cli([*shlex.split(CASE.command)[1:], *options, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["command"].removeprefix(CASE.command).split() == options
    assert run_cli([*shlex.split(found["command"])[1:], "--json"]) == first
    assert json.loads(capsys.readouterr().out) == found


def test_a_file_of_known_differences_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "late_kernels.py").write_text(WRONG)
    (tmp_path / "my own.toml").write_text(
        '[[divergence]]\nname = "twice"\nframework = "late_kernels:late"\nversion = ""\n'
        f'why = "it is twice as large"\nfound = "by hand"\nexample = "{CASE.command}"\n'
        'case.op = "conv1d"\nseen.status = "ok"\nseen.relation = ["scaled"]\n'
    )
    monkeypatch.chdir(tmp_path)
    asked = ["--frameworks", "numpy", "--impl", "late_kernels:late", "--divergences", "my own.toml"]
    line = shlex.split(CASE.command)[1:]
    assert run_cli([*line, *asked[:4]]) == Outcome.UNEXPLAINED
    capsys.readouterr()
    assert run_cli([*line, *asked, "--json"]) == Outcome.EXPLAINED
    printed = json.loads(capsys.readouterr().out)["command"]
    assert shlex.split(printed) == ["parity", *line, *asked]


def test_a_function_that_no_module_has_is_asked_for_by_no_name_of_another() -> None:
    function = lambda x, w, bias=None, **arguments: convmm.conv(x, w, bias, **arguments)  # noqa: E731
    assert run(CASE, ["numpy"], impl=function).asked == ("--frameworks", "numpy", "--impl", "MODULE:FUNCTION")
    named = Implementation("late_kernels:late", declared="tf32")
    assert asking([named]) == ("--frameworks", "numpy", "--impl", "late_kernels:late", "--mode", "tf32")
    beside = Implementation("late_kernels:late", gradient="late_kernels:gradients")
    assert asking([beside]) == asking([replace(beside, gradient=None)])
    assert asking([beside], grad=True)[-2:] == ("--impl-grad", "late_kernels:gradients")
    alone = Implementation(None, gradient="late_kernels:gradients")
    assert asking([alone], grad=True) == ("--frameworks", "numpy", "--impl-grad", "late_kernels:gradients")
    assert run(CASE).asked == ()


def test_every_command_of_a_sweep_can_be_pasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "suite.toml").write_text(
        'description = "One."\n[[case]]\nname = "one"\nop = "conv1d"\n'
        "input = [1, 1, 4]\nfilters = 1\nkernel = 2\n"
    )
    monkeypatch.chdir(tmp_path)
    asked = "--frameworks numpy --impl late_kernels:late"
    (tmp_path / "late_kernels.py").write_text(WRONG.replace("2 * ", ""))
    assert run_cli(["sweep", "suite.toml", *asked.split(), "--output", "old.jsonl"]) == Outcome.EXPLAINED
    (tmp_path / "late_kernels.py").write_text(WRONG)
    capsys.readouterr()
    assert run_cli(["sweep", "suite.toml", *asked.split(), "--output", "new.jsonl"]) == Outcome.UNEXPLAINED
    swept = capsys.readouterr().out
    assert run_cli(["report", "new.jsonl", "--junit", "new.xml"]) == Outcome.UNEXPLAINED
    reported = capsys.readouterr().out
    assert run_cli(["diff", "old.jsonl", "new.jsonl"]) == Outcome.UNEXPLAINED
    for text in (swept, reported, (tmp_path / "new.xml").read_text(), capsys.readouterr().out):
        stripped = [line.strip().removesuffix("</failure>") for line in text.splitlines()]
        (line,) = {line for line in stripped if line.startswith("parity run")}
        assert line.endswith(asked)
        assert run_cli(shlex.split(line)[1:]) == Outcome.UNEXPLAINED
        capsys.readouterr()
