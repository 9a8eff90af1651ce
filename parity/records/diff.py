"""Two recorded sweeps, case by case: what changed from one to the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from parity.records.changes import KINDS, Contestant, Kind, changes, contestants
from parity.records.command import case_command
from parity.records.counts import Outcome
from parity.records.environment import Moved, compare_environments
from parity.records.reader import Place, read_records
from parity.records.result import DRAWN, SCHEMA, Record


class Lone(NamedTuple):
    """A case that only one of the sweeps has."""

    suite: str
    command: str
    name: str


class Changed(NamedTuple):
    """A case of a group, what was of it and what is.

    Attributes:
        command: its.
        old: as :class:`parity.records.changes.Change` has it.
        new: the same.
        name: in the new sweep's suite; empty where it has none.
    """

    command: str
    old: Any
    new: Any
    name: str


@dataclass(frozen=True)
class Group:
    """The cases that changed in the same way.

    Attributes:
        kind: as :class:`parity.records.changes.Change` has it.
        result: the same.
        how: the same.
        cases: the shortest command first.
    """

    kind: Kind
    result: str | None
    how: str
    cases: tuple[Changed, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the group as JSON has it."""
        cases = [case._asdict() for case in self.cases]
        about = {"kind": self.kind, "result": self.result, "how": self.how}
        return {**about, "count": len(cases), "cases": cases}


@dataclass(frozen=True)
class Side:
    """What only one of the sweeps has.

    Attributes:
        file: the sweep's.
        contestants: frameworks; a framework with an output, where the other sweep has it without.
        cases: by suite, the shortest command first; without those that hypothesis drew.
        drawn: how many hypothesis drew. It draws others every time: that is no change.
        repeated: how many of its records differ from an earlier one of the same case. The last one counts:
            it is what a sweep that was taken up again has put right.
    """

    file: Path
    contestants: tuple[str, ...]
    cases: tuple[Lone, ...]
    drawn: int
    repeated: int


@dataclass(frozen=True)
class Diff:
    """Everything that changed between two sweeps.

    Attributes:
        old: what only the old one has.
        new: what only the new one has.
        environment: the headers' differences; in themselves no change.
        groups: by kind, result and how.
        compared: how many cases both have.
    """

    old: Side
    new: Side
    environment: tuple[Moved, ...]
    groups: tuple[Group, ...]
    compared: int

    @property
    def changed(self) -> int:
        """How many of the cases that both have changed."""
        return len({case.command for group in self.groups for case in group.cases})

    @property
    def outcome(self) -> Outcome:
        """The exit code: 0 nothing changed, 1 something did, 4 neither sweep has a case."""
        one_sided = any(side.cases or side.contestants for side in (self.old, self.new))
        if self.groups or one_sided:
            return Outcome.UNEXPLAINED
        return Outcome.EXPLAINED if self.compared else Outcome.NOTHING_COMPARED

    def to_dict(self) -> dict[str, Any]:
        """Return the changes as JSON has them."""
        sides = {"old": self.old, "new": self.new}
        return {
            "schema": SCHEMA,
            "kind": "diff",
            **{name: str(side.file) for name, side in sides.items()},
            "compared": self.compared,
            "changed": self.changed,
            "environment": [moved._asdict() for moved in self.environment],
            **{f"contestants_only_{name}": list(side.contestants) for name, side in sides.items()},
            **{f"drawn_only_{name}": side.drawn for name, side in sides.items()},
            **{f"repeated_{name}": side.repeated for name, side in sides.items()},
            "changes": [group.to_dict() for group in self.groups],
            **{f"only_{name}": [lone._asdict() for lone in side.cases] for name, side in sides.items()},
        }


def diff(old: Path, new: Path) -> Diff:
    """Compare two recorded sweeps; a case is the same one wherever it stands, and in whichever suite.

    Both files are read twice, a record at a time.

    Raises:
        RecordError: a file cannot be read, or is no record of a sweep.
    """
    before, after = _Index(old), _Index(new)
    apart = before.contestants ^ after.contestants
    grouped: dict[tuple[Kind, str | None, str], list[Changed]] = {}
    shared = [command for command in before.cases if command in after.cases]
    for command in shared:
        was, now = before.record(command), after.record(command)
        longer = max(was.command, now.command, key=len)  # with what was asked of it, if either says so
        for change in changes(was, now, apart):
            where = (change.kind, change.result, change.how)
            grouped.setdefault(where, []).append(Changed(longer, change.old, change.new, now.place[1]))
    return Diff(
        _side(before, after),
        _side(after, before),
        tuple(compare_environments(before.header, after.header)),
        _groups(grouped),
        len(shared),
    )


def _side(own: _Index, other: _Index) -> Side:
    alone = [
        Lone(own.suites[case], record.command, record.place[1])
        for case in own.cases
        if case not in other.cases
        for record in [own.record(case)]
    ]
    return Side(
        own.path,
        _only(own.contestants, other.contestants),
        tuple(
            sorted(
                (lone for lone in alone if not lone.suite.startswith(DRAWN)),
                key=lambda lone: (lone.suite, *_simplest_first(lone.command)),
            )
        ),
        sum(lone.suite.startswith(DRAWN) for lone in alone),
        own.repeated,
    )


def _only(own: set[Contestant], other: set[Contestant]) -> tuple[str, ...]:
    """Name the contestants that the other has not; a framework that it has not at all by name alone."""
    there = {framework for framework, _ in other}
    alone = own - other
    return tuple(sorted({f"{each[0]} {each[1]}" if each[0] in there else each[0] for each in alone}))


def _groups(
    grouped: Mapping[tuple[Kind, str | None, str], list[Changed]],
) -> tuple[Group, ...]:
    found = [
        Group(*where, tuple(sorted(cases, key=lambda case: _simplest_first(case.command))))
        for where, cases in grouped.items()
    ]
    return tuple(sorted(found, key=lambda group: (KINDS.index(group.kind), group.result or "", group.how)))


def _simplest_first(command: str) -> tuple[int, str]:
    return len(command), command


class _Index:
    """Where each case of a sweep stands, by its own command, whatever was asked of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header, self._records = read_records(path)
        self.cases: dict[str, Place] = {}
        self.suites: dict[str, str] = {}
        self.contestants: set[Contestant] = set()
        self.repeated = 0
        for place, record in self._records.placed():
            self._add(place, record)

    def record(self, command: str) -> Record:
        """Read the record of a case."""
        return self._records.at(self.cases[command])

    def _add(self, place: Place, record: Record) -> None:
        command = case_command(record.command)
        if command in self.cases:
            self.repeated += any(changes(self.record(command), record))
        self.cases[command] = place
        suite = record.place[0] or "None"
        if command not in self.suites or not suite.startswith(DRAWN):
            self.suites[command] = suite
        self.contestants |= contestants(record)
