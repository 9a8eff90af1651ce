"""What the README shows is what happens."""

import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest

import convmm
from parity.cli.main import run_cli
from tests.support.lent import lend
from tests.support.nested import run

pytest_plugins = ["pytester"]

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def plain(text: str) -> str:
    """Without the versions of what is installed, and the widths of columns that follow from them."""
    return re.sub(r"[-+\s]+", " ", re.sub(r"\d+\.\d+\.\d+\S*", "VERSION", text))


def commands() -> list[str]:
    """Every command line of the third block of shell lines, without its comment."""
    return [line.partition("#")[0].strip() for line in blocks("sh")[2].splitlines()]


@pytest.fixture(autouse=True)
def shared_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    lend(monkeypatch)


@pytest.mark.parametrize("block", blocks("console"), ids=lambda block: block.split()[2])
def test_a_shown_output_is_what_the_command_prints(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    command, _, shown = block.partition("\n")
    run_cli(shlex.split(command)[2:])
    assert plain(shown) in plain(capsys.readouterr().out)


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(blocks("python")[0], {})  # noqa: S102 - it is this project's own
    assert capsys.readouterr().out.startswith("agree\n")


def test_the_property_test_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    mykernels = ModuleType("mykernels")
    mykernels.conv_transpose = convmm.conv_transpose  # type: ignore[attr-defined] # a module made here
    monkeypatch.setitem(sys.modules, "mykernels", mykernels)
    names: dict[str, object] = {}
    exec(blocks("python")[1], names)  # noqa: S102 - it is this project's own
    found = names["test_my_upsampling_agrees"]
    assert callable(found)
    found()


def test_the_marked_test_is_one_for_each_case_of_the_suite(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mykernels="from convmm import conv", test_mine=blocks("python")[2])
    suite = pytester.mkdir("suites") / "mymodel.toml"
    suite.write_text(
        blocks("toml")[0].replace("conv_transpose2d", "conv2d").replace("output =", "# output =")
    )
    result = run(pytester, "--parity-frameworks", "torch", "-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*test_my_layers_agree[[]upsample-1[]] PASSED*"])


@pytest.mark.parametrize(
    "command", [line for line in commands() if "mykernels" not in line and "grid" not in line]
)
def test_a_command_line_that_is_shown_ends_well(command: str) -> None:
    assert run_cli(shlex.split(command)[1:]) == 0
