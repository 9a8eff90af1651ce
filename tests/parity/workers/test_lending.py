"""Processes that stay while commands come and go."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from parity import Case
from parity.cli.main import run_cli
from parity.frameworks.interface import Framework
from parity.frameworks.table import find_framework
from parity.records.result import CaseResult
from parity.running import run_with
from parity.workers import lending
from parity.workers.interrupts import Interrupted, Interrupts
from parity.workers.lending import Lender
from parity.workers.workers import Workers
from tests.support.processes import workers_of
from tests.support.slow import Slow

PLAIN = Case("conv1d", (1, 1, 4), 1, 2)
A_MINUTE = Case("conv1d", (1, 1, 4), 1, 2, seed=60)


@pytest.fixture
def before() -> set[int]:
    return workers_of(psutil.Process())


def ran(
    case: Case, adapters: Sequence[Framework], *, jobs: int = 1, timeout: float | None = None
) -> CaseResult:
    with Interrupts(), Workers(adapters, jobs=jobs, timeout=timeout) as workers:
        workers.switches()
        return run_with(case, adapters, submit=workers.submit)


def now(before: set[int]) -> set[int]:
    return workers_of(psutil.Process()) - before


@contextmanager
def interrupted_soon() -> Iterator[None]:
    """Have Ctrl-C come a little later, and wait for it."""
    timer = threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(Interrupted):
        yield
    timer.join()


def test_a_command_is_lent_the_processes_of_the_one_before_and_they_end_with_all(before: set[int]) -> None:
    adapters = [find_framework("numpy"), Slow()]
    with Lender() as lender:
        lender.start(adapters[0])
        assert len(now(before)) == 1
        results = [ran(PLAIN, adapters).results for _ in range(2)]
        started = now(before)
        ran(PLAIN, adapters)
        assert now(before) == started
        assert len(started) == len(adapters)
    assert not now(before)
    assert {result.status for each in results for result in each} == {"ok"}


def test_an_interrupt_ends_what_is_at_work_and_the_next_command_is_answered(before: set[int]) -> None:
    both = [Slow(), Slow(loading=0.01)]  # one of which is waited for, and then the other
    with Lender():
        with Workers(both) as workers:
            workers.switches()
        first = now(before)
        with interrupted_soon():
            ran(A_MINUTE, both)
        assert [each.status for each in ran(PLAIN, both).results] == ["ok", "ok"]
        assert not now(before) & first


def test_processes_whose_import_was_interrupted_are_not_lent_again(before: set[int]) -> None:
    slow = Slow(loading=3600)
    with Lender():
        with interrupted_soon():
            ran(PLAIN, [slow])
        assert not now(before)


def test_the_time_that_a_layer_may_take_is_that_of_each_command() -> None:
    with Lender():
        assert ran(PLAIN, [Slow()], timeout=None).results[0].status == "ok"
        assert ran(A_MINUTE, [Slow()], timeout=0.5).results[0].status == "timeout"
        assert ran(PLAIN, [Slow()], timeout=60).results[0].status == "ok"


def test_a_command_that_asks_for_more_processes_has_them(before: set[int]) -> None:
    with Lender() as lender:
        lender.start(Slow())
        one = now(before)
        ran(PLAIN, [Slow()], jobs=2)
        both = now(before)
        assert (len(one), len(both)) == (1, 2)
        ran(PLAIN, [Slow()])
        assert now(before) == both


def test_those_that_were_asked_for_last_stay(before: set[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lending, "_MOST", 2)
    frameworks = [Slow(loading=seconds / 1000) for seconds in range(3)]
    with Lender() as lender:
        for each in frameworks[:2]:
            lender.start(each)
        first, second = now(before), None
        lender.start(frameworks[0])
        lender.start(frameworks[2])
        second = now(before)
        assert len(first) == len(second) == 2
        lender.start(frameworks[0])
        assert now(before) == second


def test_a_function_is_read_again_by_each_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    module = tmp_path / "edited_kernels.py"
    case = "run conv1d --input 1,1,4 --filters 1 --kernel 2"
    words = f"{case} --frameworks numpy --impl edited_kernels:f".split()
    module.write_text("import convmm\n\ndef f(*a, **given):\n    return 2 * convmm.conv(*a, **given)\n")
    with Lender():
        assert run_cli(words) == 1
        module.write_text("from convmm import conv as f\n")
        assert run_cli(words) == 0
    capsys.readouterr()


def test_without_a_lender_processes_end_with_their_command(before: set[int]) -> None:
    with Lender():
        pass
    ran(PLAIN, [find_framework("numpy")])
    assert not now(before)
