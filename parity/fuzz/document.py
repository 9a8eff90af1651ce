"""A search as JSON has it: what was run, and each finding with all that is needed to pass it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from parity.fuzz.contest import Contest
from parity.fuzz.entry import draft_entry, machine_of
from parity.fuzz.finding import Finding
from parity.fuzz.script import script
from parity.records.command import command
from parity.records.counts import Report
from parity.records.header import Header
from parity.running import asked_of


def document(
    report: Report,
    findings: Sequence[Finding],
    header: Header,
    contest: Contest,
    seed: int,
) -> dict[str, Any]:
    """Describe a search and its findings, as JSON has them.

    Args:
        report: of all its cases, wherever it ended.
        findings: what it found.
        header: of a record, with versions and switches.
        contest: who ran.
        seed: of the search.
    """
    counts = {key: value for key, value in report.to_dict(header).items() if key not in _OF_A_SWEEP}
    cases = sum(report.verdicts.values())
    found = f"by parity fuzz --seed {seed}, in {{count}} of {cases} random cases"
    return {
        **counts,
        "kind": "fuzz",
        "seed": seed,
        "cases": cases,
        "findings": [
            _finding(each, contest.alone(each.cause.framework), found.format(count=each.count))
            for each in findings
        ],
    }


_OF_A_SWEEP = {"suites", "rows", "unexplained"}
"""What a report has that a search has not, or tells by its findings."""


def _finding(finding: Finding, contest: Contest, found: str) -> dict[str, Any]:
    (adapter,) = contest.adapters
    asked = asked_of(contest.adapters, grad=contest.grad, divergences=contest.divergences)
    cause: Mapping[str, Any] = asdict(finding.cause)
    return {
        "cause": {key: value for key, value in cause.items() if key not in {"dtype", "transposed"}}
        | {"operation": finding.cause.operation},
        "summary": str(finding.cause),
        "dtypes": finding.dtypes,
        "count": finding.count,
        "shrunk": finding.shrunk,
        "seen_on": finding.seen_on,
        "command": command(finding.case.command, asked),
        "case": finding.case.to_dict(),
        "result": msgspec.to_builtins(finding.result),
        "script": script(finding, adapter),
        "machine": machine_of(finding),
        "tried": None if finding.tried is None else finding.tried.to_dict(),
        "entry": draft_entry(finding, adapter, found),
    }
