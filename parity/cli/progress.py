"""How far a sweep or a search is: a bar on a terminal, and a line every few seconds elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeRemainingColumn

from parity.cli.streams import say
from parity.frameworks.interface import Framework

_SECONDS = 5
"""Between two lines where there is no terminal."""


def note_expected_time(adapters: Sequence[Framework], cases: int, jobs: int) -> None:
    """Say on stderr how long so many cases will take, of each framework that says what one takes it."""
    for found in adapters:
        seconds = found.seconds_per_case
        if seconds and cases:
            minutes = max(round(seconds * cases / jobs / 60), 1)
            say(f"{found.name} takes about {seconds:g} s a case, about {minutes} min in all", err=True)


class Counted(Protocol):
    """What came of the cases so far."""

    @property
    def progress(self) -> str:
        """In a line."""


@contextmanager
def progress(
    counted: Counted, *, total: int | None = None, seconds: float | None = None
) -> Iterator[Callable[[int], None]]:
    """Show on stderr how many cases are done, how fast, how much is left, and what came of them.

    Args:
        counted: what came of them.
        total: of them; None where only time ends it.
        seconds: after which it ends; None where only the cases do.

    Yields:
        What is to be called when so many more cases are done, and counted.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(counted, total=total, seconds=seconds).advance
        return
    counts = MofNCompleteColumn() if total else TextColumn("{task.completed}")
    left = TimeRemainingColumn() if seconds is None else _Left(seconds)
    columns = (BarColumn(), counts, _Rate("{task.speed}"), left)
    said = TextColumn("{task.description}", markup=False)
    with Progress(*columns, said, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.update(task, advance=count, description=counted.progress)


class _Rate(TextColumn):
    """Cases a second."""

    def render(self, task: Task) -> str:  # type: ignore[override] # the bar takes a text as well
        return f"{task.speed:.0f}/s" if task.speed else ""


class _Left(TextColumn):
    """Seconds until the time ends it.

    Args:
        seconds: that there are in all.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__("")
        self._seconds = seconds

    def render(self, task: Task) -> str:  # type: ignore[override] # the bar takes a text as well
        return f"{max(self._seconds - (task.elapsed or 0), 0):.0f} s"


class _Lines:
    """A line on stderr every few seconds.

    Args:
        counted: what came of the cases.
        total: of them, if that ends it.
        seconds: after which it ends, if that does.
        clock: the time in seconds.
    """

    def __init__(
        self,
        counted: Counted,
        *,
        total: int | None = None,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counted, self._total, self._seconds, self._clock = counted, total, seconds, clock
        self._done = 0
        self._started = self._said = clock()

    def advance(self, count: int) -> None:
        """Count so many more cases as done."""
        self._done += count
        now = self._clock()
        if now - self._said < _SECONDS:
            return
        self._said = now
        rate = self._done / (now - self._started)
        of_all = f" of {self._total}" if self._total else ""
        left = f"{self._left(now, rate):.0f} s left"
        say(f"{self._done}{of_all} cases, {rate:.1f}/s, {left}: {self._counted.progress}", err=True)

    def _left(self, now: float, rate: float) -> float:
        """Return seconds until it ends, by the time or by the cases, whichever comes first."""
        ends = [] if self._seconds is None else [self._started + self._seconds - now]
        if self._total is not None:
            ends.append((self._total - self._done) / rate if rate else float("inf"))
        return max(min(ends), 0)
