"""Many cases, one after another, each recorded as a line of JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from parity.adapters import Adapter
from parity.distributions import installed_version
from parity.record import SCHEMA
from parity.records import Record, RecordError
from parity.run import run_with
from parity.suites import Suite, SuiteCase
from parity.values import check_memory

_SWITCHES = ("TF_ENABLE_ONEDNN_OPTS", "KERAS_BACKEND", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")


def select(suites: Sequence[Suite], limit: int | None) -> list[tuple[Suite, SuiteCase]]:
    """The cases of these suites, the first ``limit`` of them.

    Raises:
        CaseError: one of them does not fit in memory.
    """
    chosen = [(suite, case) for suite in suites for case in suite.cases][:limit]
    for _, case in chosen:
        check_memory(case.case)
    return chosen


def sweep(
    cases: Sequence[tuple[Suite, SuiteCase]], adapters: Sequence[Adapter], *, grad: bool = False
) -> Iterator[Record]:
    """Run the cases in order, with gradients if wanted; each gives a record of kind "record"."""
    for suite, named in cases:
        result = run_with(named.case, adapters, grad=grad)
        yield {"kind": "record", "suite": suite.name, "name": named.name, **result.to_dict()}


def header(suites: Sequence[Suite], adapters: Sequence[Adapter]) -> Record:
    """The first line of a record: what ran, in which versions and under which switches."""
    return {
        "schema": SCHEMA,
        "kind": "header",
        "convparity": installed_version("convparity"),
        "suites": [suite.name for suite in suites],
        "frameworks": [
            {"framework": found.NAME, "version": found.version(), "backend": found.backend()}
            for found in adapters
        ],
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "threads": os.cpu_count(),
        "flags": {name: os.environ.get(name) for name in _SWITCHES},
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


class RecordFile:
    """A new file of JSON lines, written whole line by whole line.

    Raises:
        RecordError: the file is there already, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        """Create the file."""
        try:
            self._file = self._path.open("x", encoding="utf-8")
        except FileExistsError:
            raise RecordError(
                f"{self._path} is there already; name another file, or remove it first"
            ) from None
        except OSError as error:
            raise RecordError(f"{self._path} cannot be written: {error.strerror}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file, whatever happened."""
        if self._file is not None:
            self._file.close()

    def write(self, record: Record) -> None:
        """Append one record as a line."""
        assert self._file is not None  # noqa: S101 - inside the with statement it is open
        try:
            self._file.write(json.dumps(record, allow_nan=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise RecordError(f"{self._path} cannot be written: {error.strerror}") from error
