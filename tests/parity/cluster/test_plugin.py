"""What a Dask worker keeps: processes that are started once, and end without work, or with the worker."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import psutil
import pytest

from parity.cases.case import Case
from parity.cluster import plugin
from parity.cluster.asked import Asked, EndingError, UnfitError
from parity.cluster.plugin import Kept, unpack
from parity.frameworks.table import find_framework
from parity.records.result import Record
from tests.support.clusters import until
from tests.support.processes import workers_of

CASES = [Case("conv1d", (1, 1, 4), 1, 2, seed=seed) for seed in range(3)]
WORKER: Any = SimpleNamespace(address="tcp://a:1", state=SimpleNamespace(nthreads=2))


def processes() -> set[int]:
    return workers_of(psutil.Process(os.getpid()))


@pytest.fixture
def kept() -> Iterator[Kept]:
    before = processes()
    found = Kept("name", Asked.of([find_framework("numpy")], timeout=60))
    found.setup(WORKER)
    yield found
    asyncio.run(found.teardown(WORKER))
    until(lambda: processes() <= before)


def test_a_chunk_gives_a_record_of_each_case_with_the_machine(kept: Kept) -> None:
    done = kept.run(CASES)
    records = [msgspec.json.decode(line, type=Record) for line in unpack(done.lines)]
    assert [each.case for each in records] == [each.to_dict() for each in CASES]
    assert {each.machine.host for each in records if each.machine} == {os.uname().nodename}


def test_processes_are_started_once_and_as_many_as_the_worker_has_threads(kept: Kept) -> None:
    before = processes()
    assert kept.describe().address == "tcp://a:1"
    started = processes() - before
    kept.run(CASES)
    kept.run(CASES)
    assert len(started) >= 2
    assert processes() - before == started


def test_processes_end_without_work_and_new_ones_are_started(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = processes()
    monkeypatch.setattr(plugin, "IDLE", 0.2)
    kept.run(CASES)
    until(lambda: processes() <= before)
    assert len(unpack(kept.run(CASES).lines)) == 3


def test_a_worker_that_is_ending_takes_no_more(kept: Kept) -> None:
    asyncio.run(kept.teardown(WORKER))
    with pytest.raises(EndingError):
        kept.run(CASES)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"convparity": "0.0.1"}, "it has convparity "),
        ({"python": "3.99"}, "it has Python "),
        ({"frameworks": ("numpy", "cntk")}, "framework 'cntk'"),
    ],
)
def test_a_worker_that_lacks_something_says_what(changes: dict[str, Any], said: str) -> None:
    asked = Asked.of([find_framework("numpy")])
    found = Kept("name", type(asked)(**{**vars(asked), **changes}))
    found.setup(WORKER)
    with pytest.raises(UnfitError, match=said):
        found.describe()
