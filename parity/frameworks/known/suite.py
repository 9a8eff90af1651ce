"""The examples of the known differences as a suite: a sweep of it says which of them are gone."""

from __future__ import annotations

from parity.cases.case import Case
from parity.cases.suites import KNOWN, Suite, SuiteCase, load_suite
from parity.frameworks.known.registry import built_in


def suite(name: str) -> Suite:
    """Load a suite: "known" is made of the registry, every other is a file.

    Raises:
        SuiteError: no such suite, unreadable, or not valid.
    """
    return _known_suite() if name == KNOWN else load_suite(name)


def _known_suite() -> Suite:
    """Return a case for each built-in known difference: its example."""
    cases = (SuiteCase(entry.name, Case.from_command(entry.example), entry.source) for entry in built_in())
    return Suite(KNOWN, "The example of each known difference, which has to show it.", tuple(cases))
