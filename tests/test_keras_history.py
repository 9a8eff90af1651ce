"""The history of Keras is what its records say, and its page what the data says."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from parity.records.diff import diff
from tests.support.project import ROOT
from tests.support.recorded import recorded, write

VERDICTS = ("agree", "explained")
FOLDER = ROOT / "docs" / "findings"


@pytest.fixture(scope="module")
def history() -> ModuleType:
    spec = importlib.util.spec_from_file_location("history", FOLDER / "history.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_that_of_the_data(history: ModuleType) -> None:
    data = json.loads((FOLDER / "keras-history.json").read_text(encoding="utf-8"))
    assert (FOLDER / "keras-history.md").read_text(encoding="utf-8") == history.page(data)
    for backend in data["backends"].values():
        versions = [each["version"] for each in backend["releases"]]
        assert versions == sorted(versions, key=lambda name: [int(part) for part in name.split(".")])
        assert versions[0] == "3.8.0"


def test_a_change_stands_at_the_release_that_made_it(history: ModuleType, tmp_path: Path) -> None:
    lines = recorded()
    lines[0]["frameworks"] = [lines[0]["frameworks"][1] | {"backend": "torch 1"}]
    files = [write(tmp_path / f"3.{minor}.0-torch.jsonl", lines) for minor in (9, 10)]
    changed = next(each for each in lines[1]["results"] if each["framework"] == "torch")
    changed |= {"relation": "unrelated", "explained": False, "reason": "`a` | <b>\n"}
    lines[1]["verdict"] = "unexplained"
    files.append(write(tmp_path / "3.11.0-torch.jsonl", lines))
    (tmp_path / "3.10.1.txt").write_text("no wheel | for *this*\n")
    data = history.summary(tmp_path)
    releases = data["backends"]["torch"]["releases"]
    assert [each["version"] for each in releases] == ["3.9.0", "3.10.0", "3.11.0"]
    assert [bool(each["changes"]) for each in releases] == [False, False, True]
    assert len(releases[2]["changes"]) == len(diff(files[1], files[2]).groups) > 0
    page = history.page(data)
    agree, explained = (sum(line["verdict"] == verdict for line in recorded()[1:]) for verdict in VERDICTS)
    assert f"| 3.10.0 | {agree} | {explained} | 0 | nothing |" in page
    assert "### Keras 3.11.0" in page
    assert "### Keras 3.10.0" not in page
    assert "- 3.10.1: no wheel &#124; for &#42;this&#42;" in page
    rows = [line for line in page.splitlines() if line.startswith("| verdict")]
    assert len(rows) == 1
