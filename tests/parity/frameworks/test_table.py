"""Frameworks that other distributions offer: found by their entry point, in processes of their own."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.project import ROOT

GROUP = "convparity.frameworks"
GUIDE = (ROOT / "docs" / "adding-a-framework.md").read_text(encoding="utf-8")
BROKEN = {
    "missing": "no_such_module:Framework",
    "renamed": "convparity_scipy:SciPy",
    "number": "faulty:NUMBER",
    "ending": "faulty:Ending",
    "asking": "faulty:Asking",
}
"""What cannot be made, by the name that it is offered under."""

FAULTY = """
import sys

from parity.frameworks.interface import Framework

print("faulty is imported")
NUMBER = 3


class Asking(Framework):
    name = "asking"

    def version(self):
        raise OSError("no licence")

    def spell(self, case):
        return []


class Ending(Framework):
    name = "ending"

    def __init__(self):
        sys.exit("this machine has too few cores")
"""


def shown(language: str) -> str:
    """Return the one block of the guide in this language."""
    [block] = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, flags=re.DOTALL | re.MULTILINE)
    return str(block)


def install(folder: Path, name: str, points: Mapping[str, str]) -> None:
    """Write what pip would of a distribution that offers these frameworks."""
    metadata = folder / f"{name}-0.1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    lines = [f"[{GROUP}]", *(f"{key} = {value}" for key, value in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the guide's distribution, and one whose frameworks cannot be made."""
    (tmp_path / "convparity_scipy.py").write_text(shown("python"), encoding="utf-8")
    project = tomllib.loads(shown("toml"))["project"]
    install(tmp_path, project["name"], project["entry-points"][GROUP])
    (tmp_path / "faulty.py").write_text(FAULTY, encoding="utf-8")
    install(tmp_path, "faulty", BROKEN)
    return tmp_path


def ran(folder: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "parity", *arguments],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def read(folder: Path, *arguments: str) -> Any:  # noqa: ANN401 - JSON
    code, out, _ = ran(folder, *arguments, "--json")
    assert code == 0
    return json.loads(out)


def plain(text: str) -> str:
    """Return a text without versions, and without the widths of columns that follow from them."""
    return re.sub(r"[-+\s]+", " ", re.sub(r"\d+\.\d+\.\d+", "VERSION", text))


CASE = "conv2d --input 2,3,5,6 --filters 4 --kernel 3,2 --padding 1".split()


def test_the_guides_framework_runs_as_shown(folder: Path) -> None:
    command, _, output = shown("console").partition("\n")
    code, out, _ = ran(folder, *shlex.split(command)[2:])
    assert (code, plain(out)) == (0, plain(output))


def test_the_guides_framework_runs_beside_the_others_and_is_translated_to(folder: Path) -> None:
    record = read(folder, "run", *CASE, "--frameworks", "torch,scipy")
    assert record["verdict"] == "agree"
    assert [(pair["a"], pair["b"]) for pair in record["pairs"]] == [("torch native", "scipy native")]
    translation = read(folder, "translate", "torch.nn.Conv2d(3, 4, 3, padding=1)", "--to", "scipy")
    assert translation["verified"]


def test_the_guides_framework_obeys_its_rules_and_a_missing_rule_is_unexplained(folder: Path) -> None:
    grid = shlex.split(shown("sh"))[1:]
    assert grid[:2] == ["sweep", "grid"]
    code, out, _ = ran(folder, "sweep", "article", *grid[2:])  # the grid takes a minute
    assert (code, "0 unexplained" in out) == (0, True)
    file, rule = folder / "convparity_scipy.py", " or max(case.dilation) > 1"
    text = file.read_text(encoding="utf-8")
    assert rule in text
    file.write_text(text.replace(rule, ""), encoding="utf-8")
    assert ran(folder, "run", *CASE, "--dilation", "2", "--frameworks", "scipy")[0] == 1


def test_frameworks_that_cannot_be_made_are_listed_with_the_reason_and_cost_no_other(folder: Path) -> None:
    frameworks = {each["framework"]: each for each in read(folder, "frameworks")}
    assert list(frameworks) == ["numpy", "torch", "keras", *sorted({"scipy", *BROKEN})]
    assert frameworks["scipy"]["installed"]
    assert not any(frameworks[name]["installed"] for name in BROKEN)
    assert not set(BROKEN) & {each["framework"] for each in read(folder, "run", *CASE)["results"]}
    assert not any(name in ran(folder, "sizes", *CASE)[1] for name in BROKEN)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("renamed", "ValueError: its name is 'scipy', and it is offered as 'renamed'"),
        ("number", "TypeError: it is no parity.frameworks.interface.Framework but 3"),
        ("ending", "SystemExit: this machine has too few cores"),
        ("asking", "OSError: no licence"),
    ],
)
def test_a_framework_that_cannot_be_made_is_one_sentence(folder: Path, name: str, why: str) -> None:
    code, out, err = ran(folder, "run", *CASE, "--frameworks", name)
    own = "faulty is imported\n" if BROKEN[name].startswith("faulty") else ""
    sentence = f"parity: framework {name!r} cannot be made by {BROKEN[name]}: {why}\n"
    assert (code, out, err) == (2, "", own + sentence)
