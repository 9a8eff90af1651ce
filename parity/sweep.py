"""Many cases, one after another, each recorded as a line of JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import EllipsisType, NoneType, TracebackType
from typing import Any, Self, TextIO

from parity.adapters import Adapter
from parity.case import OPS
from parity.distributions import installed_version
from parity.divergences import Divergence
from parity.record import SCHEMA
from parity.run import run_with
from parity.suites import Suite, SuiteCase
from parity.values import check_memory

Record = dict[str, Any]

_SWITCHES = ("TF_ENABLE_ONEDNN_OPTS", "KERAS_BACKEND", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")


class RecordError(ValueError):
    """A record file that cannot be written or read; the message names it."""


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
    cases: Sequence[tuple[Suite, SuiteCase]],
    adapters: Sequence[Adapter],
    *,
    grad: bool = False,
    divergences: Sequence[Divergence] = (),
) -> Iterator[Record]:
    """Run the cases in order, with gradients if wanted; each gives a record of kind "record".

    ``divergences`` are known differences beside the built-in ones.
    """
    for suite, named in cases:
        result = run_with(named.case, adapters, grad=grad, divergences=divergences)
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


def read_records(path: Path) -> tuple[Record, list[Record]]:
    """The header and the records of a file.

    A last line without its end is what an interrupted sweep leaves behind; it is dropped.

    Raises:
        RecordError: unreadable, or not a file of records; the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path} cannot be read: {error}") from error
    *lines, _ = text.split("\n")
    if not lines:
        raise RecordError(f"{path} is no record of a sweep: it has no line")
    parsed = [_parse(path, number, line) for number, line in enumerate(lines, 1)]
    return parsed[0], parsed[1:]


def is_torn(path: Path) -> bool:
    """Whether the file's last line has no end."""
    return not path.read_bytes().endswith(b"\n")


def _parse(path: Path, number: int, line: str) -> Record:
    kind = "header" if number == 1 else "record"
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise RecordError(f"{path}, line {number}: no valid JSON: {error.msg}") from error
    if not isinstance(record, Mapping) or record.get("kind") != kind:
        raise RecordError(f"{path}, line {number}: allowed is a {kind} of a sweep")
    if record.get("schema") != SCHEMA:
        raise RecordError(f"{path}, line {number}: schema {record.get('schema')!r}, known is {SCHEMA}")
    for key, expected in _KEYS[kind].items():
        if not isinstance(record.get(key), expected):
            raise RecordError(f"{path}, line {number}: key {key!r} is missing or no {expected.__name__}")
    for result in record.get("results", ()):
        for key, kinds in _RESULT_KEYS.items():
            if not isinstance(result, Mapping) or not isinstance(result.get(key, ...), kinds):
                raise RecordError(
                    f"{path}, line {number}: in a result, key {key!r} is missing or of another kind"
                )
    if kind == "record" and record["case"].get("op") not in OPS:
        raise RecordError(
            f"{path}, line {number}: op {record['case'].get('op')!r}, known are {', '.join(OPS)}"
        )
    return dict(record)


_KEYS: dict[str, dict[str, type]] = {
    "header": {"frameworks": list, "suites": list},
    "record": {"case": dict, "command": str, "verdict": str, "results": list},
}
_RESULT_KEYS: dict[str, tuple[type, ...]] = {
    "framework": (str,),
    "spelling": (str,),
    "status": (str,),
    "shape": (list, NoneType),
    "shape_equal": (bool, NoneType),
    "relation": (str, NoneType),
    "explained": (bool,),
    "reason": (str, NoneType),
    "divergence": (str, NoneType, EllipsisType),  # records from before there were any have none
    "unseen": (list, EllipsisType),
}
