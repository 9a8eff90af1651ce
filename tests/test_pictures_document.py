"""The picture of docs/pictures.md is what the command that stands there draws."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from parity.cli.main import run_cli
from parity.explain import picture, sizes
from parity.frameworks.table import find_framework
from tests.support.documents import blocks
from tests.support.project import ROOT


def test_the_picture_is_what_the_command_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = [find_framework(name) for name in ("torch", "keras")]  # others may be installed
    for module in (picture, sizes):
        monkeypatch.setattr(module, "usual_frameworks", lambda: shown)
    (block,) = blocks("docs/pictures.md", "sh")
    monkeypatch.chdir(tmp_path)
    assert run_cli(shlex.split(block.text)[1:]) == 0
    drawn = (tmp_path / "picture.svg").read_text(encoding="utf-8")
    assert drawn == (ROOT / "docs" / "pictures.svg").read_text(encoding="utf-8")
    assert (tmp_path / "page.html").exists()
