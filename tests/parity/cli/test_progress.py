"""What a sweep says of its progress where there is no terminal."""

from __future__ import annotations

import itertools

import pytest

from parity.cli.progress import _Lines
from parity.records.counts import Report
from tests.support.recorded import recorded, typed


def test_a_line_comes_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    _, records = typed(recorded())
    counted = Report()
    seconds = itertools.count()
    lines = _Lines(counted, total=100, clock=lambda: float(next(seconds)))
    for record in itertools.islice(itertools.cycle(records), 12):
        counted.add(record)
        lines.advance(1)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[0].startswith("5 of 100 cases, 1.0/s, 95 s left: ")
    assert said[1].startswith("10 of 100 cases, 1.0/s, 90 s left: ")
    assert said[1].endswith("0 unexplained, 0 crashed")
