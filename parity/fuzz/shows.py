"""The question that a case is shrunk by: whether it still shows the cause."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from parity.cases.case import Case
from parity.fuzz.causes import Causes
from parity.fuzz.finding import Finding
from parity.fuzz.places import places_of
from parity.records.result import Result


class Shows:
    """Whether a case shows the cause of a finding; the finding keeps the last that did.

    Hypothesis has to be told the same of a case whenever it asks, so that what is known is not run again.

    Args:
        finding: with the cause.
        causes: runs a case that is not known, and says what of it is unexplained.
        known: cases that were run, with all their causes.
        may_run: whether a case that is not known is to be run.
        said: called when one was run.
        place: where the result has to differ, one of :func:`places_of`; None for anywhere.
    """

    def __init__(
        self,
        finding: Finding,
        causes: Callable[[Case], Causes],
        known: Mapping[Case, Causes],
        may_run: Callable[[Case], bool],
        said: Callable[[], None],
        *,
        place: str | None = None,
    ) -> None:
        self._finding, self._first = finding, (finding.case, finding.result)
        self._causes = causes
        self._known = dict(known)
        self._may_run, self._said, self._place = may_run, said, place

    def __call__(self, case: Case) -> bool:
        """Look it up, or run it."""
        if case not in self._known:
            if not self._may_run(case):
                return False
            self._known[case] = self._causes(case)
            self._said()
        result = self._showing(self._known[case])
        if result is None:
            return False
        self._finding.case, self._finding.result = case, result
        return True

    def again(self, causes: Callable[[Case], Causes]) -> bool:
        """Return whether the last case shows the cause again, run so; if not, the finding keeps the first."""
        finding = self._finding
        result = self._showing(causes(finding.case))
        if result is None:
            finding.case, finding.result = self._first
            return False
        finding.result = result
        return True

    def _showing(self, causes: Causes) -> Result | None:
        """Return the result that shows the cause, in the place where it has to."""
        result = causes.get(self._finding.cause)
        wrong = result is not None and self._place is not None and self._place not in places_of(result)
        return None if wrong else result
