"""A file of recorded cases, read back line by line: it may be larger than the memory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from parity.cases.errors import InputError
from parity.cases.op import OPS
from parity.records.header import Header
from parity.records.result import SCHEMA, Record


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
        """Yield each record with its place."""
        lines = _lines(self.path)
        next(lines, None)  # the header
        for place, line in lines:
            yield place, _parse(self.path, place.line, Record, line)

    def at(self, place: Place) -> Record:
        """Read the record at a place that :meth:`placed` gave.

        Raises:
            RecordError: the file was changed since.
        """
        return _parse(self.path, place.line, Record, next(_lines(self.path, place))[1])


def read_records(path: Path) -> tuple[Header, Records]:
    """Return the header of a file, and its records, which are read when they are iterated over.

    Raises:
        RecordError: unreadable, or not a file of records; the message names the line.
    """
    first = next(_lines(path), None)
    if first is None:
        raise RecordError(f"{path} is no record of a sweep: it has no line")
    return _parse(path, 1, Header, first[1]), Records(path)


def is_torn(path: Path) -> bool:
    """Return whether the last line of a file, which is not empty, has no end."""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"


def _lines(path: Path, start: Place = _START) -> Iterator[tuple[Place, bytes]]:
    """Yield the lines that have an end, from a place on."""
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


Line = TypeVar("Line", Header, Record)
_DECODERS = {kind: msgspec.json.Decoder(kind) for kind in (Header, Record)}


class _Head(msgspec.Struct):
    """What says of a line what it is."""

    kind: object = None
    schema: object = None


def _parse(path: Path, number: int, kind: type[Line], line: bytes) -> Line:
    where = f"{path}, line {number}"
    try:
        line.decode()
        if rb"\ud" in line.lower():  # maybe half of a character, which nothing can print
            line = json.dumps(json.loads(line), ensure_ascii=False).encode(errors="replace")
        parsed: Line = _DECODERS[kind].decode(line)  # type: ignore[assignment] # it is of this kind
    except UnicodeDecodeError as error:
        raise RecordError(f"{where}: no valid UTF-8: {error.reason}") from error
    except msgspec.ValidationError as error:
        raise RecordError(f"{where}: {_unfit(kind.__name__.lower(), line) or error}") from error
    except (ValueError, RecursionError) as error:  # of any kind: a number too long, a list too deep
        raise RecordError(f"{where}: no valid JSON: {getattr(error, 'msg', error)}") from error
    if kind is Record and (parsed.kind is msgspec.UNSET or parsed.case.get("op") not in OPS):
        raise RecordError(f"{where}: {_unfit('record', line) or _op(parsed)}")
    return parsed


def _unfit(kind: str, line: bytes) -> str | None:
    """Say why a line is none of this kind at all, if it is none."""
    try:
        head = msgspec.json.decode(line, type=_Head)
    except msgspec.ValidationError:  # no object
        head = _Head()
    except msgspec.DecodeError as error:
        return f"no valid JSON: {error}"
    if head.kind != kind:
        return f"allowed is a {kind} of a sweep"
    return None if head.schema == SCHEMA else f"schema {head.schema!r}, known is {SCHEMA}"


def _op(record: Record) -> str:
    return f"op {record.case.get('op')!r}, known are {', '.join(OPS)}"
