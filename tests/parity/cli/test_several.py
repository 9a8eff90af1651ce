"""Several expressions given to one `parity translate`."""

from __future__ import annotations

import json
from collections.abc import Sequence

import hypothesis.strategies as st
import pytest
from hypothesis import given

from parity.cli import translate as translate_module
from parity.cli.main import run_cli
from parity.frameworks.code.script import execute
from parity.frameworks.interface import Framework
from parity.records.counts import Outcome, worst
from parity.workers.workers import Workers

LINES = ["nn.Conv2d(3, 8, 3)", "nn.ConvTranspose1d(2, 2, 3, stride=2)"]
UNREADABLE = "nn.Conv9d(3, 8, 3)"


def test_each_has_a_script_of_one_process_for_each_framework_and_all_of_it_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[list[str]] = []

    class Counted(Workers):
        def __init__(self, adapters: Sequence[Framework], *, timeout: float) -> None:
            started.append([each.name for each in adapters])
            super().__init__(adapters, timeout=timeout)

    monkeypatch.setattr(translate_module, "Workers", Counted)
    assert run_cli(["translate", *LINES, "--to", "numpy"]) == Outcome.EXPLAINED
    assert started == [["torch", "numpy"]]
    text = capsys.readouterr().out
    assert text.startswith("# expression 1 of 2\n# nn.Conv2d(3, 8, 3)\n")
    assert text.count("# verified on inputs of sizes") == len(LINES)
    (first, second) = text.split("# expression 2 of 2\n")
    assert second.startswith("# nn.ConvTranspose1d(2, 2, 3, stride=2)\n")
    for script in (first, second, text):
        assert {"layer", "convert"} <= set(execute(script))


def test_one_that_cannot_be_read_is_named_and_costs_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = LINES
    lines = [first, UNREADABLE, second]
    assert run_cli(["translate", *lines, "--to", "numpy"]) == Outcome.WRONG_INPUT
    printed = capsys.readouterr()
    assert printed.out.count("# verified on inputs of sizes") == len(LINES)
    (said,) = printed.err.splitlines()
    assert said.startswith("parity: expression 2 of 3: nn.Conv9d is no layer that is known")
    assert run_cli(["translate", *lines, "--to", "numpy", "--json"]) == Outcome.WRONG_INPUT
    documents = json.loads(capsys.readouterr().out)
    assert [each["source"] for each in documents] == lines
    assert [each.get("verified") for each in documents] == [line != UNREADABLE or None for line in lines]
    assert documents[1]["error"].startswith("nn.Conv9d is no layer that is known")


def test_where_none_can_be_read_each_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["translate", UNREADABLE, "model.onnx", "--to", "numpy"]) == Outcome.WRONG_INPUT
    printed = capsys.readouterr()
    assert not printed.out
    assert [line.split(": ")[1] for line in printed.err.splitlines()] == [
        "expression 1 of 2",
        "expression 2 of 2",
    ]


def test_an_unknown_framework_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["translate", *LINES, "--to", "nonesuch"]) == Outcome.WRONG_INPUT
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_none_at_all_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["translate", "--to", "numpy"]) == Outcome.WRONG_INPUT
    assert "EXPRESSION..." in capsys.readouterr().err


@given(st.lists(st.sampled_from(Outcome), min_size=1))
def test_the_worst_decides_and_what_cannot_be_read_is_the_worst(outcomes: list[Outcome]) -> None:
    order = [2, 1, 3, 4, 0]
    assert worst(outcomes) == next(code for code in order if code in outcomes)
