"""What comes of what a cluster was asked: of each future something, whatever becomes of its worker."""

from __future__ import annotations

from queue import SimpleQueue
from typing import Any

from distributed import Client, Future


class Answers:
    """Futures with their results, in the order in which these come.

    A result whose worker ends before it is fetched is computed anew, and that may fail. Dask's
    ``as_completed`` drops a future of which it does, and whoever waits for it waits for ever.

    Args:
        client: whose futures they are.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._come: SimpleQueue[tuple[Future, Any]] = SimpleQueue()

    def add(self, future: Future) -> None:
        """Fetch what comes of a future, too."""
        self._client.loop.add_callback(self._fetch, future)

    def has_ready(self) -> bool:
        """Whether something has come."""
        return not self._come.empty()

    def next(self) -> tuple[Future, Any]:
        """Return a future, and its result or the error that took its place; wait for it, if need be."""
        return self._come.get()

    async def _fetch(self, future: Future) -> None:
        result: Any
        try:
            result = await self._client.gather(future, asynchronous=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what came
            result = error
        self._come.put((future, result))
