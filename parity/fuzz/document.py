"""A search as JSON has it: what was run, and each finding with all that is needed to pass it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from parity.frameworks.function import Implementation
from parity.frameworks.interface import Framework
from parity.frameworks.modes import ANY_SUMS
from parity.fuzz.entry import draft_entry
from parity.fuzz.finding import Finding
from parity.fuzz.script import script
from parity.records.counts import Report
from parity.records.header import Header


def document(
    report: Report, findings: Sequence[Finding], header: Header, adapters: Sequence[Framework], seed: int
) -> dict[str, Any]:
    """Describe a search and its findings, as JSON has them.

    Args:
        report: of all its cases, wherever it ended.
        findings: what it found.
        header: of a record, with versions and switches.
        adapters: who ran.
        seed: of the search.
    """
    by_name = {each.name: each for each in adapters}
    counts = {key: value for key, value in report.to_dict(header).items() if key not in _OF_A_SWEEP}
    cases = sum(report.verdicts.values())
    found = f"by parity fuzz --seed {seed}, in {{count}} of {cases} random cases"
    return {
        **counts,
        "kind": "fuzz",
        "seed": seed,
        "cases": cases,
        "findings": [
            _finding(each, by_name[each.cause.framework], found.format(count=each.count)) for each in findings
        ],
    }


_OF_A_SWEEP = {"suites", "rows", "unexplained"}
"""What a report has that a search has not, or tells by its findings."""


def _finding(finding: Finding, adapter: Framework, found: str) -> dict[str, Any]:
    cause: Mapping[str, Any] = asdict(finding.cause)
    return {
        "cause": {key: value for key, value in cause.items() if key not in {"dtype", "transposed"}}
        | {"operation": finding.cause.operation},
        "summary": str(finding.cause),
        "dtypes": finding.dtypes,
        "count": finding.count,
        "shrunk": finding.shrunk,
        "command": f"{finding.case.command} {_only(adapter)}",
        "case": finding.case.to_dict(),
        "result": msgspec.to_builtins(finding.result),
        "script": script(finding, adapter),
        "entry": draft_entry(finding, adapter, found),
    }


def _only(adapter: Framework) -> str:
    """Return the options that run a case with this framework, or function, alone."""
    if not isinstance(adapter, Implementation):
        return f"--frameworks {adapter.name}"
    mode = "" if adapter.declared == ANY_SUMS else f" --mode {adapter.declared}"
    return f"--frameworks numpy --impl {adapter.function}{mode}"
