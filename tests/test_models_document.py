"""What the document on whole models shows is what happens."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from parity.cli.main import run_cli
from parity.models.comparison.result import SAID
from tests.support.documents import blocks, commands
from tests.support.lent import lend

DOCUMENT = "docs/reference/models.md"


def test_the_check_of_a_model_ends_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lend(monkeypatch)
    monkeypatch.syspath_prepend(Path(__file__).parent / "support" / "ported_models")
    monkeypatch.chdir(tmp_path)
    [block] = blocks(DOCUMENT, "sh")
    [line] = commands(block.text)
    for command in line.split(" && "):
        program, *arguments = shlex.split(command)
        assert program == "parity"
        assert run_cli(arguments) == 0


def test_every_verdict_is_in_the_table() -> None:
    text = (Path(__file__).parents[1] / DOCUMENT).read_text(encoding="utf-8")
    for said in SAID.values():
        assert said.partition(":")[0] in text
