"""The record of a case that ends every worker: each of its layers counts as crashed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from parity.cases.case import Case
from parity.frameworks.interface import Framework
from parity.frameworks.known.divergences import Divergence
from parity.frameworks.known.registry import layers_of
from parity.frameworks.spelling import Mistaken, Spelling, Unsupported
from parity.records.command import command
from parity.records.result import Record, Result
from parity.running import asked_of
from parity.verdict.judge import About

REASON = "every worker of the cluster ended that this case was given to, and nothing else"


def crashed_record(
    case: Case, adapters: Sequence[Framework], *, grad: bool, divergences: Sequence[Divergence]
) -> Record:
    """Make the record; nothing is computed, the reference neither: that may be what ends a process."""
    return Record(
        case=case.to_dict(),
        command=command(case.command, asked_of(adapters, grad=grad, divergences=divergences)),
        verdict="unexplained",
        results=tuple(_results(case, adapters, divergences)),
    )


def _results(
    case: Case, adapters: Sequence[Framework], divergences: Sequence[Divergence]
) -> Iterator[Result]:
    for found in adapters:
        about: About = {"framework": found.name, "version": found.version(), "backend": found.backend()}
        for spelling in layers_of(found, case, divergences):
            if isinstance(spelling, Spelling):
                yield Result(
                    **about,
                    spelling=spelling.kind,
                    variant=spelling.variant,
                    layer=str(spelling.layer),
                    status="crashed",
                    error="the workers of the cluster ended",
                    reason=REASON,
                )
            else:
                yield _none(about, spelling)


def _none(about: About, spelling: Unsupported) -> Result:
    if isinstance(spelling, Mistaken):
        why = spelling.reason
        return Result(**about, spelling="native", status="invalid", error=why, reason=why)
    return Result(
        **about,
        spelling="native",
        status="unsupported",
        predicted="unsupported",
        explained=True,
        reason=spelling.reason,
    )
