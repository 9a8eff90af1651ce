"""Frameworks in processes of their own, so that one that crashes or hangs costs one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Any, Self

from parity.frameworks.interface import Framework
from parity.frameworks.kept import place
from parity.frameworks.task import Task, Wait
from parity.workers.descriptors import open_standard_descriptors
from parity.workers.folder import Folder
from parity.workers.lending import Lender
from parity.workers.pool import MOST_TOGETHER, Pool, end, started


class Workers:
    """A pool of processes for each framework, started at once or lent; to be used in a ``with``.

    Args:
        adapters: the frameworks.
        jobs: processes for each.
        threads: that each process may compute with.
        timeout: seconds that a task may take; None for any.
        environment: variables that each process sets before it loads its framework; an empty one is removed.

    Raises:
        OSError: there is no place for temporary files.
    """

    def __init__(
        self,
        adapters: Sequence[Framework],
        *,
        jobs: int = 1,
        threads: int = 1,
        timeout: float | None = None,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._adapters = adapters
        self._jobs, self._threads, self._timeout = jobs, threads, timeout
        self._environment = environment
        open_standard_descriptors()
        self._folder = Folder()
        self._pools: dict[Framework, list[Pool]] = {}
        self._lent: list[tuple[Lender, Framework]] = []

    @property
    def ahead(self) -> int:
        """How many cases to ask for before the first has answered, for no process to be idle."""
        return MOST_TOGETHER * (self._jobs + 1)

    def __enter__(self) -> Self:
        """Start every framework's processes, or borrow them where some are lent."""
        lender = None if self._threads > 1 or self._environment else Lender.current
        for found in self._adapters:
            if lender is not None and not found.is_a_users:
                self._pools[found] = lender.lend(found, self._jobs, self._timeout)
                self._lent.append((lender, found))
                continue
            self._pools[found] = started(
                found,
                self._jobs,
                threads=self._threads,
                timeout=self._timeout,
                folder=self._folder.path,
                environment=self._environment,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them all."""
        self.close()

    def stop(self) -> None:
        """Have them all end, whatever they do, without waiting for that."""
        for pool in self._own():
            pool.stop()

    def close(self) -> None:
        """End them all, whatever they do, or give them back."""
        end(self._own())
        while self._lent:
            lender, found = self._lent.pop()
            lender.take_back(found)
        self._folder.remove()

    def switches(self) -> list[dict[str, Any] | None]:
        """Return the switches of each framework; None for one whose import failed or crashed.

        Raises:
            FrameworkError: a user's function cannot be imported.
        """
        switches = {found: [pool.switches() for pool in pools] for found, pools in self._pools.items()}
        return [switches[found][0] for found in self._adapters]

    def submit(self, found: Framework, task: Task) -> Wait:
        """Hand a framework a task; what is returned waits for the answer."""
        pools = self._pools[found]
        number = place(found, task) % len(pools) if len(pools) > 1 else 0
        return pools[number].submit(task)

    def _own(self) -> list[Pool]:
        lent = [found for _, found in self._lent]
        return [pool for found, pools in self._pools.items() if found not in lent for pool in pools]
