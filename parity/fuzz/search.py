"""The search: rounds of random cases, and each new cause among them shrunk."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace

from hypothesis.strategies import SearchStrategy

from parity.cases.case import Case
from parity.cases.selection import Selection
from parity.fuzz.budget import Budget
from parity.fuzz.causes import Cause, Causes, Ran, causes_of
from parity.fuzz.contest import Contest
from parity.fuzz.corpus import Corpus
from parity.fuzz.finding import Finding
from parity.fuzz.places import common_place, places_of
from parity.fuzz.shows import Shows
from parity.fuzz.trying import try_out
from parity.records.counts import Report
from parity.records.machine import Machine
from parity.strategies.draw import draw, smallest
from parity.strategies.simpler import simplify

ROUND = 500
"""Cases that are drawn, and run, before the new causes among them are shrunk."""

_DEFAULT_DTYPE = "float32"
"""Shrunk first: its commands are the shortest."""


class Search:
    """A search; its findings and its report are complete at any time, whatever ends it.

    Args:
        among: which cases.
        strategy: what they are drawn from, and shrunk by.
        contest: who runs them.
        seed: of the draws. With a budget of examples, equal seeds give equal findings.
        budget: how long it goes on.
        corpus: smallest cases of earlier searches.
    """

    def __init__(
        self,
        among: Selection,
        strategy: SearchStrategy[Case],
        contest: Contest,
        *,
        seed: int,
        budget: Budget,
        corpus: Corpus,
    ) -> None:
        self._among, self._strategy, self._contest = among, strategy, contest
        self._seed, self._budget, self._corpus = seed, budget, corpus
        self._said: Callable[[int], None] = lambda _: None
        self._drawn = 0
        self._by_cause: dict[Cause, Finding] = {}
        self.report = Report()
        self.shrinking: Cause | None = None
        self.trying: str | None = None

    @property
    def findings(self) -> list[Finding]:
        """What was found, each once, in the order it was met."""
        return list({id(finding): finding for finding in self._by_cause.values()}.values())

    @property
    def progress(self) -> str:
        """How many cases came out how, how many causes there are, and which is being shrunk."""
        count = len(self.findings)
        causes = "1 cause" if count == 1 else f"{count} causes"
        now = f", shrinking {self.shrinking}" if self.shrinking else ""
        trying = "" if self.trying is None else f", trying {self.trying or 'again'}"
        return f"{self.report.progress}; {causes}{now}{trying}"

    def run(self, said: Callable[[int], None] = lambda _: None) -> None:
        """Go on until the budget is spent; then try what of the machine the findings depend on.

        Args:
            said: called when a case was run, with 1 if it was one of the search, and 0 if of the shrinking.
        """
        self._said = said
        for framework in [each.name for each in self._contest.adapters]:
            for grad in (False, True) if self._contest.grad else (False,):
                self._remember(framework, grad=grad)
        for number in itertools.count():
            left = self._budget.left(self._drawn)
            if left == 0:
                break
            self._round(f"{self._seed} {number}", ROUND if left is None else min(left, ROUND))
        self._try_out()

    def _try_out(self) -> None:
        for adapter in self._contest.adapters:
            own = [finding for finding in self.findings if finding.cause.framework == adapter.name]
            choices = adapter.choices()
            if own and choices:
                contest = self._contest.alone(adapter.name)
                tries = try_out(own, contest, choices, self._say_trying)
                for finding, tried in zip(own, tries, strict=True):
                    finding.tried = tried
        self.trying = None

    def _say_trying(self, what: str) -> None:
        self.trying = what
        self._said(0)

    def _remember(self, framework: str, *, grad: bool) -> None:
        """Run the smallest cases of earlier searches again; those that show nothing any more are dropped."""
        kept = [case for case in self._corpus.cases(framework, grad=grad) if case in self._among]
        for found in self._contest.run_all(kept):
            own = [cause for cause in self._count(found) if cause.framework == framework]
            if not own:
                self._corpus.drop(framework, found.case, grad=grad)
            for cause in own:
                finding = self._by_cause[cause]
                finding.chased = finding.shrunk = True

    def _round(self, seed: str, count: int) -> None:
        seeds: dict[Case, str] = {}
        cases = self._until_spent(draw(self._strategy, seed, count), seeds)
        known = {found.case: self._count(found) for found in self._contest.run_all(cases)}
        met = dict.fromkeys(itertools.chain.from_iterable(known.values()))
        for cause in sorted(met, key=lambda each: each.dtype != _DEFAULT_DTYPE):
            if not self._by_cause[cause].chased:
                self._chase(cause, known, seeds)

    def _until_spent(self, drawn: Iterable[tuple[Case, str]], seeds: dict[Case, str]) -> Iterator[Case]:
        """Yield the cases that the budget allows, each with its seed kept."""
        for case, seed in drawn:
            if self._budget.left(self._drawn) == 0:
                return
            self._drawn += 1
            seeds[case] = seed
            yield case

    def _count(self, found: Ran) -> Causes:
        self.report.add(found.record)
        causes = causes_of(found)
        machine = found.record.machine
        seen_on = machine.kind if isinstance(machine, Machine) else None
        for cause, result in causes.items():
            finding = self._by_cause.setdefault(
                cause, Finding(cause, found.case, result, dtypes=[cause.dtype], seen_on=seen_on)
            )
            finding.count += 1
        self._said(1)
        return causes

    def _chase(self, cause: Cause, known: Mapping[Case, Causes], seeds: Mapping[Case, str]) -> None:
        """Shrink a cause that was met among the known cases of a round, each drawn from a seed.

        Where most of them differ in one place, as in the last row, the smallest has to as well: smaller ones
        have the cause, and say less of it.
        """
        finding = self._by_cause[cause]
        finding.chased = True
        contest = self._contest.alone(cause.framework)
        if self._is_same_in_another_dtype(finding, contest):
            return
        met = {case: causes[cause] for case, causes in known.items() if cause in causes}
        place = common_place(list(met.values()))
        first = next(case for case, result in met.items() if place is None or place in places_of(result))
        finding.case, finding.result = first, met[first]
        self.shrinking = cause
        going_on = self._budget.shrinking()

        def may_run(case: Case) -> bool:
            return case in self._among and cause.may_have(case) and going_on()

        with contest.apart(in_haste=True) if cause.status == "timeout" else nullcontext(contest) as quick:
            shows = Shows(finding, quick.causes, known, may_run, lambda: self._said(0), place=place)
            smallest(self._strategy, shows, seeds[first])
            simplify(finding.case, shows)
        finding.shrunk = shows.again(contest.causes) and going_on()
        if finding.shrunk:
            self._corpus.keep(cause.framework, finding.case, grad=cause.output != "value")
        self.shrinking = None

    def _is_same_in_another_dtype(self, finding: Finding, contest: Contest) -> bool:
        """Return whether another finding's case shows this cause in its dtype; if so, make them one."""
        cause = finding.cause
        for other in self.findings:
            if other.shrunk and other.cause.is_as(cause):
                case = replace(other.case, dtype=cause.dtype)
                result = contest.causes(case).get(cause)
                if result:
                    other.take(finding, case, result)
                    self._by_cause[cause] = other
                    return True
        return False
