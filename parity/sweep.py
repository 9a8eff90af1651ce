"""Many cases, one after another, each recorded as a line of JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from parity.cases.memory import check_memory
from parity.cases.selection import Selection
from parity.cases.suites import Suite, SuiteCase
from parity.cases.verdict import Verdict
from parity.frameworks.distributions import installed_version
from parity.frameworks.interface import Framework
from parity.frameworks.known.divergences import Divergence
from parity.frameworks.task import Submit
from parity.records.command import command
from parity.records.header import About, Header
from parity.records.reader import RecordError
from parity.records.result import Record
from parity.running import run_all

SWITCHES = (
    "ONEDNN_MAX_CPU_ISA",
    "TF_ENABLE_ONEDNN_OPTS",
    "KERAS_BACKEND",
    "OMP_NUM_THREADS",
    "CUDA_VISIBLE_DEVICES",
)
"""Environment variables that change numbers."""


def select(
    suites: Sequence[Suite], among: Selection, limit: int | None = None, *, grad: bool = False
) -> list[tuple[Suite, SuiteCase]]:
    """Select the cases of these suites that are among others, the first ``limit`` of them.

    Raises:
        CaseError: one of them does not fit in memory.
    """
    chosen = [(suite, named) for suite in suites for named in suite.cases if named.case in among][:limit]
    for _, case in chosen:
        check_memory(case.case, grad=grad)
    return chosen


def remaining(
    cases: Sequence[tuple[Suite, SuiteCase]], recorded: Iterable[Record], asked: Sequence[str]
) -> list[tuple[Suite, SuiteCase]]:
    """Return the cases of which there is no record yet.

    Args:
        cases: all of them.
        recorded: what there is.
        asked: what is asked of each, as options.

    Raises:
        RecordError: a case was recorded twice, or under its name there is another case, question or expected
            verdict now.
    """
    waiting = {(suite.name, named.name): (suite, named) for suite, named in cases}
    seen = set()
    for record in recorded:
        key = record.place
        if key in seen:
            raise RecordError(f"{key[0]} {key[1]}: recorded twice; the file cannot be resumed")
        seen.add(key)
        found = waiting.pop(key, None)
        if found and record.command != command(found[1].case.command, asked):
            raise RecordError(f"{key[0]} {key[1]}: recorded was another question, {record.command}")
        if found and record.expected != (found[1].expected or UNSET):
            was, now = record.expected or "none", found[1].expected or "none"
            raise RecordError(f"{key[0]} {key[1]}: the expected verdict was {was} and is {now}")
    return list(waiting.values())


def sweep(
    cases: Sequence[tuple[Suite, SuiteCase]],
    adapters: Sequence[Framework],
    submit: Submit,
    *,
    ahead: int,
    grad: bool = False,
    divergences: Sequence[Divergence] = (),
) -> Iterator[Record]:
    """Run cases as :func:`parity.running.run_all` does; each gives a record of kind "record", in order."""
    questions = (named.case for _, named in cases)
    results = run_all(questions, adapters, submit, ahead=ahead, grad=grad, divergences=divergences)
    for (suite, named), result in zip(cases, results, strict=True):
        yield named_record(result.record, suite.name, named.name, named.expected)


def named_record(record: Record, suite: str, name: str, expected: Verdict | None = None) -> Record:
    """Return the record as a sweep's file has it: with the names of its suite and its case."""
    return replace(record, kind="record", suite=suite, name=name, expected=expected or UNSET)


def header(
    suites: Sequence[Suite],
    adapters: Sequence[Framework],
    switches: Sequence[Mapping[str, Any] | None],
    among: Selection | None = None,
    divergences: Sequence[Divergence] = (),
) -> Header:
    """Make the first line of a sweep's record: what ran, in which versions and under which switches."""
    frameworks = [about(found, pinned) for found, pinned in zip(adapters, switches, strict=True)]
    first = header_of([suite.name for suite in suites], frameworks, datetime.now(UTC))
    files = {each.file: each.digest for each in divergences if each.file and each.digest}
    return replace(
        first,
        selection=among.given if among is not None and among.given else UNSET,
        divergences=files or UNSET,
    )


def about(found: Framework, pinned: Mapping[str, Any] | None) -> About:
    """Describe a framework as a header has it, with the switches that it runs under, if they are known."""
    switches = None if pinned is None else dict(pinned)
    return About(framework=found.name, version=found.version(), backend=found.backend(), switches=switches)


def header_of(suites: Sequence[str], frameworks: Sequence[About], started: datetime) -> Header:
    """Make a record's first line, of the suites' names and what :func:`about` says of the frameworks."""
    return Header(
        convparity=installed_version("convparity"),
        suites=tuple(suites),
        frameworks=tuple(frameworks),
        python=platform.python_version(),
        platform=platform.platform(),
        processor=platform.machine(),
        threads=os.cpu_count(),
        flags={name: os.environ.get(name) for name in SWITCHES},
        started=started.isoformat(timespec="seconds"),
    )
