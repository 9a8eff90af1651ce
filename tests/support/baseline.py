"""The recorded baseline, packed as it is kept."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

import msgspec

from parity.records.result import Record

BASELINE = Path(__file__).parents[2] / "baselines" / "pinned.jsonl.gz"


@cache
def verdicts(suite: str) -> dict[str, str]:
    """The verdict of each case of a suite, by its name."""
    _, *lines = gzip.decompress(BASELINE.read_bytes()).splitlines()
    records = [msgspec.json.decode(line, type=Record) for line in lines]
    return {record.place[1]: record.verdict for record in records if record.place[0] == suite}
