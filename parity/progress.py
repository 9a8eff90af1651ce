"""How far a sweep is: a bar on a terminal, and a line every few seconds elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeRemainingColumn

from parity.report import Report

_SECONDS = 5
"""Between two lines where there is no terminal."""


@contextmanager
def progress(total: int, counted: Report) -> Iterator[Callable[[], None]]:
    """Show on stderr how many of ``total`` cases are done, how fast, and what came of them.

    Yields:
        What is to be called when a case is done, and counted.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(total, counted).advance
        return
    columns = (BarColumn(), MofNCompleteColumn(), _Rate("{task.speed}"), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.description}"), console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.update(task, advance=1, description=counted.progress)


class _Rate(TextColumn):
    """Cases a second."""

    def render(self, task: Task) -> str:  # type: ignore[override] # the bar takes a text as well
        return f"{task.speed:.0f}/s" if task.speed else ""


class _Lines:
    """A line on stderr every few seconds.

    Args:
        total: cases.
        counted: what came of them.
        clock: the time in seconds.
    """

    def __init__(self, total: int, counted: Report, clock: Callable[[], float] = time.monotonic) -> None:
        self._total, self._counted, self._clock = total, counted, clock
        self._done = 0
        self._started = self._said = clock()

    def advance(self) -> None:
        """One more case is done."""
        self._done += 1
        now = self._clock()
        if now - self._said < _SECONDS:
            return
        self._said = now
        rate = self._done / (now - self._started)
        left = (self._total - self._done) / rate
        click.echo(
            f"{self._done} of {self._total} cases, {rate:.1f}/s, {left:.0f} s left: {self._counted.progress}",
            err=True,
        )
