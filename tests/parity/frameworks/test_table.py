"""Frameworks that other distributions offer: found by their entry point, in processes of their own."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from parity.frameworks.table import BUILT_IN
from tests.support.documents import blocks, console, is_shown

GROUP = "convparity.frameworks"
GUIDE = "docs/how-to/adding-a-framework.md"
BROKEN = {
    "missing": "no_such_module:Framework",
    "renamed": "convparity_scipy:SciPy",
    "number": "faulty:NUMBER",
    "ending": "faulty:Ending",
    "asking": "faulty:Asking",
    "stateful": "faulty:Stateful",
}
"""What cannot be made, by the name that it is offered under."""

WRONG = {
    "raising": "ValueError: no rule for this",
    "leaving": "SystemExit: no rule for this",
    "single": "TypeError: 'Unsupported' object is not iterable",
    "silent": "says that its layers are []: allowed are Spelling",
    "misnamed": "says that its layers are [Spelling(kind='nativ'",
    "unpinned": "RuntimeError: no such switch",
    "switchless": "TypeError: pin returned None: allowed is a dict of switches by name",
    "unlicensed": "SystemExit: no licence",
    "unprinted": "AttributeError: module 'layers_of_nobody' has no attribute 'inner'",
}
"""What can be made and goes wrong when it is asked or started, and what is said of it."""

FAULTY = """
import sys

from parity.frameworks.code.layer import layer
from parity.frameworks.interface import Framework
from parity.frameworks.spelling import Spelling, Unsupported

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


class Stateful(Framework):
    name = "stateful"

    def __init__(self):
        object.__setattr__(self, "function", lambda: None)

    def spell(self, case):
        return []


class Raising(Framework):
    name = "raising"

    def spell(self, case):
        raise ValueError("no rule for this")


class Leaving(Framework):
    name = "leaving"

    def spell(self, case):
        sys.exit("no rule for this")


class Single(Framework):
    name = "single"

    def spell(self, case):
        return Unsupported("it has no layer")


class Silent(Framework):
    name = "silent"

    def spell(self, case):
        return []


class Misnamed(Framework):
    name = "misnamed"

    def spell(self, case):
        return [Spelling("nativ", layer("convmm.conv2d"), meaning=case)]


class Plain(Framework):
    def spell(self, case):
        return [Spelling("native", layer("builtins.print"), meaning=case)]


class Unpinned(Plain):
    name = "unpinned"

    def pin(self, threads):
        raise RuntimeError("no such switch")


class Switchless(Plain):
    name = "switchless"

    def pin(self, threads):
        return None


class Unlicensed(Plain):
    name = "unlicensed"

    def load(self):
        sys.exit("no licence")


class Unprinted(Framework):
    name = "unprinted"

    def spell(self, case):
        return [Spelling("native", layer("layers_of_nobody.inner.Layer"), meaning=case)]
"""


def shown(language: str) -> str:
    """Return the one block of the guide in this language."""
    [block] = blocks(GUIDE, language)
    return block.text


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


@pytest.fixture
def wrong(folder: Path) -> Path:
    """Return the same, with frameworks that go wrong when they are asked or started."""
    install(folder, "wrong", {name: f"faulty:{name.title()}" for name in WRONG})
    (folder / "layers_of_nobody").mkdir()
    for module in ("__init__", "inner"):
        (folder / "layers_of_nobody" / f"{module}.py").write_text("Layer = print\n")
    return folder


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


CASE = "conv2d --input 2,3,5,6 --filters 4 --kernel 3,2 --padding 1".split()


def test_the_guides_framework_runs_as_shown(folder: Path) -> None:
    [block] = blocks(GUIDE, "console")
    [(command, output)] = console(block)
    code, out, _ = ran(folder, *shlex.split(command)[1:])
    assert (code, is_shown(output, out)) == (0, True)


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
    assert list(frameworks) == [*BUILT_IN, *sorted({"scipy", *BROKEN})]
    assert frameworks["scipy"]["installed"]
    assert not any(frameworks[name]["installed"] for name in BROKEN)
    assert not any(name in ran(folder, "sizes", *CASE)[1] for name in BROKEN)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("renamed", "ValueError: its name is 'scipy', and it is offered as 'renamed'"),
        ("number", "TypeError: it is no parity.frameworks.interface.Framework but 3"),
        ("ending", "SystemExit: this machine has too few cores"),
        ("asking", "OSError: no licence"),
        ("stateful", "AttributeError: Can't pickle local object 'Stateful.__init__.<locals>.<lambda>'"),
    ],
)
def test_a_framework_that_cannot_be_made_is_one_sentence(folder: Path, name: str, why: str) -> None:
    code, out, err = ran(folder, "run", *CASE, "--frameworks", name)
    own = "faulty is imported\n" if BROKEN[name].startswith("faulty") else ""
    sentence = f"parity: framework {name!r} cannot be made by {BROKEN[name]}: {why}\n"
    assert (code, out, err) == (2, "", own + sentence)


def test_a_framework_that_goes_wrong_costs_its_own_results_alone(wrong: Path) -> None:
    code, out, err = ran(wrong, "run", *CASE, "--frameworks", ",".join(["numpy", *WRONG]), "--json")
    own, *others = json.loads(out)["results"]
    assert (code, own["relation"], "Traceback" in err) == (1, "identical", False)
    assert [each["framework"] for each in others] == list(WRONG)
    for each in others:
        assert each["status"] in {"invalid", "rejected"}
        assert WRONG[each["framework"]] in each["error"]
        assert not each["explained"]


def test_frameworks_that_go_wrong_stop_no_command_that_asks_them_all(wrong: Path) -> None:
    assert {"torch", "raising"} <= {each["framework"] for each in read(wrong, "frameworks")}
    for command in ("sizes", "explain"):
        code, out, _ = ran(wrong, command, *CASE)
        assert (code, "torch" in out) == (0, True)
    layer = "torch.nn.Conv2d(3, 4, 3)"
    code, _, err = ran(wrong, "translate", layer, "--to", "raising", "--input", "1,3,5,5")
    assert (code, "it cannot say its layers: ValueError: no rule for this" in err) == (2, True)


def test_what_a_framework_can_do_is_asked_of_it(wrong: Path) -> None:
    frameworks = {each["framework"]: each for each in read(wrong, "frameworks")}
    assert frameworks["scipy"]["ops"] == ["conv1d", "conv2d", "conv3d"]
    assert frameworks["scipy"]["dtypes"] == ["float32", "float64"]
    assert (frameworks["raising"]["ops"], frameworks["ending"]["ops"]) == ([], [])


def test_a_layer_in_a_submodule_is_printed_with_its_import(folder: Path) -> None:
    package = folder / "layers_of_scipy"
    package.mkdir()
    (package / "__init__.py").touch()
    text = shown("python").replace("convparity_scipy.Correlation", "layers_of_scipy.direct:Correlation")
    for file in (package / "direct.py", folder / "convparity_scipy.py"):
        file.write_text(text, encoding="utf-8")
    program = read(folder, "translate", "torch.nn.Conv2d(3, 4, 3)", "--to", "scipy")["code"]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    lines = [line for line in program.splitlines() if line.startswith(("import ", "layer = "))]
    assert lines[0] == "import layers_of_scipy.direct"
    subprocess.run([sys.executable, "-c", "\n".join(lines)], env=environment, check=True)
