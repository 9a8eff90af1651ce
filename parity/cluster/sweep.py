"""The cases of suites through a cluster: the same records as on one machine, in another order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from parity.cases.suites import Suite, SuiteCase
from parity.cluster.cluster import Cluster
from parity.cluster.crashed import crashed_record
from parity.cluster.sending import Sending
from parity.frameworks.interface import Framework
from parity.frameworks.known.divergences import Divergence
from parity.records.result import Record
from parity.sweep import named_record


def sweep(
    cases: Sequence[tuple[Suite, SuiteCase]],
    adapters: Sequence[Framework],
    cluster: Cluster,
    *,
    grad: bool = False,
    divergences: Sequence[Divergence] = (),
) -> Iterator[Record]:
    """Run cases as :func:`parity.sweep.sweep` does, on the cluster's workers; each gives one record.

    Raises:
        LostError: as :meth:`parity.cluster.sending.Sending.records`.
    """
    crashed = partial(crashed_record, adapters=adapters, grad=grad, divergences=divergences)
    questions = [named.case for _, named in cases]
    for number, record in Sending(cluster, questions, crashed, len(questions)).records():
        suite, named = cases[number]
        yield named_record(record, suite.name, named.name, named.expected)
