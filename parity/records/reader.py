"""A file of recorded cases, read back line by line: it may be larger than the memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from parity.cases.errors import InputError
from parity.cases.files import read_regular
from parity.records.header import Header
from parity.records.line import Line, LineError, decode_line
from parity.records.result import Record

MOST_BYTES = 2**26
"""Of a line: 64 MiB. A longer one is no record, and is not read to its end."""


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
        found = next(_lines(self.path, place), None)
        if found is None:
            raise RecordError(f"{self.path}, line {place.line}: it has gone since the file was first read")
        return _parse(self.path, place.line, Record, found[1])


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
    with read_regular(path) as file:
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"


def whole_lines(file: BinaryIO) -> int | None:
    """Return how many bytes of a file its whole lines have, those before a torn last one.

    None where the torn one is longer than any line: it is no record, and is not read to its beginning.
    """
    end = size = file.seek(0, os.SEEK_END)
    while end and size - end <= MOST_BYTES:
        start = max(0, end - _CHUNK)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return None if end else 0


_CHUNK = 2**16


def _lines(path: Path, start: Place = _START) -> Iterator[tuple[Place, bytes]]:
    """Yield the lines that have an end, from a place on."""
    line, offset = start
    try:
        with read_regular(path) as file:
            file.seek(offset)
            while text := file.readline(MOST_BYTES + 1):
                if len(text) > MOST_BYTES:
                    raise RecordError(f"{path}, line {line}: it has more than {MOST_BYTES // 2**20} MiB")
                if text.endswith(b"\n"):
                    yield Place(line, offset), text
                line, offset = line + 1, offset + len(text)
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from error


def _parse(path: Path, number: int, kind: type[Line], line: bytes) -> Line:
    try:
        return decode_line(kind, line)
    except LineError as error:
        raise RecordError(f"{path}, line {number}: {error}") from error
