"""Frameworks and functions in processes of their own: what one of them does costs no other answer."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import psutil
import pytest
from pebble import ProcessPool
from pebble.pool.process import PoolManager

from parity import Case
from parity.frameworks.function import implementation
from parity.frameworks.interface import Framework
from parity.frameworks.table import FrameworkError, find_framework
from parity.records.counts import Outcome, Report
from parity.records.result import CaseResult, Result
from parity.running import run_all, run_with
from parity.workers import pool
from parity.workers.workers import Workers

PLAIN = Case("conv1d", (1, 2, 6), 3, 2, bias=True)


def run_function(name: str, *, timeout: float = 60) -> tuple[CaseResult, Result]:
    """The function of this name beside the core, each in a process of its own."""
    adapters: list[Framework] = [find_framework("numpy"), implementation(f"tests.support.foreign:{name}")]
    with Workers(adapters, timeout=timeout) as workers:
        found = run_with(PLAIN, adapters, submit=workers.submit)
    own, result = found.results
    assert own.status == "ok"
    assert own.exact
    return found, result


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("aborts", "SIGABRT"),
        ("is_killed", "SIGKILL"),
        ("exits_with_0", "exit code 0"),
        ("exits_with_7", "exit code 7"),
    ],
)
def test_a_process_that_ends_costs_one_result(name: str, error: str) -> None:
    found, result = run_function(name)
    assert (result.status, result.error, result.explained) == ("crashed", error, False)
    assert result.reason == f"its process ended: {error}"
    assert Report([found.record]).outcome is Outcome.CRASHED


def test_an_abort_leaves_its_last_words() -> None:
    _, result = run_function("aborts")
    assert "in aborts" in result.printed


def test_a_function_that_hangs_runs_out_of_time() -> None:
    found, result = run_function("hangs", timeout=1)
    assert (result.status, result.explained) == ("timeout", False)
    assert result.reason == "it did not end within 1 s"
    assert Report([found.record]).outcome is Outcome.CRASHED


def test_memory_that_runs_out_is_an_error_of_the_function() -> None:
    _, result = run_function("eats_memory")
    assert (result.status, result.explained) == ("rejected", False)
    assert result.error is not None
    assert "MemoryError" in result.error


def test_what_is_printed_and_warned_of_is_recorded() -> None:
    _, result = run_function("prints")
    assert result.relation == "identical"
    assert sorted(result.printed.splitlines()) == [
        "printed by Python",
        "written to standard error",
        "written to standard output",
    ]
    assert result.warnings == ("beware",)


def test_an_output_that_is_changed_later_was_kept_as_it_was() -> None:
    adapters: list[Framework] = [implementation("tests.support.foreign:writes_to_its_last_output")]
    with Workers(adapters) as workers:
        found = list(run_all([PLAIN] * 200, adapters, workers.submit, ahead=workers.ahead))
    assert {each.results[0].relation for each in found} == {"identical"}


@pytest.mark.parametrize(
    ("name", "status"), [("aborts_at_stride_3", "crashed"), ("hangs_at_stride_3", "timeout")]
)
def test_one_bad_end_among_many_tasks_costs_one_case(name: str, status: str) -> None:
    adapters: list[Framework] = [implementation(f"tests.support.foreign:{name}")]
    strides = [1] * 400 + [3, *[2] * 100, 3, *[1] * 100]  # the first teach that they are small
    cases = [replace(PLAIN, stride=(stride,)) for stride in strides]
    with Workers(adapters, jobs=2, timeout=2) as workers:
        found = list(run_all(cases, adapters, workers.submit, ahead=workers.ahead))
    assert [each.case for each in found] == cases
    expected = [status if stride == 3 else "ok" for stride in strides]
    assert [each.results[0].status for each in found] == expected
    assert all(each.results[0].relation in {"identical", None} for each in found)


@pytest.mark.parametrize("seconds", [0.05, 0.15])
def test_an_end_is_told_after_what_the_process_has_sent(
    monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """A busy machine reads late that a process took up the task at which it ended."""
    read = PoolManager.process_next_message

    def read_late(manager: PoolManager, timeout: float) -> None:
        time.sleep(seconds)
        read(manager, timeout)

    monkeypatch.setattr(PoolManager, "process_next_message", read_late)
    adapters: list[Framework] = [implementation("tests.support.foreign:aborts_at_stride_3")]
    strides = [1, 1, 3, 2, 3, 3, 1]
    cases = [replace(PLAIN, stride=(stride,)) for stride in strides]
    with Workers(adapters, timeout=5) as workers:
        found = list(run_all(cases, adapters, workers.submit, ahead=workers.ahead))
    assert [each.results[0].error for each in found] == [None if s != 3 else "SIGABRT" for s in strides]


def test_a_pool_that_waits_for_ever_when_it_is_stopped_is_left_and_its_processes_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "_LONGEST_END", 0.2)
    monkeypatch.setattr(ProcessPool, "join", lambda _: threading.Event().wait())
    monkeypatch.setattr(ProcessPool, "stop", lambda _: None)
    before = set(psutil.Process().children())
    with Workers([find_framework("numpy")]) as workers:
        workers.switches()
        [process] = set(psutil.Process().children()) - before - helpers()
    assert psutil.wait_procs([process], timeout=10)[1] == []


@pytest.mark.parametrize("begun", ["pass", "workers.stop()"])
def test_a_program_ends_whose_processes_were_not_ended_or_not_to_the_last(begun: str) -> None:
    code = (
        "from parity.frameworks.table import find_framework; from parity.workers.workers import Workers; "
        "workers = Workers([find_framework('numpy')]).__enter__(); workers.switches(); "
    )
    subprocess.run([sys.executable, "-c", code + begun], check=True, timeout=30)


def helpers() -> set[psutil.Process]:
    """Python's own, which clean up behind processes that are started."""
    return {each for each in psutil.Process().children() if "resource_tracker" in " ".join(each.cmdline())}


def test_the_answers_are_those_of_this_very_process() -> None:
    adapters: list[Framework] = [find_framework("numpy"), find_framework("torch")]
    case = Case("conv_transpose2d", (2, 3, 4, 5), 2, 3, stride=2, padding="same", bias=True)
    with Workers(adapters) as workers:
        apart = run_with(case, adapters, submit=workers.submit, grad=True)
    here = run_with(case, adapters, grad=True)
    assert apart == here
    for one, other in zip(apart.arrays, here.arrays, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_switches_are_pinned_and_told() -> None:
    with Workers(
        [find_framework("numpy"), find_framework("torch"), find_framework("keras")], threads=1
    ) as workers:
        core, torch, keras = workers.switches()
    assert core == {"threads": 1}
    assert torch is not None
    assert torch.items() >= {"threads": 1, "nnpack": False, "cudnn.allow_tf32": False}.items()
    assert keras is not None
    assert keras.items() >= {"threads": 1, "floatx": "float32", "tensor_float_32": False}.items()


def test_a_function_that_cannot_be_imported_is_an_error() -> None:
    with (
        Workers([implementation("tests.support.foreign:no_such_function")]) as workers,
        pytest.raises(FrameworkError, match="no_such_function"),
    ):
        workers.switches()


def test_the_commands_process_imports_no_framework() -> None:
    code = (
        "import sys; from parity.cli.main import run_cli; "
        "code = run_cli(sys.argv[1:]); "
        "assert not {'torch', 'tensorflow', 'keras'} & set(sys.modules); sys.exit(code)"
    )
    command = "run conv1d --input 1,1,4 --filters 1 --kernel 2 --frameworks torch --json".split()
    done = subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout)["verdict"] == "agree"
