"""What the README shows is what happens."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from ruamel.yaml import YAML

import convmm
from parity.cases.suites import load_suite
from parity.cli.main import run_cli
from tests.support.documents import blocks, check_sessions, commands, console, is_shown
from tests.support.gradient_functions import right_gradients
from tests.support.lent import lend
from tests.support.nested import run

pytest_plugins = ["pytester"]

README = "README.md"
LONG = {
    " sweep grid": " --limit 5",  # minutes
    " fuzz --seconds 300": " --examples 20 --frameworks numpy",  # others have faults of their own
}
"""Commands that take minutes, by what they begin with, and what shortens them."""

BY_MACHINE = ("parity check", "--values normal")
"""In a command whose end is the processor's: whether a framework's bits change with the batch."""

COMMANDS, _BENCH = (block.text for block in blocks(README, "sh")[2:])


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of somebody who has kernels, a suite and arrays; the kernels are right."""
    lend(monkeypatch)
    mykernels = ModuleType("mykernels")
    monkeypatch.syspath_prepend(Path(__file__).parent / "support" / "ported_models")
    for name in ("conv", "conv2d", "conv_transpose"):
        setattr(mykernels, name, getattr(convmm, name))
    mykernels.conv2d_grad = right_gradients  # type: ignore[attr-defined] # a module made here
    monkeypatch.setitem(sys.modules, "mykernels", mykernels)
    monkeypatch.chdir(tmp_path)
    for name, shape in {"x": (1, 3, 8, 8), "w": (4, 3, 3, 3), "bias": (4,)}.items():
        np.save(f"{name}.npy", np.random.default_rng(0).standard_normal(shape).astype(np.float32))
    Path("suites").mkdir()
    [suite] = blocks(README, "toml")
    Path("suites/mymodel.toml").write_text(suite.text, encoding="utf-8")
    return tmp_path


def ended(command: str) -> int:
    """Run a command of the README, shortened where it takes minutes, and return its exit code."""
    program, *arguments = shlex.split(command)
    assert program == "parity"
    more = [added for start, added in LONG.items() if command.startswith(f"parity{start}")]
    return run_cli([*arguments, *shlex.split(" ".join(more))])


def test_the_sessions_give_what_they_show() -> None:
    check_sessions(blocks(README, "pycon"))


@pytest.mark.parametrize(
    ("command", "shown"), [each for block in blocks(README, "console") for each in console(block)]
)
def test_a_shown_output_is_what_the_command_prints(
    command: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended(command)
    printed = capsys.readouterr().out
    assert is_shown(shown, printed), printed


def test_the_command_lines_that_are_shown_end_well_in_their_order() -> None:
    shown = commands(COMMANDS)
    [sweep] = [command for command in shown if " sweep " in command]
    assert ended(sweep.replace("grid.jsonl", "before.jsonl")) == 0  # which `diff` reads, and no line writes
    codes = {command: ended(command) for command in shown}
    [by_machine] = [command for command in shown if all(part in command for part in BY_MACHINE)]
    assert codes.pop(by_machine) in {0, 1}
    assert [each for each in codes.items() if each[1]] == []


def test_the_number_of_small_cases_is_that_of_the_grid() -> None:
    [said] = re.findall(r"# (\d+) small cases", COMMANDS)
    assert int(said) == len(load_suite("grid").cases)


def test_the_steps_of_ci_end_well_in_their_order() -> None:
    [shown] = blocks(README, "yaml")
    install, sweep, report, diff = (step["run"] for step in YAML(typ="safe").load(shown.text))
    assert install == 'pip install "convparity[frameworks]"'
    assert ended(sweep) == 0
    shutil.copy("parity.jsonl", "trusted.jsonl")
    for step in (report, diff):
        [command] = commands(step)
        assert ended(command) == 0
    [suite] = ET.parse("parity.xml").getroot().iter("testsuite")  # noqa: S314 - it was written here
    assert len(suite.findall("testcase")) == len(load_suite("suites/mymodel.toml").cases)


def test_the_property_test_passes() -> None:
    names: dict[str, object] = {}
    exec(blocks(README, "python")[0].text, names)  # noqa: S102 - it is this project's own
    found = names["test_my_upsampling_agrees"]
    assert callable(found)
    found()


def test_the_marked_test_is_one_for_each_case_of_the_suite(pytester: pytest.Pytester, folder: Path) -> None:
    _, marked = blocks(README, "python")
    pytester.makepyfile(mykernels="from convmm import conv_transpose", test_mine=marked.text)
    shutil.copytree(folder / "suites", pytester.path / "suites", dirs_exist_ok=True)
    os.chdir(pytester.path)
    result = run(pytester, "--parity-frameworks", "torch", "-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*test_my_layers_agree[[]upsample-1[]] PASSED*"])
