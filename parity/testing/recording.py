"""What a run of pytest compared, as a sweep's record: a header, then a record a case."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from parity.frameworks.interface import Framework
from parity.records.command import case_command
from parity.records.header import About
from parity.records.reader import RecordError
from parity.records.result import DRAWN, CaseResult, Record
from parity.records.writer import RecordFile
from parity.sweep import about, header_of, named_record
from parity.testing.suites import suite_case
from parity.workers.shared import shared

_CARRIED = "_parity_record"
"""The attribute of a test's report that its records travel in, to another process as well: a JSON text."""


class Kept(msgspec.Struct):
    """A comparison, the frameworks in it, and whether hypothesis drew it."""

    frameworks: list[About]
    record: Record
    drawn: bool


class Recording:
    """Takes down what assertions compare, and writes it when the run ends.

    Each test's report carries its records along, so that under pytest-xdist they come to the one process that
    writes, whichever process ran the test; a process that crashes takes those of one test with it.

    Args:
        config: of the run.
        path: of a file that is not there yet.

    Raises:
        UsageError: the file is there, or its folder is not.
    """

    def __init__(self, config: pytest.Config, path: Path) -> None:
        self._path = path
        self._writes = not hasattr(config, "workerinput")  # that of pytest-xdist's own processes
        self._started = datetime.now(UTC)
        self._kept: list[Kept] = []
        self._records: dict[tuple[str, ...], Record] = {}
        self._frameworks: dict[str, About] = {}
        self._failure: str | None = None
        if self._writes:
            _check_new(path)

    def keep(self, result: CaseResult, adapters: Sequence[Framework]) -> None:
        """Take a comparison down, for the test that it is of."""
        frameworks = [about(framework, shared().switches(framework)) for framework in adapters]
        hypothesis = sys.modules.get("hypothesis")
        drawn = hypothesis is not None and hypothesis.currently_in_test_context()
        self._kept.append(Kept(frameworks, result.record, drawn))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Give a report the records that were taken since the last one."""
        report = yield
        kept, self._kept = self._kept, []
        named = [replace(each, record=_named(item, each.record, drawn=each.drawn)) for each in kept]
        if named:
            setattr(report, _CARRIED, msgspec.json.encode(named).decode())
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the records of a report, whichever process it comes from."""
        carried = getattr(report, _CARRIED, "[]") if self._writes else "[]"
        for each in msgspec.json.decode(carried, type=list[Kept]):
            self._frameworks |= {
                found.framework: found
                for found in each.frameworks
                if found.switches or found.framework not in self._frameworks
            }
            self._add(each.record)

    def _add(self, record: Record) -> None:
        """Keep each case once per test or suite, of which some repeat cases; what is unexplained stays."""
        contestants = (f"{result.framework} {result.spelling}" for result in record.results)
        key = (*record.place, *contestants)
        if key not in self._records or record.unmet or record.verdict == "unexplained":
            self._records[key] = record

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the file, if there is anything to write."""
        if not self._records:
            return
        try:
            self._write()
        except RecordError as error:
            self._failure = str(error)
            session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def _write(self) -> None:
        suites = list(dict.fromkeys(record.place[0] for record in self._records.values()))
        first = header_of(suites, list(self._frameworks.values()), self._started)
        with RecordFile(self._path) as file:
            file.begin(first)
            for record in self._records.values():
                file.write(record)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was written."""
        if self._failure is not None:
            text = f"nothing was recorded: {self._failure}"
        elif self._records:
            text = f"{len(self._records)} cases recorded in {self._path}"
        else:
            text = f"nothing was compared, and {self._path} was not written"
        terminalreporter.write_line(f"parity: {text}")


def _named(item: pytest.Item, record: Record, *, drawn: bool) -> Record:
    """Name a record: by its suite's case, or else by the test's file, the test and the case.

    What hypothesis drew is a suite of its own for each test, apart from what every run compares.
    """
    found = suite_case(item)
    if found is not None and found[1].case.to_dict() == record.case:
        return named_record(record, found[0].name, found[1].name, found[1].expected)
    if drawn:
        return named_record(record, f"{DRAWN}{item.nodeid}", case_command(record.command))
    file, _, test = item.nodeid.partition("::")
    return named_record(record, file, f"{test} {case_command(record.command)}")


def _check_new(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise pytest.UsageError(
            f"--parity-record {path} is there already; name another file, or remove it first"
        )
    if not path.parent.is_dir():
        raise pytest.UsageError(f"--parity-record {path}: allowed is a file in a folder that is there")
