"""What the examples show is what happens."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.documents import blocks
from tests.support.nested import run

pytest_plugins = ["pytester"]

EXAMPLE = Path(__file__).parents[1] / "examples" / "transposed-convolution"
README = "examples/transposed-convolution/README.md"


@pytest.fixture
def example(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A copy of the example, where Hypothesis draws the same every time."""
    monkeypatch.setenv("CI", "true")
    shutil.copytree(EXAMPLE, pytester.path, dirs_exist_ok=True)
    return pytester


def test_the_mistake_is_found_by_the_property_alone_and_named_as_shown(example: pytest.Pytester) -> None:
    result = run(example, "--parity-frameworks", "torch")
    result.assert_outcomes(passed=2, failed=1)
    [block] = blocks(README, "console")
    lines = [line for line in block.text.splitlines() if not line.startswith("$")]
    assert "the output padding (1,) is zeros after the output" in block.text
    assert [line for line in lines if line not in result.outlines] == []


def test_with_the_fix_that_is_shown_all_tests_pass(example: pytest.Pytester) -> None:
    [block] = blocks(README, "diff")
    command = ["git", "apply", "-"]  # the PATH's own git
    subprocess.run(command, cwd=example.path, input=block.text, text=True, check=True)
    run(example, "--parity-frameworks", "torch").assert_outcomes(passed=3)


def test_the_tests_that_are_shown_are_those_that_run() -> None:
    [block] = blocks(README, "python")
    assert block.text in (EXAMPLE / "test_upsampling.py").read_text(encoding="utf-8")
