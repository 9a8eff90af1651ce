from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest
import threadpoolctl

from convmm import conv, conv_input_grad, conv_transpose, conv_weight_grad, get_threads, set_threads
from convmm.fast import threads
from convmm.fast.threads import ENVIRONMENT_VARIABLE, Schedule, Scratch, run

LARGE = 10**9


@pytest.fixture(autouse=True)
def _default_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    yield
    set_threads(None)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_number_of_threads_changes_no_bit(dtype: Any) -> None:  # noqa: ANN401 - a scalar type
    rng = np.random.default_rng(0)
    x, w = (
        rng.standard_normal((3, 24, 40, 36)).astype(dtype),
        rng.standard_normal((32, 24, 3, 3)).astype(dtype),
    )
    dy = rng.standard_normal((3, 32, 38, 34)).astype(dtype)
    small, large, patches = (
        rng.standard_normal(shape).astype(dtype)
        for shape in ((12, 192, 7, 6), (192, 192, 3, 3), (24, 6, 8, 4))
    )

    def results() -> list[bytes]:
        arrays = [
            conv(x, w),
            conv_transpose(dy, w, stride=2, output_padding=1),
            conv_transpose(x, w.swapaxes(0, 1), stride=3, output_padding=2),
            conv_input_grad(dy, w, (40, 36)),
            conv_input_grad(dy, w[:, :2], (40, 36)),
            conv_weight_grad(x, dy, 3),
            conv_weight_grad(x[:, :3], dy, 3),
            conv(small, large),
            conv_transpose(small, large, stride=2),
            conv_weight_grad(small, small[:, :, 2:, 2:], 3),
            conv_transpose(x, patches, stride=(8, 4)),
            conv(x, w[:24, :1], groups=24),
            conv_weight_grad(x, dy[:, :24], 3, groups=24),
        ]
        return [array.tobytes() for array in arrays]

    set_threads(1)
    expected = results()
    for count in (2, 3, 8):
        set_threads(count)
        assert results() == expected


def test_several_threads_may_call_at_once() -> None:
    rng = np.random.default_rng(0)
    inputs = [rng.integers(-9, 9, (2, 16, 30, 30)).astype(float) for _ in range(8)]
    w = rng.integers(-9, 9, (32, 16, 3, 3)).astype(float)
    set_threads(1)
    expected = [conv(x, w) for x in inputs]
    set_threads(3)
    before = _blas_threads()
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda x: conv(x, w), inputs * 4))
    for result, wanted in zip(results, expected * 4, strict=True):
        np.testing.assert_array_equal(result, wanted)
    assert _blas_threads() == before


def _blas_threads() -> list[int]:
    return [
        library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"
    ]


def test_blas_has_one_thread_during_the_tasks_and_its_own_number_after() -> None:
    set_threads(2)
    with threadpoolctl.threadpool_limits(2, "blas"):
        during: list[list[int]] = []
        run(Schedule([], [lambda _: during.append(_blas_threads())] * 3), LARGE)
        assert all(count == 1 for counts in during for count in counts)
        assert _blas_threads() == [2 for _ in _blas_threads()]


def _fail(_: Scratch) -> None:
    msg = "from a task"
    raise ZeroDivisionError(msg)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_an_exception_of_a_task_surfaces_and_leaves_blas_as_it_was(threads: int) -> None:
    set_threads(threads)
    before = _blas_threads()
    done: list[int] = []

    def work(_: Scratch) -> None:
        time.sleep(0.001)
        done.append(1)

    with pytest.raises(ZeroDivisionError, match="from a task"):
        run(Schedule([], [_fail, *[work] * 1000]), LARGE)
    assert len(done) < 1000
    assert _blas_threads() == before


def test_an_exception_in_another_thread_than_the_callers_surfaces_too() -> None:
    set_threads(2)
    caller = threading.get_ident()
    met = threading.Event()

    def work(scratch: Scratch) -> None:
        if threading.get_ident() != caller:
            met.set()
            _fail(scratch)
        met.wait(5)

    with pytest.raises(ZeroDivisionError, match="from a task"):
        run(Schedule([], [work] * 4), LARGE)


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_every_task_is_done_once_and_after_all_preparations(threads: int) -> None:
    set_threads(threads)
    done: list[str] = []

    def prepare(number: int, _: Scratch) -> None:
        time.sleep(0.002 * number)
        done.append(f"preparation {number}")

    def work(number: int, _: Scratch) -> None:
        done.append(f"task {number}")

    run(Schedule([partial(prepare, n) for n in range(5)], [partial(work, n) for n in range(100)]), LARGE)
    assert sorted(done[:5]) == [f"preparation {number}" for number in range(5)]
    assert sorted(done[5:]) == sorted(f"task {number}" for number in range(100))


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("failing", range(4))
def test_an_exception_of_a_preparation_surfaces_and_no_task_begins(threads: int, failing: int) -> None:
    set_threads(threads)
    done: list[int] = []

    def wait(_: Scratch) -> None:
        time.sleep(0.002)

    preparations = [_fail if number == failing else wait for number in range(4)]
    with pytest.raises(ZeroDivisionError, match="from a task"):
        run(Schedule(preparations, [lambda _: done.append(1)] * 100), LARGE)
    assert not done


@pytest.fixture
def asleep(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The helping threads between calls; none so far."""
    none: list[Any] = []
    monkeypatch.setattr(threads, "_asleep", none)
    return none


def test_where_no_more_threads_can_be_started_the_others_do_all(
    monkeypatch: pytest.MonkeyPatch, asleep: list[Any]
) -> None:
    set_threads(3)
    start, started = threading.Thread.start, list[threading.Thread]()

    def start_one(thread: threading.Thread) -> None:
        if started:
            msg = "can't start new thread"
            raise RuntimeError(msg)
        start(thread)
        started.append(thread)

    monkeypatch.setattr(threading.Thread, "start", start_one)
    done: list[str] = []
    run(Schedule([lambda _: done.append("preparation")] * 8, [lambda _: done.append("task")] * 8), LARGE)
    assert done == ["preparation"] * 8 + ["task"] * 8
    assert len(asleep) == len(started) == 1


def test_helping_threads_are_kept_for_the_next_call(asleep: list[Any]) -> None:
    set_threads(3)
    met: list[set[int]] = [set(), set()]
    for of_call in met:
        together = threading.Barrier(3)

        def work(_: Scratch, of_call: set[int] = of_call, together: threading.Barrier = together) -> None:
            together.wait(5)
            of_call.add(threading.get_ident())

        run(Schedule([], [work] * 3), LARGE)
    assert met[0] == met[1]
    assert len(met[0]) == 3
    assert len(asleep) == 2


def test_a_helper_that_has_not_begun_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, asleep: list[Any]
) -> None:
    set_threads(2)
    wakes, waited_for = threading.Event(), list[str]()
    serve = threads._Helper._serve  # noqa: SLF001 - the thread

    def serve_late(helper: Any) -> None:  # noqa: ANN401 - of a private class
        if not wakes.wait(5):
            waited_for.append("a helper")
        serve(helper)

    monkeypatch.setattr(threads._Helper, "_serve", serve_late)  # noqa: SLF001
    done: list[int] = []
    for _ in range(2):
        run(Schedule([], [lambda _: done.append(threading.get_ident())] * 4), LARGE)
    assert done == [threading.get_ident()] * 8
    assert len(asleep) == 1
    assert not waited_for
    wakes.set()
    together = threading.Barrier(2)

    def meet(_: Scratch) -> None:
        together.wait(60)

    run(Schedule([], [meet] * 2), LARGE)  # neither thread does both
    assert len(asleep) == 1


def test_a_small_call_wakes_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    set_threads(2)

    def refuse() -> None:
        msg = "a helper is asked for"
        raise AssertionError(msg)

    monkeypatch.setattr(threads, "_helper", refuse)
    for size in (4, 12, 24):  # one product, and tiles
        x, w = np.ones((1, 8, size, size)), np.ones((16, 8, 3, 3))
        dy = conv(x, w)
        conv_transpose(x, w.swapaxes(0, 1), stride=2)
        conv_input_grad(dy, w, (size, size))
        conv_weight_grad(x, dy, 3)
    with pytest.raises(AssertionError, match="a helper is asked for"):
        conv(np.ones((1, 8, 64, 64)), np.ones((16, 8, 3, 3)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
def test_a_forked_process_starts_threads_of_its_own() -> None:
    x, w = np.ones((2, 16, 64, 64)), np.ones((16, 16, 3, 3))
    set_threads(2)
    expected = conv(x, w)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:  # it ends here, whatever happens
        try:
            os.write(writing, b"same" if (conv(x, w) == expected).all() else b"other")
        finally:
            os._exit(0)
    answered, _, _ = select.select([reading], [], [], 20)
    answer = os.read(reading, 9) if answered else b"none"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)
    assert answer == b"same"


def test_the_number_of_threads_is_the_one_set_or_else_the_environments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert get_threads() >= 1
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "3")
    assert get_threads() == 3
    set_threads(5)
    assert get_threads() == 5
    set_threads(None)
    assert get_threads() == 3


@pytest.mark.parametrize("count", [0, -1, 1.0, "2", True])
def test_a_number_of_threads_that_is_none_is_refused(count: Any) -> None:  # noqa: ANN401 - anything
    with pytest.raises(ValueError, match="allowed is an int of at least 1"):
        set_threads(count)


@pytest.mark.parametrize("text", ["0", "-2", "two", "1.5", " "])
def test_an_environment_that_holds_no_number_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, text)
    with pytest.raises(ValueError, match=ENVIRONMENT_VARIABLE):
        conv(np.ones((1, 16, 64, 64)), np.ones((16, 16, 3, 3)))


def test_the_threads_raise_no_warnings_of_infinities() -> None:
    set_threads(2)
    big = np.full((4, 16, 64, 64), np.finfo(np.float32).max, np.float32)
    with np.errstate(all="raise"):
        assert np.isinf(conv(big, np.ones((16, 16, 3, 3), np.float32))).all()


def test_no_tasks_are_done_at_once() -> None:
    set_threads(4)
    run(Schedule([], []), LARGE)


def test_views_of_a_scratch_are_kept_until_an_array_grows() -> None:
    scratch = Scratch()
    built: list[Any] = []

    def build() -> Any:  # noqa: ANN401 - an array
        built.append(scratch.take("columns", (3, 4), np.float64))
        return built[-1]

    assert scratch.kept("key", build) is scratch.kept("key", build)
    assert len(built) == 1
    scratch.take("columns", (2, 2), np.float64)
    assert scratch.kept("key", build) is built[0]
    scratch.take("columns", (30, 40), np.float64)
    assert np.may_share_memory(scratch.kept("key", build), scratch.take("columns", (30, 40), np.float64))
    assert len(built) == 2


def test_a_scratch_keeps_views_for_some_keys_only() -> None:
    scratch = Scratch()
    for key in range(1000):
        assert scratch.kept(key, partial(str, key)) == str(key)
    assert len(scratch._kept) <= 64  # noqa: SLF001 - what it holds on to
