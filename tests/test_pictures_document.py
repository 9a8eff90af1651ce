"""The pictures of the documentation are what the commands that they name draw."""

from __future__ import annotations

import re
import shlex
from html import unescape
from pathlib import Path

import pytest

from parity.cli.main import run_cli
from parity.explain import picture, sizes
from parity.frameworks.table import find_framework
from tests.support.documents import blocks
from tests.support.project import ROOT

DOCS = ROOT / "docs"
PICTURES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.svg"))


@pytest.fixture(autouse=True)
def usual_frameworks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have torch and Keras drawn alone: others may be installed."""
    shown = [find_framework(name) for name in ("torch", "keras")]
    for module in (picture, sizes):
        monkeypatch.setattr(module, "usual_frameworks", lambda: shown)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_its_command_draws(name: str, tmp_path: Path) -> None:
    kept = (DOCS / name).read_text(encoding="utf-8")
    [command] = re.findall(r"Made by parity (.*?)\. 1\. ", kept)
    drawn = tmp_path / "picture.svg"
    assert run_cli([*shlex.split(unescape(command)), "--svg", str(drawn)]) == 0
    assert drawn.read_text(encoding="utf-8") == kept


def test_the_command_of_the_document_draws_its_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = blocks("docs/how-to/pictures.md", "sh")
    monkeypatch.chdir(tmp_path)
    assert run_cli(shlex.split(block.text)[1:]) == 0
    drawn = (tmp_path / "picture.svg").read_text(encoding="utf-8")
    assert drawn == (DOCS / "how-to" / "pictures.svg").read_text(encoding="utf-8")
    assert (tmp_path / "page.html").exists()
