"""Frameworks' processes that stay while commands come and go, and are lent to one after another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from parity.frameworks.interface import Framework
from parity.workers.folder import Folder
from parity.workers.pool import Pool, end, started

_MOST = 16
"""Frameworks, routes counted apart, whose processes stay at most: each has some hundred MiB."""


class Lender:
    """For the length of a ``with``, lends every command the processes that one before it has used.

    Those of a user's function or program do not stay: what was edited meanwhile is to be read again.

    Args:
        jobs: processes for each framework, or more where a command asks for more.
    """

    current: Lender | None = None
    """The one that lends, if any does."""

    def __init__(self, jobs: int = 1) -> None:
        self._jobs = jobs
        self._folder = Folder()
        self._there: dict[Framework, list[Pool]] = {}  # the last one that was asked for last
        self._lent: Counter[Framework] = Counter()

    def __enter__(self) -> Self:
        """Begin to lend."""
        Lender.current = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all processes."""
        Lender.current = None
        self._end(list(self._there))
        self._folder.remove()

    def start(self, found: Framework) -> None:
        """Start a framework's processes, for whoever asks for them."""
        self.lend(found, 1, None)
        self.take_back(found)

    def lend(self, found: Framework, jobs: int, timeout: float | None) -> list[Pool]:
        """Return a framework's processes, at least ``jobs``, of which tasks may take ``timeout`` seconds."""
        there = sum(pool.jobs for pool in self._there.get(found, ()))
        if 0 < there < jobs and not self._lent[found]:
            self._end([found])
        pools = self._there.pop(found, None) or started(
            found, max(jobs, self._jobs), threads=1, timeout=timeout, folder=self._folder.path, environment={}
        )
        for pool in pools:
            pool.timeout = timeout
        self._there[found] = pools
        self._lent[found] += 1
        return pools

    def take_back(self, found: Framework) -> None:
        """Take a framework's processes back, whatever they still do."""
        self._lent[found] -= 1
        for pool in self._there.get(found, ()):  # there is none any more where all have ended
            pool.abandon()
        idle = [each for each in self._there if not self._lent[each]]
        useless = [each for each in idle if not all(pool.can_be_asked for pool in self._there[each])]
        more = max(len(self._there) - len(useless) - _MOST, 0)
        self._end([*useless, *[each for each in idle if each not in useless][:more]])

    def _end(self, frameworks: Iterable[Framework]) -> None:
        end([pool for found in frameworks for pool in self._there.pop(found)])
