"""Recorded cases, counted: how many agree, differ and are refused, by framework and operation."""

from __future__ import annotations

import operator
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from enum import IntEnum
from typing import Any, NamedTuple

import msgspec

from parity.cases.op import OPS
from parity.cases.suites import BUILT_IN, KNOWN
from parity.cases.verdict import VERDICTS
from parity.records.disk import Listing, Part, Place
from parity.records.header import Header
from parity.records.machines import Machines
from parity.records.reasons import Explanation, reason_of
from parity.records.result import DRAWN, ENDED_BADLY, Record, Result

COLUMNS = (
    "agree",
    "differ in shape",
    "differ in value",
    "empty",
    "no verdict",
    "refused",
    "unsupported",
    "failed",
    "unexplained",
)

SPELLINGS = ("native", "exact", "lookalike")

OUTPUTS = ("value", "input_grad", "weight_grad", "bias_grad")

NOTHING_TELLS = "nothing tells: all are identical, and one number everywhere would be, too"
"""Of a case without a difference that yet does not count as agreeing, the reason."""

Row = tuple[str, str, str, str]
"""Framework, spelling, output and op."""


class Outcome(IntEnum):
    """What a command ends with: its exit code."""

    EXPLAINED = 0
    UNEXPLAINED = 1
    WRONG_INPUT = 2
    CRASHED = 3
    NOTHING_COMPARED = 4


_WORST_FIRST = (
    Outcome.WRONG_INPUT,
    Outcome.UNEXPLAINED,
    Outcome.CRASHED,
    Outcome.NOTHING_COMPARED,
    Outcome.EXPLAINED,
)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return what a command ends with that comes to all of these, one at least."""
    return min(outcomes, key=_WORST_FIRST.index)


class Unexplained(NamedTuple):
    """What nothing explains.

    Attributes:
        suite: the case's; empty where it has none.
        name: the case's in its suite; likewise.
        command: the case's.
        result: the result's label; "verdict" where the case has another verdict than its suite expects.
        reason: in words.
    """

    suite: str
    name: str
    command: str
    result: str
    reason: str


class Apart(NamedTuple):
    """A native layer that does not agree.

    Attributes:
        name: the case's in its suite.
        result: the result's label.
        found: what came of it, one of :data:`COLUMNS`.
        reason: in words, or empty.
    """

    name: str
    result: str
    found: str
    reason: str


MOST_NAMED = 40
"""Cases of a suite that are reported one by one, by their names; more are counted."""

_MOST_DIGITS = 20
"""Of a number in a name, for it to be sorted as one."""


def ended_badly(result: Result) -> bool:
    """Return whether the framework crashed or ran out of time."""
    return result.status in ENDED_BADLY


def declined(result: Result) -> bool:
    """Return whether a call said itself that it has no such operation."""
    return result.status == "unsupported" and result.error is not None


def classify(result: Result) -> str:
    """Say which of the columns a result counts in; "unexplained" is counted beside it."""
    if result.status != "ok":
        return {"rejected": "refused", "unsupported": "unsupported"}.get(result.status, "failed")
    if result.is_nothing:
        return "empty"
    if result.relation == "no verdict" or not result.compared:
        return "no verdict"
    if result.relation == "identical":
        return "agree"
    return "differ in value" if result.shape_equal else "differ in shape"


def record_place(record: Record, suites: Sequence[str]) -> Place:
    """Return what records sort by: suite as in ``suites``, name (with 2 before 10), command."""
    suite, name = record.place
    numbered = _NUMBER.sub(lambda number: number[0].zfill(_MOST_DIGITS), name)
    return *_place(suite, suites), numbered, name, record.command


_NUMBER = re.compile("[0-9]+")


def _place(name: str, known: Sequence[str]) -> tuple[int, str]:
    """Place a name: the known names in their order, then the others by alphabet."""
    return (known.index(name) if name in known else len(known)), name


_TELLING = operator.attrgetter(
    "framework",
    "spelling",
    "output",
    "status",
    "relation",
    "shape_equal",
    "compared",
    "explained",
    "divergence",
    "unseen",
)
"""What of a result decides how it counts."""


class _Kind:
    """Results that count in the same way.

    Args:
        result: one of them.
        row: theirs.
        place: of the row among others.

    Attributes:
        what: the column that they count in.
        differs: :func:`parity.records.reasons.reason_of` gives a reason for each.
        apart: they are native layers that do not agree.
        unsupported: there is no such layer.
        count: how many there are.
    """

    def __init__(self, result: Result, row: Row, place: Place) -> None:
        self.result, self.row, self.place = result, row, place
        self.what = classify(result)
        self.differs = reason_of(result) is not None
        self.apart = self.what != "agree" and _is_own_layer(result)
        self.unsupported = result.status == "unsupported"
        self.count = 0


class Report:
    """Counts over any number of records, added one by one, in any order.

    Args:
        records: to begin with.
        header: of the sweep; its suites and frameworks set the order of what is listed.
    """

    def __init__(self, records: Iterable[Record] = (), header: Header | None = None) -> None:
        self.verdicts: Counter[str] = Counter()
        self.machines = Machines()
        self._suites: Sequence[str] = header.suites if header else ()
        self._frameworks = [each.framework for each in header.frameworks] if header else []
        self._unexplained: Listing[Unexplained] = Listing(Unexplained)
        self._named: dict[str, dict[Place, tuple[str, dict[str, str]]]] = {}
        self._reasons: Counter[str] = Counter()
        self._shortest: dict[str, tuple[int, str]] = {}
        self.declined: Counter[tuple[str, str]] = Counter()
        self._ended_badly = 0
        self._kinds: dict[tuple[str, object], _Kind] = {}
        self._apart: Listing[Apart] = Listing(Apart)
        for record in records:
            self.add(record)

    def add(self, record: Record) -> None:
        """Count one record; one whose verdict is another than its suite expects is unexplained."""
        unmet = record.unmet
        self.verdicts["unexplained" if unmet else record.verdict] += 1
        self.machines.add(record)
        self._name(record)
        if unmet:
            place = (*record_place(record, self._suites), ())
            self._unexplained.add(place, Unexplained(*record.place, record.command, "verdict", unmet))
        own_suite, op, reasons = record.place[0] not in _KNOWN_SUITES, record.op, set()
        for result in record.results:
            key = (op, _TELLING(result))
            kind = self._kinds.get(key) or self._new_kind(key, result)
            kind.count += 1
            if kind.differs:
                reasons.add(reason_of(result))
            if own_suite and kind.apart:
                place = (*record_place(record, self._suites), kind.place)
                self._apart.add(place, Apart(record.place[1], result.label, kind.what, result.reason or ""))
            if kind.unsupported and declined(result):
                self.declined[result.label, str(result.reason)] += 1
            if not result.explained:
                self._ended_badly += ended_badly(result)
                place = (*record_place(record, self._suites), kind.place)
                found = Unexplained(*record.place, record.command, result.label, _why(result))
                self._unexplained.add(place, found)
        if record.verdict == "explained" and not unmet:
            self._count_reasons(record, reasons or {NOTHING_TELLS})

    def _new_kind(self, key: tuple[str, object], result: Result) -> _Kind:
        row = (result.framework, result.spelling, result.output, key[0])
        found = self._kinds[key] = _Kind(result, row, self._row_place(row))
        return found

    def _name(self, record: Record) -> None:
        """Keep what came of a named case by framework, as long as its suite has few."""
        suite, name = record.place
        cases = self._named.setdefault(suite, {})
        if name and not suite.startswith(DRAWN) and len(cases) <= MOST_NAMED:
            cases[record_place(record, self._suites)] = (name, _by_framework(record))

    @property
    def named(self) -> dict[str, list[tuple[str, dict[str, str]]]]:
        """By suite of at most :data:`MOST_NAMED` cases, the name of each and what came of it by framework."""
        few = {suite: cases for suite, cases in self._named.items() if 0 < len(cases) <= MOST_NAMED}
        order = sorted(few, key=lambda suite: _place(suite, self._suites))
        return {suite: [few[suite][place] for place in sorted(few[suite])] for suite in order}

    def _count_reasons(self, record: Record, reasons: Iterable[str | None]) -> None:
        here = (len(record.command), record.command)
        for reason in map(str, reasons):
            self._reasons[reason] += 1
            self._shortest[reason] = min(here, self._shortest.get(reason, here))

    @property
    def unexplained(self) -> Part[Unexplained]:
        """What nothing explains, by suite, the case's name, command, and result."""
        return self._unexplained.part()

    @property
    def explained(self) -> list[Explanation]:
        """What explains the cases whose verdict is "explained", the most frequent kind of reason first."""
        return [
            Explanation(reason, count, self._shortest[reason][1])
            for reason, count in sorted(self._reasons.items(), key=lambda item: (-item[1], item[0]))
        ]

    @property
    def apart(self) -> Part[Apart]:
        """Each native layer that does not agree, by the same.

        Of the cases of a user's own suites, such as a model's layers: their names say more than commands.
        """
        return self._apart.part()

    def adding(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yield the same records, each counted as it passes."""
        for record in records:
            self.add(record)
            yield record

    @property
    def rows(self) -> list[tuple[Row, list[int]]]:
        """Each row with its counts in the columns' order: by framework, spelling, output, op."""
        found: defaultdict[Row, Counter[str]] = defaultdict(Counter)
        for kind in self._kinds.values():
            found[kind.row][kind.what] += kind.count
            found[kind.row]["unexplained"] += 0 if kind.result.explained else kind.count
        return [
            (row, [found[row][column] for column in COLUMNS]) for row in sorted(found, key=self._row_place)
        ]

    def _row_place(self, row: Row) -> Place:
        orders = (self._frameworks, SPELLINGS, OUTPUTS, OPS)
        return tuple(_place(name, order) for name, order in zip(row, orders, strict=True))

    @property
    def comparisons(self) -> int:
        """How many results compare something of another than the NumPy core."""
        return sum(kind.count for kind in self._kinds.values() if kind.result.compares)

    @property
    def divergences(self) -> dict[str, int]:
        """How many results each known difference explains, by its name."""
        found: Counter[str] = Counter()
        for kind in self._kinds.values():
            if kind.result.divergence is not None:
                found[kind.result.divergence] += kind.count
        return dict(found)

    @property
    def stale(self) -> dict[str, int]:
        """The known differences that were never seen, by the number of results that should have them."""
        due: Counter[str] = Counter()
        for kind in self._kinds.values():
            due.update(dict.fromkeys(kind.result.unseen, kind.count))
        seen = self.divergences
        return {name: count for name, count in due.items() if name not in seen}

    @property
    def outcome(self) -> Outcome:
        """The exit code: nothing compared is no pass, and what is unexplained goes before a crash.

        A known difference that is no longer there is unexplained too.
        """
        if len(self._unexplained) > self._ended_badly or self.stale:
            return Outcome.UNEXPLAINED
        if self._ended_badly:
            return Outcome.CRASHED
        return Outcome.EXPLAINED if self.comparisons else Outcome.NOTHING_COMPARED

    @property
    def progress(self) -> str:
        """How many cases so far, by verdict, and how many results are crashes or ran out of time."""
        return f"{self._verdicts}, {self._ended_badly} crashed"

    @property
    def summary(self) -> str:
        """One line: how many cases, by verdict."""
        return f"{sum(self.verdicts.values())} cases: {self._verdicts}"

    @property
    def _verdicts(self) -> str:
        return ", ".join(f"{self.verdicts[name]} {name}" for name in VERDICTS)

    def to_dict(self, header: Header) -> dict[str, Any]:
        """Return the counts as JSON has them, under the header of what was counted."""
        names = ("framework", "spelling", "output", "op")
        return {
            **msgspec.to_builtins(header),
            "kind": "report",
            "verdicts": dict(sorted(self.verdicts.items(), key=lambda item: _place(item[0], VERDICTS))),
            "cases": [
                {"suite": suite, "name": name, "results": results}
                for suite, cases in self.named.items()
                for name, results in cases
            ],
            "rows": [
                {**dict(zip(names, row, strict=True)), **dict(zip(COLUMNS, counts, strict=True))}
                for row, counts in self.rows
            ],
            "by_machine": self.machines.to_dict(),
            "unexplained": self.unexplained.turned(Unexplained._asdict),
            "explained": [asdict(kind) for kind in self.explained],
            "declined": [
                {"result": label, "reason": reason, "count": count}
                for (label, reason), count in self.declined.most_common()
            ],
            "apart": self.apart.turned(Apart._asdict),
            "divergences": self.divergences,
            "stale": self.stale,
        }


def _by_framework(record: Record) -> dict[str, str]:
    """Say of each framework what came of its native layer, or which of its results nothing explains."""
    found: dict[str, str] = {}
    for result in sorted(record.results, key=lambda each: (each.explained, each.label)):
        if not result.explained:
            found.setdefault(result.framework, f"unexplained ({result.relation or result.status})")
        elif _is_own_layer(result):
            found.setdefault(result.framework, _in_a_word(result))
    return found


def _in_a_word(result: Result) -> str:
    what = classify(result)
    if not what.startswith("differ"):
        return what
    offset = result.offset if result.relation == "window" and any(result.offset or ()) else None
    return str(result.relation) if offset is None else f"window {','.join(map(str, offset))}"


_KNOWN_SUITES = {"", *BUILT_IN, KNOWN}


def _is_own_layer(result: Result) -> bool:
    return result.spelling == "native" and result.output == "value"


def _why(result: Result) -> str:
    """Say why a result is unexplained, and what was raised where that is not said."""
    reason, error = str(result.reason), result.error or ""
    return reason if error in reason else f"{reason}: {error}"
