"""Of whatever a cluster is asked an answer comes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from distributed import KilledWorker

from parity.cluster import cluster
from parity.cluster.answers import Answers


def test_a_future_that_fails_while_it_is_fetched_is_answered_by_its_error() -> None:
    error = KilledWorker("key", None, 0)

    async def gather(_: object, *, asynchronous: bool) -> None:
        assert asynchronous
        raise error

    loop = SimpleNamespace(add_callback=lambda function, *arguments: asyncio.run(function(*arguments)))
    client: Any = SimpleNamespace(loop=loop, gather=gather)
    answers, future = Answers(client), object()
    answers.add(future)
    assert answers.has_ready()
    assert answers.next() == (future, error)


def test_a_worker_that_has_ended_since_it_answered_is_not_waited_for() -> None:
    def result(*, timeout: float) -> None:
        assert timeout == cluster.CONNECT
        raise TimeoutError

    future: Any = SimpleNamespace(status="finished", result=result)
    assert cluster._fetched(future) == []  # noqa: SLF001 - a cluster of which that is true is none of ours
    future.result = lambda *, timeout: timeout
    said: list[Any] = cluster._fetched(future)  # noqa: SLF001 - likewise
    assert said == [cluster.CONNECT]
