"""The option that has cases run on a cluster, and what runs them there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

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

if TYPE_CHECKING:
    from parity.cases.case import Case
    from parity.cluster.cluster import Cluster
    from parity.cluster.search import Recorded

    Elsewhere = Callable[[Iterable[Case]], Iterator[Recorded]]

scheduler_option = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Run on the workers of this Dask scheduler, tcp://HOST:8786; --jobs is for one machine.",
)


@dataclass(frozen=True)
class Wanted:
    """Who computes the cases of a sweep or a search, and how.

    Attributes:
        adapters: the frameworks.
        among: which cases were chosen; None where that is not part of the header.
        known: known differences beside the built-in ones.
        timeout: seconds that a layer may take.
        jobs: processes for each framework, on one machine.
        grad: run the backward passes too.
    """

    adapters: Sequence[Framework]
    among: Selection | None
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
    from parity.cluster.sweep import sweep  # noqa: PLC0415 - Dask is optional, and takes its time

    with _cluster(address, wanted) as cluster:
        grad, known = wanted.grad, wanted.known
        run = partial(sweep, adapters=wanted.adapters, cluster=cluster, grad=grad, divergences=known)
        yield Running(_header(suites, wanted, cluster), run, cluster.workers)


@contextmanager
def search_on_cluster(address: str, wanted: Wanted, most: int) -> Iterator[tuple[Header, Elsewhere]]:
    """Yield what runs a search's cases, at most so many at a time, on the workers; as :func:`on_cluster`."""
    from parity.cluster.crashed import crashed_record  # noqa: PLC0415 - as above
    from parity.cluster.search import run_in_order  # noqa: PLC0415

    with _cluster(address, wanted) as cluster:
        grad, known = wanted.grad, wanted.known
        crashed = partial(crashed_record, adapters=wanted.adapters, grad=grad, divergences=known)
        run = partial(run_in_order, cluster=cluster, crashed=crashed, total=most)
        yield _header((), wanted, cluster), run


def _cluster(address: str, wanted: Wanted) -> Cluster:
    from parity.cluster.asked import Asked  # noqa: PLC0415 - as above
    from parity.cluster.cluster import Cluster  # noqa: PLC0415

    asked = Asked.of(wanted.adapters, timeout=wanted.timeout, grad=wanted.grad, divergences=wanted.known)
    return Cluster(address, asked, said=note)


def _header(suites: Sequence[Suite], wanted: Wanted, cluster: Cluster) -> Header:
    from parity.cluster.heading import on_machines  # noqa: PLC0415 - as above

    unknown = [None] * len(wanted.adapters)
    return on_machines(header(suites, wanted.adapters, unknown, wanted.among, wanted.known), cluster.nodes)
