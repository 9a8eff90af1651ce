"""Layers run more than once, with one thread and with two."""

from __future__ import annotations

import json
from typing import Any

import pytest

from parity.cli.main import run_cli
from parity.records.counts import Outcome

COMMAND = "run conv1d --input 1,2,6 --filters 3 --kernel 2 --bias --json".split()


def repeated(capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code, and the results."""
    code = run_cli([*COMMAND, *more])
    return code, json.loads(capsys.readouterr().out)["results"]


def test_the_frameworks_give_the_same_bits_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    code, results = repeated(capsys, "--frameworks", "numpy,torch", "--repeat", "3", "--grad")
    assert code == Outcome.EXPLAINED
    assert len(results) == 8
    same = {"runs": 3, "distinct": {"1": 1, "2": 1}, "same": True}
    assert [result["repeats"] for result in results] == [same] * 8


def test_bits_that_change_between_runs_are_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    impl = ["--frameworks", "numpy", "--impl", "tests.support.foreign:rounds_differently_each_time"]
    code, (_, result) = repeated(capsys, *impl, "--repeat", "4", "--values", "normal")
    assert result["repeats"] == {"runs": 4, "distinct": {"1": 2, "2": 2}, "same": False}
    assert code == Outcome.EXPLAINED  # within the bound, each of them


@pytest.mark.parametrize("function", ["rounds_differently_each_time", "depends_on_the_threads"])
def test_bits_that_change_where_every_sum_is_exact_are_unexplained(
    capsys: pytest.CaptureFixture[str], function: str
) -> None:
    impl = ["--frameworks", "numpy", "--impl", f"tests.support.foreign:{function}"]
    code, (_, result) = repeated(capsys, *impl, "--repeat", "2")
    assert code == Outcome.UNEXPLAINED
    assert not result["repeats"]["same"]
    assert result["reason"].startswith("its bits change between runs")


def test_a_layer_run_once_has_no_repeats(capsys: pytest.CaptureFixture[str]) -> None:
    _, (result,) = repeated(capsys, "--frameworks", "numpy")
    assert result["repeats"] is None


@pytest.mark.parametrize("count", ["0", "-1", "x", "1.5"])
def test_a_number_of_runs_that_is_none_is_refused(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli([*COMMAND, "--repeat", count]) == Outcome.WRONG_INPUT
    error = capsys.readouterr().err.strip()
    assert error.startswith("parity: Invalid value for '--repeat'")
    assert len(error.splitlines()) == 1
