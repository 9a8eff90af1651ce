"""The scripts: right where the layer is, wrong where it is not, and without this project."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given

from parity import run
from parity.cases.case import DTYPES, VALUES, Case
from parity.frameworks.function import implementation, implementations
from parity.frameworks.known.registry import layers_of
from parity.frameworks.numpy import NumPy
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import find_framework
from parity.fuzz.causes import Cause
from parity.fuzz.finding import Finding
from parity.fuzz.script import script
from parity.running import run_with
from parity.strategies import cases
from tests.support.findings import check_scripts, suspected, written
from tests.support.results import result_of
from tests.support.searching import search
from tests.support.strategies import examples

ROOT = Path(__file__).parents[3]
FUNCTION = implementation("tests.support.coincidences:right")
[WITH_GRADIENTS] = implementations(FUNCTION, None, "tests.support.gradient_functions:right_gradients")

any_cases = cases(dtypes=DTYPES, values=VALUES)


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


MEETING_PADDING = Case(
    "conv_transpose1d", (1, 2, 3), 4, 1, padding=1, groups=2, dtype="float16", values="special"
)
"""An infinite weight that the gradient by the input multiplies by the padding's zeros, or leaves out."""


@examples(60)
@given(case=any_cases)
@example(case=MEETING_PADDING)
@example(case=Case("conv1d", (1, 6, 5), 8, 2, stride=2, padding=1, groups=2, values="special"))
def test_a_gradient_functions_script_asserts_what_the_definition_says(case: Case) -> None:
    check_scripts(case, WITH_GRADIENTS, run(case, [], impl=WITH_GRADIENTS, grad=True))


@examples(20)
@given(case=cases(values=("integers", "normal")))
def test_the_cores_and_torchs_scripts_assert_what_their_gradients_mean(case: Case) -> None:
    for name in ("numpy", "torch"):
        check_scripts(case, find_framework(name), run(case, [name], grad=True))


@examples(4)
@given(case=cases(values=("integers",), dtypes=("float32",)))
def test_a_keras_script_asserts_what_its_gradients_mean(case: Case) -> None:
    check_scripts(case, find_framework("keras"), run(case, ["keras"], grad=True))


def test_the_script_of_keras_on_torch_asserts_what_its_gradients_mean() -> None:
    code = """
from parity.frameworks.table import find_framework
from parity import Case, run
from tests.support.findings import check_scripts
from tests.support.gradients import GRADIENTS
case = Case("conv2d", (2, 2, 4, 3), 2, 2, bias=True)
found = run(case, ["keras"], grad=True)
assert {each.output for each in found.results} == {"value", *GRADIENTS}
check_scripts(case, find_framework("keras"), found)
"""
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, check=True, capture_output=True)


@dataclass(frozen=True)
class WithoutCode(NumPy):
    """The NumPy core as a framework that has gradients and no code for them."""

    def differentiating(self, _dtype: str) -> None:  # type: ignore[override] # the core has such code
        return None


def test_a_framework_without_code_for_its_gradients_has_no_script_of_them() -> None:
    case = Case("conv1d", (1, 1, 4), 1, 2)
    results = run_with(case, [WithoutCode()], grad=True).results
    scripts = [script(suspected(case, result), WithoutCode()) for result in results]
    assert [text is None for text in scripts] == [False, True, True]


@pytest.mark.parametrize("name", ["torch", "keras"])
def test_a_frameworks_script_needs_the_framework_and_numpy_only(name: str) -> None:
    case = Case("conv_transpose2d", (1, 4, 3, 3), 2, 3, stride=2, groups=2, bias=True, dtype="float16")
    layers = [each for each in layers_of(find_framework(name), case) if isinstance(each, Spelling)]
    assert layers
    for layer in layers:
        result = result_of(name, layer.kind, str(layer.layer), "timeout")
        text = written(Finding(Cause.of(case, result), case, result), find_framework(name))
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
    done = run_file(written(finding, implementation(f"tests.support.coincidences:{function}")), tmp_path, 60)
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
    done = run_file(written(Finding(Cause.of(case, result), case, result), own), tmp_path, 60)
    assert done.stderr.splitlines()[-1] == said


def test_the_script_of_a_crash_crashes_and_that_of_a_hang_hangs(tmp_path: Path) -> None:
    case = Case("conv1d", (1, 1, 4), 1, 1)
    for function in ("aborts", "hangs"):
        own = implementation(f"tests.support.foreign:{function}")
        result = result_of(own.name, "native", str(layers_of(own, case)[0].layer), "crashed")  # type: ignore[union-attr] # it spells every case
        text = written(Finding(Cause.of(case, result), case, result), own)
        if function == "aborts":
            assert run_file(text, tmp_path, 60).returncode == -6
        else:
            with pytest.raises(subprocess.TimeoutExpired):
                run_file(text, tmp_path, 5)


@pytest.mark.parametrize("name", ["flipped", "raising"])
def test_the_script_of_a_wrong_gradient_shows_it(name: str, tmp_path: Path) -> None:
    [own] = implementations(None, None, f"tests.support.gradient_functions:{name}_gradients")
    case = Case("conv1d", (1, 1, 4), 1, 2)
    wrong = [result for result in run(case, [], impl=own, grad=True).results if not result.explained]
    assert wrong[-1].output == "weight_grad"
    text = written(Finding(Cause.of(case, wrong[-1]), case, wrong[-1]), own)
    done = run_file(text, tmp_path, 60)
    said = "off by up to" if name == "flipped" else "RuntimeError: no gradients"
    assert (done.returncode, said in done.stderr) == (1, True)
    if name == "flipped":
        right = text.replace(".flipped_gradients", ".right_gradients")
        assert run_file(right, tmp_path, 60).returncode == 0
