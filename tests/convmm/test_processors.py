"""A helping thread runs on another processor than the one that it helps."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from convmm.fast import processors


class Thread:
    """A thread that waits, and its number in the system."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._over.wait)
        self._thread.start()
        assert self._thread.native_id is not None
        self.number = self._thread.native_id

    def end(self) -> None:
        self._over.set()
        self._thread.join()


@pytest.fixture
def thread() -> Iterator[Thread]:
    waiting = Thread()
    yield waiting
    waiting.end()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="a system that moves no threads")
def test_a_thread_is_kept_off_the_callers_processor_alone(
    thread: Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    everywhere = os.sched_getaffinity(0)
    here = min(everywhere)
    monkeypatch.setattr(processors, "_current", lambda: here)
    processors.keep_off(thread.number)
    assert os.sched_getaffinity(thread.number) == (everywhere - {here} or everywhere)
    assert os.sched_getaffinity(0) == everywhere
    monkeypatch.setattr(processors, "_current", lambda: max(everywhere))
    processors.keep_off(thread.number)
    assert os.sched_getaffinity(thread.number) == (everywhere - {max(everywhere)} or everywhere)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="a system that moves no threads")
def test_where_there_is_one_processor_all_run_on_it(thread: Thread, monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere = os.sched_getaffinity(0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {min(everywhere)})
    monkeypatch.setattr(processors, "_current", lambda: min(everywhere))
    processors.keep_off(thread.number)
    monkeypatch.undo()
    assert os.sched_getaffinity(thread.number) == {min(everywhere)}


@pytest.mark.skipif(processors._current is None, reason="a system that does not say")  # noqa: SLF001
def test_the_current_processor_is_one_that_the_process_may_run_on() -> None:
    assert processors._current is not None  # noqa: SLF001 - the C library's function
    assert processors._current() in os.sched_getaffinity(0)  # noqa: SLF001


def test_where_the_system_refuses_nothing_happens(thread: Thread, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(processors, "_current", lambda: 0)
    monkeypatch.setattr(os, "sched_setaffinity", refuse, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    processors.keep_off(thread.number)
    monkeypatch.setattr(processors, "_current", None)
    processors.keep_off(thread.number)


def test_there_is_at_least_one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processors.count() >= 1
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors.count() == 1
