"""What the README and the documentation show is what happens, and what is written of the code is right."""

from __future__ import annotations

import gzip
import importlib
import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from ruamel.yaml import YAML

import convmm
from parity.cases.suites import BUILT_IN, KNOWN, load_suite
from parity.cli.main import run_cli
from tests.support.documents import (
    DOCUMENTS,
    PAGES,
    Block,
    blocks,
    check_sessions,
    commands,
    console,
    is_shown,
)
from tests.support.gradient_functions import right_gradients
from tests.support.lent import lend
from tests.support.project import ROOT

REFERENCE = ROOT / "docs" / "reference"
COMMANDS = "docs/reference/command-line.md"
CI = "docs/how-to/ci.md"
REPOSITORY = "https://github.com/convparity/convparity/"

LONG = {
    " sweep grid": " --limit 5",  # minutes
    " fuzz --seconds 300": " --examples 20 --frameworks numpy",  # others have faults of their own
}
"""Commands that take minutes, by what they begin with, and what shortens them."""

BY_MACHINE = ("parity check", "--values normal")
"""In a command whose end is the processor's: whether a framework's bits change with the batch."""

INSTALLS = ("python3 -m venv", "pip install")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The folder of somebody who has kernels, models, a suite and arrays; the kernels are right."""
    lend(monkeypatch)
    models = ROOT / "tests" / "support" / "ported_models"
    monkeypatch.syspath_prepend(models)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    mykernels = ModuleType("mykernels")
    for name in ("conv", "conv2d", "conv_transpose"):
        setattr(mykernels, name, getattr(convmm, name))
    mykernels.conv2d_grad = right_gradients  # type: ignore[attr-defined] # a module made here
    monkeypatch.setitem(sys.modules, "mykernels", mykernels)
    for name, shape in {"x": (1, 3, 8, 8), "w": (4, 3, 3, 3), "bias": (4,)}.items():
        np.save(f"{name}.npy", np.random.default_rng(0).standard_normal(shape).astype(np.float32))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:  # another page has another file of that name
        where = str(getattr(sys.modules[name], "__file__", None) or "")
        if where.startswith((str(models), str(tmp_path))) or name == "ported":
            del sys.modules[name]


def ended(command: str) -> int:
    """Run a command, shortened where it takes minutes, and return its exit code."""
    program, *arguments = shlex.split(command)
    if program == "pytest":
        Path("mykernels.py").write_text("from convmm import conv2d, conv_transpose\n", encoding="utf-8")
        pytests = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        return subprocess.run(pytests, check=False).returncode
    assert program == "parity"
    more = [added for start, added in LONG.items() if command.startswith(f"parity{start}")]
    return run_cli([*arguments, *shlex.split(" ".join(more))])


def named(block: Block) -> str | None:
    """Return the name of the file that a block is: what the line above it ends with."""
    above = (ROOT / block.document).read_text(encoding="utf-8").splitlines()[: block.line - 2]
    found = re.search(r"`([\w./-]+\.\w+)`(?: has)?:?$", next(line for line in reversed(above) if line))
    return found and found[1]


NEEDED = {"docs/how-to/large-records.md": ("polars", "pyarrow")}
"""What a page shows that the harness does without."""


@pytest.mark.parametrize("page", PAGES)
def test_a_page_run_from_its_top_gives_what_it_shows(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    for module in NEEDED.get(page, ()):
        pytest.importorskip(module)
    session = False
    for block in blocks(page):
        name = named(block)
        if name is not None:
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            for command, shown in console(block):
                capsys.readouterr()
                ended(command)
                printed = capsys.readouterr().out
                assert is_shown(shown, printed), printed
        elif block.language == "sh":
            runs = [line for line in commands(block.text) if not line.startswith(INSTALLS)]
            assert [(command, code) for command in runs if (code := ended(command))] == []
        elif block.language == "pycon":
            if not session:
                check_sessions(blocks(page, "pycon"))
            session = True
        elif not block.language.startswith("{"):  # what only builds the page
            assert block.language == "python"
            exec(block.text, {})  # noqa: S102 - it is this project's own


def test_the_command_lines_that_are_shown_end_well_in_their_order() -> None:
    [block] = blocks(COMMANDS, "sh")
    shown = commands(block.text)
    [sweep] = [command for command in shown if " sweep " in command]
    assert ended(sweep.replace("grid.jsonl", "before.jsonl")) == 0  # which `diff` reads, and no line writes
    codes = {command: ended(command) for command in shown}
    [by_machine] = [command for command in shown if all(part in command for part in BY_MACHINE)]
    assert codes.pop(by_machine) in {0, 1}
    assert [each for each in codes.items() if each[1]] == []
    [said] = re.findall(r"# (\d+) small cases", block.text)
    assert int(said) == len(load_suite("grid").cases)


def test_the_steps_of_ci_end_well_in_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    Path("suites").mkdir()
    [suite] = blocks("docs/reference/suites.md", "toml")
    Path("suites/mymodel.toml").write_text(suite.text, encoding="utf-8")
    [shown] = blocks(CI, "yaml")
    install, *steps = (step["run"] for step in YAML(typ="safe").load(shown.text))
    assert install == 'pip install "convparity[frameworks]"'
    first, compared, _ = steps[0].partition(" --baseline trusted.jsonl")
    assert compared
    assert ended(first) == 0
    shutil.move("parity.jsonl", "trusted.jsonl")
    assert [step for step in steps if ended(step.removesuffix(' >> "$GITHUB_STEP_SUMMARY"'))] == []
    assert "0 of 1 case changed" in capsys.readouterr().out
    assert Path("parity.html").exists()
    [junit] = ET.parse("parity.xml").getroot().iter("testsuite")  # noqa: S314 - it was written here
    assert len(junit.findall("testcase")) == len(load_suite("suites/mymodel.toml").cases)


def script(name: str) -> Any:  # noqa: ANN401 - a module
    spec = importlib.util.spec_from_file_location(name, REFERENCE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_windows_is_what_the_adapters_state() -> None:
    assert (REFERENCE / "windows.md").read_text(encoding="utf-8") == script("windows").page()


def test_the_schema_of_a_record_is_that_of_its_types_and_describes_every_key() -> None:
    written = script("record_schema")
    assert (REFERENCE / "record.schema.json").read_text(encoding="utf-8") == written.text()
    for part in written.schema()["$defs"].values():
        assert [key for key, value in part["properties"].items() if "description" not in value] == []


def test_every_line_of_the_baseline_follows_the_schema_and_a_wrong_one_does_not() -> None:
    schema = json.loads((REFERENCE / "record.schema.json").read_text(encoding="utf-8"))
    validators: Any = importlib.import_module("jsonschema")
    validators.Draft202012Validator.check_schema(schema)
    follows = validators.Draft202012Validator(schema).is_valid
    lines = gzip.decompress((ROOT / "baselines" / "pinned.jsonl.gz").read_bytes()).splitlines()
    header, *records = map(json.loads, lines)
    assert [line for line in (header, *records) if not follows(line)] == []
    assert not follows(records[0] | {"verdict": "fine"})
    assert not follows(header | {"kind": "record"})


def test_every_suite_is_in_the_table_of_suites() -> None:
    text = (REFERENCE / "suites.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)) == {*BUILT_IN, KNOWN}


def test_what_a_newcomer_reads_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_link_to_a_file_of_this_project_is_to_one_that_there_is(document: str) -> None:
    whole = (ROOT / document).read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```$|`[^`\n]+`", "", whole, flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s#]+)[^)]*\)", text)
    absent = []
    for target in targets:
        here = re.fullmatch(rf"{REPOSITORY}(?:blob|tree)/main/(.*)", target)
        path = ROOT / here[1] if here else (ROOT / document).parent / target
        if (here or "://" not in target) and not path.exists():
            absent.append(target)
    assert absent == []


def test_every_page_is_in_a_table_of_contents() -> None:
    docs = ROOT / "docs"
    listed = {docs / "index.md"}
    for block in (block for path in DOCUMENTS for block in blocks(path, "{toctree}")):
        lines = [line for line in block.text.splitlines() if line and not line.startswith(":")]
        listed |= {page for line in lines for page in (ROOT / block.document).parent.glob(f"{line}.md")}
    assert {ROOT / path for path in DOCUMENTS if path.startswith("docs/")} == listed
