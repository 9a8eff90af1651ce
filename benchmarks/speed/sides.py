"""Where a contender runs: in this process beside all others, or in one of its own."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from speed.contenders import CONTENDERS, Calls, Operands, pin_threads
from speed.layers import Layer

# Wall time, unless the processor's time is asked for: on a busy machine, where one thread is to be measured.
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}

# Seconds of calls that do not count, and how many do.
_WARM = 0.15
_CALLS = 3


class Side(Protocol):
    """A contender that can be asked for its results and its times."""

    def prepare(self, layer: Layer, dtype: str) -> list[str]:
        """Make ready for a layer, and return the parts of it that the contender computes."""

    def result(self, part: str) -> NDArray[Any]:
        """Return what it computes, as convmm's array."""

    def turn(self, part: str, clock: str) -> float:
        """Return the seconds that it takes."""


class Here:
    """A contender in this process."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: Calls = {}

    def prepare(self, layer: Layer, dtype: str) -> list[str]:
        """Make the calls of a layer."""
        self._calls = CONTENDERS[self._name](layer, Operands.of(layer, dtype))
        return list(self._calls)

    def result(self, part: str) -> NDArray[Any]:
        """Call once."""
        timed = self._calls[part]
        return np.asarray(timed.as_array(timed.call()))

    def turn(self, part: str, clock: str) -> float:
        """Time a few calls."""
        return turn(self._calls[part].call, clock)


def turn(call: Callable[[], Any], clock: str) -> float:
    """Return the median of a few calls after some that do not count, or of one as long as all of those.

    By then no worker of the turn before spins any more, as those of most libraries do for up to a tenth of a
    second, and the system has found processors for the call's own threads, which takes some calls.
    """
    now = CLOCKS[clock]
    warm = time.perf_counter() + _WARM
    while (latest := _timed(call, now)) < _WARM and time.perf_counter() < warm:
        pass
    return latest if latest >= _WARM else statistics.median(_timed(call, now) for _ in range(_CALLS))


def _timed(call: Callable[[], Any], now: Callable[[], float]) -> float:
    begin = now()
    call()
    return now() - begin


class Apart:
    """A contender in a process of its own, with no other library; it waits while it is not asked."""

    def __init__(self, name: str, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._asked, answering = context.Pipe()
        self._process = context.Process(target=_serve, args=(answering, name, threads), daemon=True)
        self._process.start()
        answering.close()

    def prepare(self, layer: Layer, dtype: str) -> list[str]:
        """Have the calls of a layer made."""
        parts: list[str] = self._ask("prepare", layer, dtype)
        return parts

    def result(self, part: str) -> NDArray[Any]:
        """Have it called once."""
        array: NDArray[Any] = self._ask("result", part)
        return array

    def turn(self, part: str, clock: str) -> float:
        """Have a few calls timed."""
        seconds: float = self._ask("turn", part, clock)
        return seconds

    def end(self) -> None:
        """End the process."""
        self._asked.close()
        self._process.join()

    def _ask(self, method: str, *args: object) -> Any:  # noqa: ANN401 - of three methods
        self._asked.send((method, args))
        answer = self._asked.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer


def _serve(connection: Connection, name: str, threads: int) -> None:
    pin_threads(threads, [name])
    side = Here(name)
    while True:
        try:
            method, args = connection.recv()
        except EOFError:
            return
        try:
            connection.send(getattr(side, method)(*args))
        except Exception as error:  # noqa: BLE001 - raised again by who asked
            connection.send(error)
