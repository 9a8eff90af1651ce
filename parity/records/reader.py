"""A file of recorded cases, read back line by line: it may be larger than the memory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from parity.cases.case import OPS
from parity.cases.errors import InputError
from parity.records.result import SCHEMA

Record = dict[str, Any]


class RecordError(InputError):
    """A record file that cannot be written or read; the message names it."""


class Place(NamedTuple):
    """Where a record stands: the number of its line, and the offset of its first byte."""

    line: int
    offset: int


_START = Place(1, 0)


class Records:
    """The records of a file in their order; each iteration reads the file again, a line at a time.

    A last line without its end is what an interrupted sweep leaves behind; it is dropped.

    Raises:
        RecordError: by iterating, for a line that is no record; the message names the line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[Record]:
        for _, record in self.placed():
            yield record

    def placed(self) -> Iterator[tuple[Place, Record]]:
        """Each record with its place."""
        lines = _lines(self.path)
        next(lines, None)  # the header
        for place, line in lines:
            yield place, _parse(self.path, place.line, "record", line)

    def at(self, place: Place) -> Record:
        """The record at a place that :meth:`placed` gave.

        Raises:
            RecordError: the file was changed since.
        """
        return _parse(self.path, place.line, "record", next(_lines(self.path, place))[1])


def read_records(path: Path) -> tuple[Record, Records]:
    """The header of a file, and its records, which are read when they are iterated over.

    Raises:
        RecordError: unreadable, or not a file of records; the message names the line.
    """
    first = next(_lines(path), None)
    if first is None:
        raise RecordError(f"{path} is no record of a sweep: it has no line")
    return _parse(path, 1, "header", first[1]), Records(path)


def result_output(result: Mapping[str, Any]) -> str:
    """Which output of a layer a result looks at."""
    found: str = result.get("output", "value")  # records from before there were gradients have none
    return found


def result_label(result: Mapping[str, Any]) -> str:
    """A result's name among those of its case, as :attr:`parity.records.result.Result.label` has it."""
    name, output = f"{result['framework']} {result['spelling']}", result_output(result)
    return name if output == "value" else f"{name} {output}"


def is_torn(path: Path) -> bool:
    """Whether the last line of a file, which is not empty, has no end."""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"


def _lines(path: Path, start: Place = _START) -> Iterator[tuple[Place, bytes]]:
    """The lines that have an end, from a place on."""
    line, offset = start
    try:
        if not path.is_file() and path.exists():
            raise RecordError(f"{path} cannot be read: allowed is a file, which can be read more than once")
        with path.open("rb") as file:
            file.seek(offset)
            for text in file:
                if text.endswith(b"\n"):
                    yield Place(line, offset), text
                line, offset = line + 1, offset + len(text)
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from error


def _parse(path: Path, number: int, kind: str, line: bytes) -> Record:
    where = f"{path}, line {number}"
    try:
        record = json.loads(line.decode())
        if rb"\ud" in line.lower():  # maybe half of a character, which nothing can print
            record = json.loads(json.dumps(record, ensure_ascii=False).encode(errors="replace"))
    except UnicodeDecodeError as error:
        raise RecordError(f"{where}: no valid UTF-8: {error.reason}") from error
    except (ValueError, RecursionError) as error:  # of any kind: a number too long, a list too deep
        raise RecordError(f"{where}: no valid JSON: {getattr(error, 'msg', error)}") from error
    if not isinstance(record, dict) or record.get("kind") != kind:
        raise RecordError(f"{where}: allowed is a {kind} of a sweep")
    if record.get("schema") != SCHEMA:
        raise RecordError(f"{where}: schema {record.get('schema')!r}, known is {SCHEMA}")
    for key, (fits, allowed) in _KEYS[kind].items():
        if not fits(record.get(key)):
            raise RecordError(f"{where}: key {key!r} is missing or no {allowed}")
    for result in record.get("results", ()):
        _check_result(where, result)
    if kind == "record" and record["case"].get("op") not in OPS:
        raise RecordError(f"{where}: op {record['case'].get('op')!r}, known are {', '.join(OPS)}")
    return record


def _check_result(where: str, result: Mapping[str, object]) -> None:
    for key, fits in _RESULT_KEYS.items():
        if not fits(result.get(key, ...)):
            raise RecordError(f"{where}: in a result, key {key!r} is missing or of another kind")
    for key, fits in _NEWER_RESULT_KEYS.items():
        if key in result and not fits(result[key]):
            raise RecordError(f"{where}: in a result, key {key!r} is of another kind")


Check = Callable[[object], bool]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_framework(value: object) -> bool:
    return isinstance(value, dict) and _is_text(value.get("framework"))


def _a_list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


_KEYS: dict[str, dict[str, tuple[Check, str]]] = {
    "header": {
        "frameworks": (_a_list_of(_is_framework), "list of frameworks"),
        "suites": (_a_list_of(_is_text), "list of names"),
    },
    "record": {
        "case": (_is_object, "object"),
        "command": (_is_text, "text"),
        "verdict": (_is_text, "text"),
        "results": (_a_list_of(_is_object), "list of objects"),
    },
}
_RESULT_KEYS: dict[str, Check] = {
    "framework": _is_text,
    "spelling": _is_text,
    "status": _is_text,
    "shape": _or_none(_a_list_of(_is_int)),
    "shape_equal": _or_none(_is_bool),
    "relation": _or_none(_is_text),
    "explained": _is_bool,
    "reason": _or_none(_is_text),
}
_NEWER_RESULT_KEYS: dict[str, Check] = {
    "output": _is_text,
    "layer": _or_none(_is_text),
    "error": _or_none(_is_text),
    "offset": _or_none(_a_list_of(_is_int)),
    "max_abs_error": _or_none(_is_number),
    "bound_ratio": _or_none(_is_number),
    "divergence": _or_none(_is_text),
    "unseen": _a_list_of(_is_text),
}
