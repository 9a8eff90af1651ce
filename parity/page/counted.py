"""A record, counted for its page while it is read once."""

from __future__ import annotations

from collections.abc import Iterable

from parity.page.atlas import Atlas, Contestant, placed, readable
from parity.page.rules import Rules
from parity.page.sample import Sample
from parity.records.counts import Report
from parity.records.header import Header
from parity.records.result import Record


class Counted:
    """Counts of a record.

    Args:
        header: of the record.
        records: all of it.

    Attributes:
        header: of the record.
        report: its counts, as ``parity report`` prints them.
        atlas: its counts by place.
        sample: its records by what they say.
        rules: the windows that its frameworks state, and which layers have them.
    """

    def __init__(self, header: Header, records: Iterable[Record]) -> None:
        self.header = header
        self.report = Report(header=header)
        self.atlas = Atlas()
        self.sample = Sample()
        self.rules = Rules()
        for record in self.report.adding(records):
            case = readable(record)
            results = list(placed(record, case))
            self.rules.add(record, case)
            self.atlas.add(results)
            self.sample.add(results)

    @property
    def contestants(self) -> list[Contestant]:
        """Who computed, in the order of the report's rows."""
        return list(dict.fromkeys(row[:3] for row, _ in self.report.rows))
