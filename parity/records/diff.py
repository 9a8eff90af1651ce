"""Two recorded sweeps, case by case: what changed from one to the other."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from parity.records.changes import KINDS, Contestant, Kind, Told, changes, contestants, told
from parity.records.command import case_command
from parity.records.counts import Outcome
from parity.records.disk import Disk, Listing, Part
from parity.records.environment import Moved, compare_environments
from parity.records.reader import read_records
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
    cases: Part[Changed]

    def to_dict(self) -> dict[str, Any]:
        """Return the group as JSON has it."""
        about = {"kind": self.kind, "result": self.result, "how": self.how}
        return {**about, "count": len(self.cases), "cases": self.cases.turned(Changed._asdict)}


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
        torn: as of :class:`parity.records.reader.Records`.
    """

    file: Path
    contestants: tuple[str, ...]
    cases: Part[Lone]
    drawn: int
    repeated: int
    torn: str | None


@dataclass(frozen=True)
class Diff:
    """Everything that changed between two sweeps.

    Attributes:
        old: what only the old one has.
        new: what only the new one has.
        environment: the headers' differences; in themselves no change.
        groups: by kind, result and how.
        compared: how many cases both have.
        changed: how many of these have changed.
    """

    old: Side
    new: Side
    environment: tuple[Moved, ...]
    groups: tuple[Group, ...]
    compared: int
    changed: int

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
            **{f"only_{name}": side.cases.turned(Lone._asdict) for name, side in sides.items()},
        }


def diff(old: Path, new: Path) -> Diff:
    """Compare two recorded sweeps; a case is the same one wherever it stands, and in whichever suite.

    Each file is read once, a record at a time; what of its records can change is kept on the disk.

    Raises:
        RecordError: a file cannot be read, or is no record of a sweep.
        OSError: the disk is full.
    """
    disk = Disk()
    _make_table(disk)
    before, after = _Kept(disk, 0, old), _Kept(disk, 1, new)
    apart = before.contestants ^ after.contestants
    found: Listing[_Found] = Listing(_Found)
    changed = 0
    for was, now in before.unlike(after):
        longer = max(was.command, now.command, key=len)  # with what was asked of it, if either says so
        some = False
        for change in changes(was, now, apart):
            some = True
            case = Changed(longer, change.old, change.new, now.name)
            place = (KINDS.index(change.kind), change.result or "", change.how, *_simplest_first(longer))
            found.add(place, _Found(change.kind, change.result, change.how, case))
        changed += some
    return Diff(
        _side(before, after),
        _side(after, before),
        tuple(compare_environments(before.header, after.header)),
        tuple(_groups(found)),
        before.shared(after),
        changed,
    )


class _Found(NamedTuple):
    """A change of a case, with what puts it in its group."""

    kind: Kind
    result: str | None
    how: str
    case: Changed


def _groups(found: Listing[_Found]) -> Iterator[Group]:
    """Yield the groups of the changes, which stand in the order of these."""
    start = 0
    wheres = itertools.groupby(found.part(), key=lambda each: (each.kind, each.result, each.how))
    for (kind, result, how), cases in wheres:
        stop = start + sum(1 for _ in cases)
        yield Group(kind, result, how, found.part(start, stop).turned(lambda each: each.case))
        start = stop


def _side(own: _Kept, other: _Kept) -> Side:
    alone: Listing[Lone] = Listing(Lone)
    drawn = 0
    for suite, record in own.alone(other):
        if suite.startswith(DRAWN):
            drawn += 1
        else:
            alone.add((suite, *_simplest_first(record.command)), Lone(suite, record.command, record.name))
    contestants_alone = _only(own.contestants, other.contestants)
    return Side(own.path, contestants_alone, alone.part(), drawn, own.repeated, own.torn)


def _only(own: set[Contestant], other: set[Contestant]) -> tuple[str, ...]:
    """Name the contestants that the other has not; a framework that it has not at all by name alone."""
    there = {framework for framework, _ in other}
    alone = own - other
    return tuple(sorted({f"{each[0]} {each[1]}" if each[0] in there else each[0] for each in alone}))


def _simplest_first(command: str) -> tuple[int, str]:
    return len(command), command


_AT_ONCE = 1000
"""Records that are added to a table together."""


class _Kept:
    """The cases of a sweep on the disk, each once, by its own command, whatever was asked of it.

    Args:
        disk: with a table that :func:`_make_table` has made.
        side: the number of the sweep in it.
        path: of the record.
    """

    def __init__(self, disk: Disk, side: int, path: Path) -> None:
        self._disk, self._number, self.path = disk, side, path
        self.header, records = read_records(path)
        self.contestants: set[Contestant] = set()
        rows = map(self._row, records)
        while some := list(itertools.islice(rows, _AT_ONCE)):
            disk.insert("INSERT INTO kept (side, which, suite, told) VALUES (?, ?, ?, ?)", some)
        self.torn = records.torn
        several = "SELECT which FROM kept WHERE side = ? GROUP BY which HAVING count(*) > 1"
        self.repeated = sum(self._keep_last(which) for (which,) in list(disk.do(several, (side,))))

    def unlike(self, other: _Kept) -> Iterator[tuple[Told, Told]]:
        """Yield what is told of each case that both have and of which not the same is told."""
        wanted = f"SELECT own.told, other.told {_BOTH} AND own.told != other.told"
        rows = self._disk.do(wanted, self._and(other))
        yield from ((_DECODER.decode(was), _DECODER.decode(now)) for was, now in rows)

    def shared(self, other: _Kept) -> int:
        """Return how many cases both have."""
        ((count,),) = self._disk.do(f"SELECT count(*) {_BOTH}", self._and(other))
        return int(count)

    def alone(self, other: _Kept) -> Iterator[tuple[str, Told]]:
        """Yield what is told of each case that the other has not, its suite first."""
        rows = self._disk.do(_ALONE, self._and(other))
        yield from ((suite, _DECODER.decode(kept)) for suite, kept in rows)

    def _and(self, other: _Kept) -> tuple[int, int]:
        return self._number, other._number

    def _row(self, record: Record) -> tuple[int, bytes, str, bytes]:
        kept = told(record)
        self.contestants |= contestants(kept)
        which = hashlib.blake2b(case_command(record.command).encode(), digest_size=16).digest()
        return self._number, which, record.place[0] or "None", _ENCODER.encode(kept)

    def _keep_last(self, which: bytes) -> int:
        """Keep the last record of a case, in its last suite not drawn; return how often it changed."""
        own = (self._number, which)
        wanted = "SELECT number, suite, told FROM kept WHERE side = ? AND which = ? ORDER BY number"
        numbers, suites, records = zip(*self._disk.do(wanted, own), strict=True)
        suite = next((each for each in reversed(suites) if not each.startswith(DRAWN)), suites[0])
        self._disk.do("DELETE FROM kept WHERE side = ? AND which = ? AND number < ?", (*own, numbers[-1]))
        self._disk.do("UPDATE kept SET suite = ? WHERE side = ? AND which = ?", (suite, *own))
        return sum(any(changes(*pair)) for pair in itertools.pairwise(map(_DECODER.decode, records)))


def _make_table(disk: Disk) -> None:
    disk.do("CREATE TABLE kept (number INTEGER PRIMARY KEY, side INTEGER, which BLOB, suite TEXT, told BLOB)")
    disk.do("CREATE INDEX kept_which ON kept (side, which)")


_ALONE = """
SELECT suite, told FROM kept AS own
WHERE own.side = ?
AND NOT EXISTS (SELECT 1 FROM kept AS other WHERE other.side = ? AND other.which = own.which)
"""
_BOTH = "FROM kept AS own JOIN kept AS other ON own.which = other.which WHERE own.side = ? AND other.side = ?"

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Told)
