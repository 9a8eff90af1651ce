"""The recorded baseline that every later sweep is compared with."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from packaging.version import Version

from parity.cases.suites import load_suite
from parity.records.command import case_command
from parity.records.counts import Outcome, Report
from parity.records.diff import diff
from parity.records.header import Header
from parity.records.reader import Records, read_records
from tests.support.baseline import BASELINE
from tests.support.project import pins
from tests.support.recorded import write

SUITES = ("article", "zoo", "threads")


@pytest.fixture
def header() -> Header:
    return read_records(BASELINE)[0]


@pytest.fixture
def records() -> Records:
    return read_records(BASELINE)[1]


def test_the_baseline_has_each_case_of_its_suites_exactly_once(header: Header, records: Records) -> None:
    expected = [
        (suite, named.name, named.case.command) for suite in SUITES for named in load_suite(suite).cases
    ]
    assert header.suites == SUITES
    assert Counter((*each.place, case_command(each.command)) for each in records) == Counter(expected)


def test_the_baseline_was_recorded_with_the_pinned_frameworks(header: Header) -> None:
    recorded = {each.framework: Version(str(each.version)).public for each in header.frameworks}
    backend = {each.framework: each.backend for each in header.frameworks}["keras"]
    assert recorded == {name: pins()[name] for name in ("numpy", "torch", "keras")}
    assert backend == f"tensorflow {pins()['tensorflow']}"


def test_every_result_of_the_baseline_is_of_a_framework_in_its_header(
    header: Header, records: Records
) -> None:
    versions = {(each.framework, each.version, each.backend) for each in header.frameworks}
    for record in records:
        found = {(each.framework, each.version, each.backend) for each in record.results}
        assert found == versions, record.command


def test_everything_in_the_baseline_is_explained(header: Header, records: Records) -> None:
    assert Report(records, header).outcome == Outcome.EXPLAINED


def test_nothing_changed_from_the_baseline_to_itself(records: Records) -> None:
    found = diff(BASELINE, BASELINE)
    cases = {case_command(record.command) for record in records}  # two suites may share one
    assert (found.outcome, found.compared) == (Outcome.EXPLAINED, len(cases))


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_a_sweep_that_ends_otherwise_than_the_baseline_is_seen(tmp_path: Path, framework: str) -> None:
    lines = [json.loads(line) for line in gzip.decompress(BASELINE.read_bytes()).splitlines()]
    result = next(each for each in lines[1]["results"] if each["framework"] == framework)
    result |= {"relation": "window", "offset": [1, 1], "explained": False}
    found = diff(BASELINE, write(tmp_path / "new.jsonl", lines))
    assert [group.kind for group in found.groups] == ["new difference", "explanation"]
    assert (found.outcome, found.changed) == (Outcome.UNEXPLAINED, 1)


def test_the_baseline_is_small() -> None:
    assert BASELINE.stat().st_size < 100_000
