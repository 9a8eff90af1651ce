"""The option that has cases run on a cluster, and what runs them there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import click

from parity.cases.selection import Selection
from parity.cases.suites import Suite, SuiteCase
from parity.cli.options import given_options
from parity.cli.output import note
from parity.frameworks.distributions import MissingError, installed_version, not_installed
from parity.frameworks.interface import Framework
from parity.frameworks.known.divergences import Divergence
from parity.records.header import Header
from parity.records.result import Record
from parity.sweep import header

scheduler_option = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Run on the workers of this Dask scheduler, tcp://HOST:8786; --jobs is for one machine.",
)


@dataclass(frozen=True)
class Wanted:
    """Who computes the cases of a sweep, and how.

    Attributes:
        adapters: the frameworks.
        among: which cases were chosen.
        known: known differences beside the built-in ones.
        timeout: seconds that a layer may take.
        jobs: processes for each framework, on one machine.
        grad: run the backward passes too.
    """

    adapters: Sequence[Framework]
    among: Selection
    known: Sequence[Divergence]
    timeout: float
    jobs: int
    grad: bool


class Running(NamedTuple):
    """What runs the cases of a sweep.

    Attributes:
        header: of the record.
        run: gives each case's record.
        jobs: how many cases are run at a time, about.
    """

    header: Header
    run: Callable[[Sequence[tuple[Suite, SuiteCase]]], Iterator[Record]]
    jobs: int


def check_scheduler(address: str | None) -> None:
    """Accept a command that is to run on a cluster, if it is, and can.

    Raises:
        UsageError: ``--jobs`` is given, too.
        MissingError: Dask is not installed.
    """
    if address is None:
        return
    if "jobs" in given_options():
        raise click.UsageError(
            "--jobs: allowed without --scheduler, whose workers have as many processes as they have threads"
        )
    if installed_version("distributed") is None:
        source = "'convparity[distributed]'"
        raise MissingError(f"--scheduler {not_installed('distributed', source)}")


@contextmanager
def on_cluster(address: str, suites: Sequence[Suite], wanted: Wanted) -> Iterator[Running]:
    """Yield what runs cases on the workers of a scheduler; they end their processes with the ``with``.

    Raises:
        SchedulerError: as :class:`parity.cluster.cluster.Cluster`, and so the others.
    """
    # Dask is optional, and takes its time.
    from parity.cluster.asked import Asked  # noqa: PLC0415
    from parity.cluster.cluster import Cluster  # noqa: PLC0415
    from parity.cluster.heading import on_machines  # noqa: PLC0415
    from parity.cluster.sweep import sweep  # noqa: PLC0415

    grad, known = wanted.grad, wanted.known
    of_workers = Asked.of(wanted.adapters, timeout=wanted.timeout, grad=grad, divergences=known)
    with Cluster(address, of_workers, said=note) as cluster:
        unknown = [None] * len(wanted.adapters)
        first = on_machines(header(suites, wanted.adapters, unknown, wanted.among, known), cluster.nodes)
        run = partial(sweep, adapters=wanted.adapters, cluster=cluster, grad=grad, divergences=known)
        yield Running(first, run, cluster.workers)
