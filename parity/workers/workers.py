"""Frameworks in processes of their own, so that one that crashes or hangs costs one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from types import MappingProxyType, TracebackType
from typing import Any, Self

from parity.frameworks.interface import Framework
from parity.frameworks.kept import place
from parity.frameworks.task import Task, Wait
from parity.workers.descriptors import open_standard_descriptors
from parity.workers.folder import Folder
from parity.workers.pool import MOST_TOGETHER, Pool


class Workers:
    """A pool of processes for each framework, started at once; to be used in a ``with``.

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

    @property
    def ahead(self) -> int:
        """How many cases to ask for before the first has answered, for no process to be idle."""
        return MOST_TOGETHER * (self._jobs + 1)

    def __enter__(self) -> Self:
        """Start every framework's processes; each that keeps layers is handed those that it has."""
        for found in self._adapters:
            pools, jobs = (self._jobs, 1) if found.keeps else (1, self._jobs)
            self._pools[found] = [self._pool(found, jobs) for _ in range(pools)]
        return self

    def _pool(self, found: Framework, jobs: int) -> Pool:
        return Pool(
            found,
            jobs=jobs,
            threads=self._threads,
            timeout=self._timeout,
            folder=self._folder.path,
            environment=self._environment,
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them all."""
        self.close()

    def stop(self) -> None:
        """Have them all end, whatever they do, without waiting for that."""
        for pool in chain.from_iterable(self._pools.values()):
            pool.stop()

    def close(self) -> None:
        """End them all, whatever they do."""
        self.stop()
        for pool in chain.from_iterable(self._pools.values()):
            pool.join()
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
