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
from parity.records.packing import PackingError, Piece, packing_by_content, packing_of, unpack
from parity.records.result import Record

MOST_BYTES = 2**26
"""Of a line: 64 MiB. A longer one is no record, and is not read to its end."""

_PIECE = 2**16


class RecordError(InputError):
    """A record file that cannot be written or read; the message names it."""


class Records:
    """The records of a file in their order; each iteration reads the file again, a line at a time.

    A last line without its end is what an interrupted sweep leaves behind; it is dropped.

    Attributes:
        path: of the file.
        torn: what had no end when the file was last read through, in words; None where all of it was whole.

    Raises:
        RecordError: by iterating, for a line that is no record; the message names the line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.torn: str | None = None

    def __iter__(self) -> Iterator[Record]:
        lines = self.lines()
        next(lines, None)  # the header
        for number, line in enumerate(lines, 2):
            yield _parse(self.path, number, Record, line)

    def lines(self) -> Iterator[bytes]:
        """Yield the lines that have an end, the header's first, without their ends.

        Raises:
            RecordError: the file cannot be read, or a line is too long.
        """
        number, begun, size = 1, list[bytes](), 0
        try:
            with read_regular(self.path) as file:
                for text in self._pieces(file):
                    *whole, last = text.split(b"\n")
                    for line in whole:
                        yield b"".join([*begun, line]) if size else line
                        number, begun, size = number + 1, [], 0
                    begun.append(last)
                    size += len(last)
                    if size > MOST_BYTES:
                        limit = f"it has more than {MOST_BYTES // 2**20} MiB"
                        raise RecordError(f"{self.path}, line {number}: {limit}")
        except OSError as error:
            raise RecordError(f"{self.path} cannot be read: {error.strerror}") from error
        except PackingError as error:
            raise RecordError(f"{self.path}, line {number}: {error}") from error
        if size:
            self.torn = "the last line is torn and was dropped"

    def _pieces(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield the text piece by piece."""
        self.torn = None
        packing = packing_of(self.path)
        if packing is not None:
            for text, end in unpack(file, packing):
                self.torn = _CUT if end is None else None
                yield text
            return
        while text := file.read(_PIECE):
            by = packing_by_content(text) if file.tell() == len(text) else None
            if by is not None:
                raise PackingError(f"it is packed by {by.name}; allowed is a name that ends with {by.suffix}")
            yield text


_CUT = "its last frame has no end; its whole lines were read"


def read_records(path: Path) -> tuple[Header, Records]:
    """Return the header of a file, and its records, which are read when they are iterated over.

    Raises:
        RecordError: unreadable, or not a file of records; the message names the line.
    """
    records = Records(path)
    first = next(records.lines(), None)
    if first is None:
        raise RecordError(f"{path} is no record of a sweep: it has no line")
    return _parse(path, 1, Header, first), records


class Whole(NamedTuple):
    """What of a file stays when it is gone on with.

    Attributes:
        length: bytes of it that stay as they are.
        tail: whole lines behind them, in a frame that is torn or has a torn line: they are written anew.
        beginning: of the text of a file without a whole line; None where it has one.
    """

    length: int
    tail: bytes = b""
    beginning: bytes | None = None


def whole_lines(path: Path, file: BinaryIO) -> Whole | None:
    """Say how much of a file its whole lines have, those before a torn last one.

    None where what is torn is longer than any line: it is no record, and is not read to its beginning.

    Raises:
        PackingError: it is damaged, or not packed as its name says.
    """
    packing = packing_of(path)
    return _whole_text(file) if packing is None else _whole_frames(unpack(file, packing))


def _whole_text(file: BinaryIO) -> Whole | None:
    """Look for the last line feed, from the end on."""
    beginning = file.read(_PIECE)
    end = size = file.seek(0, os.SEEK_END)
    while end and size - end <= MOST_BYTES:
        start = max(0, end - _PIECE)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return Whole(start + found + 1)
        end = start
    return None if end else Whole(0, beginning=beginning)


def _whole_frames(pieces: Iterator[Piece]) -> Whole | None:
    """Look for the last frame that ends with a line; what comes behind it is kept as text."""
    length, behind, size, lines, ended = 0, list[bytes](), 0, False, True
    for text, end in pieces:
        ended = text.endswith(b"\n") if text else ended
        lines |= b"\n" in text
        size += len(text)
        behind = [*behind, text] if size <= MOST_BYTES else []
        if end is not None and ended:
            length, behind, size = end, [], 0
    if size > MOST_BYTES:
        return None
    kept = b"".join(behind)
    tail = kept[: kept.rfind(b"\n") + 1]
    return Whole(length, tail, None if lines else kept)


def _parse(path: Path, number: int, kind: type[Line], line: bytes) -> Line:
    try:
        return decode_line(kind, line)
    except LineError as error:
        raise RecordError(f"{path}, line {number}: {error}") from error
