"""What a command does not wait for: nothing is imported or looked up that it was not asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

CASE = "run conv2d --input 1,2,5,5 --filters 2 --kernel 3"
EXPLAINED = "run conv_transpose1d --input 1,2,5 --filters 2 --kernel 3 --stride 2 --padding same"

_REPORT = """
import json, sys
from parity.cli.main import run_cli
code = run_cli(sys.argv[1:])
from importlib import metadata
print(json.dumps({"code": code, "modules": sorted(sys.modules)}), file=sys.stderr)
"""

_WITHOUT_A_SEARCH = """
import importlib.metadata
def search(**_):
    raise AssertionError("all distributions were searched")
importlib.metadata.entry_points = search
"""
"""No search of all that is installed for what offers frameworks."""


def python(code: str, *arguments: str, **environment: str) -> str:
    """Run code in a new process, and return what it printed on stderr."""
    env = {**os.environ, **environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    words = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    return done.stderr


def imported(*arguments: str, **environment: str) -> set[str]:
    """Run a command in a new process, and return all modules that this has imported."""
    told: Any = json.loads(python(_WITHOUT_A_SEARCH + _REPORT, *arguments, **environment).splitlines()[-1])
    assert told["code"] in {0, 4}
    return set(told["modules"])


def rooms(modules: set[str]) -> set[str]:
    """Return the rooms of frameworks among the modules."""
    of_frameworks = {"torch", "keras", "onnx", "jax", "litert", "mlx", "tinygrad", "numpy"}
    return {name for name in of_frameworks if f"parity.frameworks.{name}" in modules}


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (f"{CASE} --frameworks torch", {"numpy", "torch"}),
        (f"{EXPLAINED} --frameworks torch,keras", {"numpy", "torch", "keras"}),
        ("sweep article --limit 1 --frameworks keras", {"numpy", "keras"}),
    ],
)
def test_a_framework_that_is_not_asked_for_is_not_looked_at(command: str, found: set[str]) -> None:
    assert rooms(imported(*command.split())) == found


def test_the_help_imports_no_numpy() -> None:
    assert not {"numpy", "rich", "pebble"} & imported("--help")


def test_a_case_whose_output_no_terminal_shows_needs_none_of_what_others_do() -> None:
    modules = imported(*f"{CASE} --frameworks numpy".split())
    assert not {"pygments", "jinja2", "scipy", "hypothesis", "parity.fuzz", "parity.models"} & modules


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_a_process_of_a_framework_imports_what_makes_and_calls_its_layers_alone(framework: str) -> None:
    code = f"import parity.workers.worker, parity.frameworks.{framework}, sys"
    modules = set(python(f"{code}; print(*sys.modules, file=sys.stderr)").split())
    others = {"click", "rich", "filelock", "tomllib", "parity.cli", "parity.running", "parity.verdict"}
    assert not others & modules
    assert rooms(modules) == {framework}


def test_nothing_of_a_case_is_imported_before_the_processes_of_its_frameworks_are_started() -> None:
    code = """
import sys
from parity.workers.workers import Workers
enter = Workers.__enter__
def told(self):
    print(*sys.modules, file=sys.stderr)
    sys.exit(0)
Workers.__enter__ = told
from parity.cli.main import parity
parity.main(sys.argv[1:], standalone_mode=False)
"""
    modules = set(python(code, *f"{CASE} --frameworks torch".split()).split())
    assert not {"rich", "tomllib", "parity.running"} & modules
    assert not {each for each in modules if each.startswith("parity.verdict")}
