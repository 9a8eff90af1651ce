"""The scripts: right where the layer is, wrong where it is not, and without this project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from msgspec.structs import replace

from parity import run
from parity.cases.case import DTYPES, VALUES, Case
from parity.frameworks.function import implementation
from parity.frameworks.interface import Framework
from parity.frameworks.known.registry import layers_of
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import find_framework
from parity.fuzz.causes import Cause
from parity.fuzz.finding import Finding
from parity.fuzz.script import script
from parity.records.result import CaseResult, Result
from parity.strategies import cases
from tests.support.results import result_of
from tests.support.scripts import ending
from tests.support.searching import search
from tests.support.strategies import examples

ROOT = Path(__file__).parents[3]
FUNCTION = implementation("tests.support.coincidences:right")
SHOW = 'print("computed:"'
SPOIL = "y = np.full_like(y, np.nan)\n"
SPOIL_SHAPE = "y = y[None]\n"

any_cases = cases(dtypes=DTYPES, values=VALUES)


def suspected(case: Case, result: Result) -> Finding:
    """A right result, taken for a wrong one."""
    suspect = replace(result, relation="unrelated", reason="it is suspected")
    return Finding(Cause.of(case, suspect), case, suspect)


def check_scripts(case: Case, found: Framework, found_of: CaseResult) -> None:
    for result, array in zip(found_of.results, found_of.arrays, strict=True):
        if result.status == "ok" and result.explained and result.framework == found.name:
            text = script(suspected(case, result), found)
            assert ending(text) is None
            spoilt = text.replace(SHOW, SPOIL_SHAPE + SHOW)
            if array is not None and array.size and case.values != "special":
                spoilt = text.replace(SHOW, SPOIL + SHOW)  # beside infinities, anything may be right
            assert ending(spoilt) == "AssertionError"


OVERFLOWING = Case("conv2d", (2, 6, 2, 7), 4, 2, padding="same", groups=2, dtype="float16", values="arange")


@examples(60)
@given(case=any_cases)
@example(case=OVERFLOWING)
def test_a_functions_script_asserts_what_the_definition_says(case: Case) -> None:
    check_scripts(case, FUNCTION, run(case, [], impl=FUNCTION))


@examples(30)
@given(case=any_cases)
def test_a_torch_script_asserts_what_the_layer_means(case: Case) -> None:
    check_scripts(case, find_framework("torch"), run(case, ["torch"]))


@examples(6)
@given(case=cases(values=("integers", "normal")))
def test_a_keras_script_asserts_what_the_layer_means(case: Case) -> None:
    check_scripts(case, find_framework("keras"), run(case, ["keras"]))


@pytest.mark.parametrize("name", ["torch", "keras"])
def test_a_frameworks_script_needs_the_framework_and_numpy_only(name: str) -> None:
    case = Case("conv_transpose2d", (1, 4, 3, 3), 2, 3, stride=2, groups=2, bias=True, dtype="float16")
    layers = [each for each in layers_of(find_framework(name), case) if isinstance(each, Spelling)]
    assert layers
    for layer in layers:
        result = result_of(name, layer.kind, str(layer.layer), "timeout")
        text = script(Finding(Cause.of(case, result), case, result), find_framework(name))
        imported = {line for line in text.splitlines() if line.startswith(("import ", "from "))}
        assert imported == {"import os", f"import {name}", "import numpy as np"}


def run_file(text: str, folder: Path, seconds: float) -> subprocess.CompletedProcess[str]:
    file = folder / "script.py"
    file.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, file],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


@pytest.mark.parametrize("function", ["wrong_groups", "wrong_dilation", "wrong_same"])
def test_the_script_of_a_finding_shows_it(function: str, tmp_path: Path) -> None:
    finding = search(function, 100, seed=5).findings[0]
    done = run_file(script(finding, implementation(f"tests.support.coincidences:{function}")), tmp_path, 60)
    assert done.returncode == 1
    assert "AssertionError: off by up to" in done.stderr
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["computed", "expected"]


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("complains", "ValueError: an input of (2, 1, 1)"),
        ("wrong_dtype", "AssertionError: it returned dtype float64"),
        ("wrong_shape", "AssertionError: the shapes differ"),
        ("no_array", "AssertionError: it returned <class 'list'>"),
        ("writes_to_its_input", "AssertionError: it changed its arguments"),
    ],
)
def test_the_script_ends_as_the_function_does(function: str, said: str, tmp_path: Path) -> None:
    case = Case("conv1d", (2, 1, 1), 1, 1)
    own = implementation(f"tests.support.coincidences:{function}")
    [result] = run(case, [], impl=own).results
    assert not result.explained
    done = run_file(script(Finding(Cause.of(case, result), case, result), own), tmp_path, 60)
    assert done.stderr.splitlines()[-1] == said


def test_the_script_of_a_crash_crashes_and_that_of_a_hang_hangs(tmp_path: Path) -> None:
    case = Case("conv1d", (1, 1, 4), 1, 1)
    for function in ("aborts", "hangs"):
        own = implementation(f"tests.support.foreign:{function}")
        result = result_of(own.name, "native", str(layers_of(own, case)[0].layer), "crashed")  # type: ignore[union-attr] # it spells every case
        text = script(Finding(Cause.of(case, result), case, result), own)
        if function == "aborts":
            assert run_file(text, tmp_path, 60).returncode == -6
        else:
            with pytest.raises(subprocess.TimeoutExpired):
                run_file(text, tmp_path, 5)
