"""A record's cases by the machine that computed them, where a cluster has several kinds."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from msgspec import UNSET

from parity.cases.verdict import VERDICTS
from parity.records.result import ENDED_BADLY, Record

Versions = tuple[tuple[str, str], ...]
"""Of each framework, by name."""


class Row(NamedTuple):
    """What came of the cases of one kind of machine.

    Attributes:
        kind: as :attr:`parity.records.machine.Machine.kind` has it.
        versions: of the frameworks that are not the same on all machines, in words.
        hosts: the names of the machines of this kind, sorted.
        verdicts: cases by verdict, in the order of :data:`parity.cases.verdict.VERDICTS`.
        failed: results of frameworks that crashed, or ran out of time.
    """

    kind: str
    versions: str
    hosts: tuple[str, ...]
    verdicts: dict[str, int]
    failed: int

    @property
    def name(self) -> str:
        """What tells it from the other rows."""
        return f"{self.kind}, {self.versions}" if self.versions else self.kind

    @property
    def cases(self) -> int:
        """How many cases."""
        return sum(self.verdicts.values())


class Machines:
    """Counts of records by machine; those without one are not counted."""

    def __init__(self) -> None:
        self._verdicts: dict[tuple[str, Versions], Counter[str]] = {}
        self._hosts: dict[tuple[str, Versions], set[str]] = {}
        self._failed: Counter[tuple[str, Versions]] = Counter()

    def add(self, record: Record) -> None:
        """Count one record."""
        if record.machine is UNSET:
            return
        versions = {(each.framework, _words(each.version, each.backend)) for each in record.results}
        key = record.machine.kind, tuple(sorted(versions))
        self._verdicts.setdefault(key, Counter())["unexplained" if record.unmet else record.verdict] += 1
        self._hosts.setdefault(key, set()).add(record.machine.host)
        self._failed[key] += sum(each.status in ENDED_BADLY for each in record.results)

    @property
    def rows(self) -> list[Row]:
        """A row a kind of machine, most cases first; none where all are of one kind."""
        if len(self._verdicts) < 2:  # noqa: PLR2004 - one machine is compared with nothing
            return []
        everywhere = set.intersection(*(set(versions) for _, versions in self._verdicts))
        rows = [
            Row(
                kind=kind,
                versions=", ".join(_words(*each) for each in versions if each not in everywhere),
                hosts=tuple(sorted(self._hosts[kind, versions])),
                verdicts={name: counts[name] for name in VERDICTS},
                failed=self._failed[kind, versions],
            )
            for (kind, versions), counts in self._verdicts.items()
        ]
        return sorted(rows, key=lambda row: (-row.cases, row.name))

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the rows as JSON has them."""
        return [{**row._asdict(), "hosts": list(row.hosts)} for row in self.rows]


def _words(*words: str | None) -> str:
    return " ".join(filter(None, words))
