"""Many drawn cases against the laws: how often each of them holds, and the smallest case that breaks it."""

from __future__ import annotations

import itertools
import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis.strategies import SearchStrategy

from parity.cases.case import Case
from parity.cases.selection import Selection, words_of
from parity.frameworks.task import Submit
from parity.laws.check import LAWS, SelfCheck, check_command, self_check
from parity.laws.law import STATUSES, Finding
from parity.laws.subject import Subject
from parity.records.counts import Outcome
from parity.records.result import SCHEMA
from parity.strategies.draw import draw, smallest
from parity.strategies.simpler import simplify

VALUE = "a value"
"""What is counted beside the laws: that the case's own call gives something to try them on."""

_MOST_SHRINKING = 500
"""Cases that a law is tried on to find the smallest that breaks it."""

_MOST_SECONDS = 60.0
"""After which the smallest case so far will do: each call may cost a process."""


@dataclass
class Count:
    """What came of one law.

    Attributes:
        statuses: cases by the law's status.
        smallest: the smallest case known that breaks it, with what it says; None where none does.
        missing: cases in which it could not be tried, by the reason.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    smallest: tuple[Case, Finding] | None = None
    missing: Counter[str] = field(default_factory=Counter)


class SelfChecks:
    """Cases that are drawn, each held to the laws; what came of them is complete at any time.

    Args:
        subject: what is checked.
        among: which cases.
        strategy: what they are drawn from, and shrunk by.
        submit: hands a framework its task, to be performed on one thread.
        submit_to_two: the same, on two threads; None where there is no such process.
        examples: how many cases to draw.
        seed: of the draws.
    """

    def __init__(
        self,
        subject: Subject,
        among: Selection,
        strategy: SearchStrategy[Case],
        submit: Submit,
        submit_to_two: Submit | None = None,
        *,
        examples: int,
        seed: int,
    ) -> None:
        self._subject, self._among, self._strategy = subject, among, strategy
        self._submits = submit, submit_to_two
        self._examples, self._seed = examples, seed
        self._cases = 0
        self._crashed = 0
        self.laws = {name: Count() for name in (VALUE, *LAWS)}

    def run(self, said: Callable[[int], None] = lambda _: None) -> None:
        """Draw the cases, and shrink the first that breaks each law.

        Args:
            said: called with 1 when a case was checked.
        """
        first: dict[str, tuple[Case, str]] = {}
        for case, seed in self._drawn():
            checked = self_check(case, self._subject, *self._submits)
            self._cases += 1
            self._crashed += checked.failed is Outcome.CRASHED
            for name, finding in _findings(checked):
                count = self.laws[name]
                count.statuses[finding.status] += 1
                if finding.status == "not applicable":
                    count.missing[finding.message] += 1
                elif finding.status == "broken" and name not in first:
                    first[name] = (case, seed)
                    count.smallest = (case, finding)
            said(1)
        for name, (case, seed) in first.items():
            self._shrink(name, case, seed)

    def _drawn(self) -> Iterator[tuple[Case, str]]:
        """Yield so many different cases, or as many as there are, each with the seed that draws it again."""
        seen: set[Case] = set()
        for number in itertools.count():
            before = len(seen)
            for case, seed in draw(self._strategy, f"{self._seed} {number}", self._examples):
                if len(seen) == self._examples:
                    return
                if case not in seen:
                    seen.add(case)
                    yield case, seed
            if len(seen) == before:
                return

    def _shrink(self, name: str, case: Case, seed: str) -> None:
        """Look for a smaller case that breaks the law."""

        def breaking(case: Case) -> Finding | None:
            if case not in self._among:
                return None
            names = LAWS if name == VALUE else (name,)
            found = dict(_findings(self_check(case, self._subject, *self._submits, names)))[name]
            return found if found.status == "broken" else None

        breaks = _Breaks(self.laws[name], breaking)
        simplify(smallest(self._strategy, breaks, seed) or case, breaks)

    @property
    def progress(self) -> str:
        """How many laws are broken so far."""
        return f"{len(self._broken)} laws broken"

    @property
    def _broken(self) -> list[str]:
        return [name for name, count in self.laws.items() if count.statuses["broken"]]

    @property
    def outcome(self) -> Outcome:
        """The exit code: as of a single case, and a crash goes behind what is broken otherwise."""
        crashes = self.laws[VALUE].statuses["broken"] == self._crashed
        if [name for name in self._broken if name != VALUE or not crashes]:
            return Outcome.UNEXPLAINED
        if self._crashed:
            return Outcome.CRASHED
        held = any(self.laws[name].statuses["holds"] for name in LAWS)
        return Outcome.EXPLAINED if held else Outcome.NOTHING_COMPARED

    @property
    def command(self) -> str:
        """The command line that checks the same again."""
        numbers = ("--examples", str(self._examples), "--seed", str(self._seed))
        chosen = {name: value for name, value in self._among.given.items() if name != "values"}
        return shlex.join(["parity", "check", *words_of(chosen), *numbers, *self._subject.options])

    def to_dict(self) -> dict[str, Any]:
        """Return the document as JSON has it."""
        found = self._subject.implementation
        return {
            "schema": SCHEMA,
            "kind": "self_checks",
            "command": self.command,
            "selection": self._among.given,
            "seed": self._seed,
            "cases": self._cases,
            "implementation": {
                "framework": found.name,
                "version": found.version(),
                "backend": found.backend(),
            },
            "laws": [self._law(name, count) for name, count in self.laws.items()],
        }

    def _law(self, name: str, count: Count) -> dict[str, Any]:
        smallest = None
        if count.smallest is not None:
            case, finding = count.smallest
            command = check_command(case, self._subject)
            smallest = {"command": command, "case": case.to_dict(), **finding.to_dict()}
        return {
            "name": name,
            **{status: count.statuses[status] for status in STATUSES},
            "reasons": [{"reason": why, "count": number} for why, number in count.missing.most_common()],
            "smallest": smallest,
        }


class _Breaks:
    """Whether a case breaks a law; the law's count keeps the last that did.

    Args:
        count: of the law, with a case that breaks it.
        breaking: tries the law on a case, and returns what came of it if it is broken.
    """

    def __init__(self, count: Count, breaking: Callable[[Case], Finding | None]) -> None:
        self._count, self._breaking = count, breaking
        self._end = time.monotonic() + _MOST_SECONDS
        self._known: dict[Case, Finding | None] = {}
        if count.smallest is not None:
            case, finding = count.smallest
            self._known[case] = finding

    def __call__(self, case: Case) -> bool:
        """Look it up, or try it, unless that has been done for long enough."""
        if case not in self._known:
            if len(self._known) > _MOST_SHRINKING or time.monotonic() > self._end:
                return False
            self._known[case] = self._breaking(case)
        finding = self._known[case]
        if finding is not None:
            self._count.smallest = (case, finding)
        return finding is not None


def _findings(checked: SelfCheck) -> Iterator[tuple[str, Finding]]:
    yield VALUE, checked.value
    yield from checked.laws.items()
