"""The file that a sweep records in: whole lines, one sweep at a time, and gone on with after any end."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from filelock import Timeout

from parity.cases.files import open_regular
from parity.records.environment import MACHINES, compare_environments
from parity.records.header import Header
from parity.records.lock import Lock, LockError, lock_descriptor, remove_own
from parity.records.packing import Frame, PackingError, packing_of
from parity.records.reader import RecordError, Records, read_records, whole_lines
from parity.records.result import SCHEMA, Record

_LOOK_EVERY = 1.0
"""Seconds between two looks at whether the file is still there."""

_BEGINNING = msgspec.json.encode({"schema": SCHEMA, "kind": "header"})[:-1]
"""What a record begins with."""

_FRAME = 2**22
"""Bytes of text in a frame: what is taken up again, at the most, when a file is gone on with."""


class RecordFile:
    """A file of JSON lines, locked while it is open; each line is written at once, and whole or not at all.

    So it is in a file whose name says that it is packed. Nothing is written to what is no record, and nothing
    is removed but an empty file that was created here.

    Args:
        path: of a new file, or of one to go on with.
        resume: go on with the file if it is there.

    Raises:
        RecordError: the file is there already and not to be gone on with, or it is no regular one, or another
            sweep writes to it, or it cannot be written or locked.
    """

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        self._path, self._resume = path, resume
        self._created = False
        self._length = 0
        self._size = 0
        self._looked = 0.0
        self._packing = packing_of(path)
        self._frame: Frame | None = None
        self._framed = 0
        self._tail = b""

    def __enter__(self) -> Self:
        """Open the file, or create it, and lock it."""
        try:
            self._file = self._open()
            try:
                self._lock = Lock(self._path)
                self._lock.acquire()
                lock_descriptor(self._file)
            except BaseException as error:
                self._created &= not isinstance(error, Timeout)  # the other sweep has it by now
                self._close()
                raise
        except FileExistsError:
            raise RecordError(
                f"{self._path} is there already; name another file, remove it first, or go on with --resume"
            ) from None
        except Timeout:
            raise RecordError(f"{self._path} is being written by another sweep") from None
        except LockError as error:
            raise RecordError(f"{self._path} cannot be locked: {error}") from None
        except OSError as error:
            raise RecordError(f"{self._path} cannot be written: {error.strerror}") from error
        return self

    def _open(self) -> int:
        """Open the file; whether it is one of records, :meth:`begin` finds out before anything is written."""
        flags = os.O_RDWR | os.O_APPEND
        flags |= getattr(os, "O_BINARY", 0)  # Windows would write another line ending
        try:
            file = os.open(self._path, flags | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            if not self._resume:
                raise
            return open_regular(self._path, flags)
        self._created = True
        return file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the frame, close the file, and with it give up the lock, whatever happened."""
        try:
            frame, self._frame = self._frame, None
            if frame is None and self._tail and self._packing is not None:
                frame, tail = self._packing.frame(), self._tail
                self._put(frame.add(tail) + frame.end())
            elif frame is not None:
                self._put(frame.end())
        finally:
            self._close()
            self._lock.release()

    def _close(self) -> None:
        """Close the file; one that was created here, and in which nothing was written, goes."""
        own = os.fstat(self._file)
        os.close(self._file)
        if self._created and not self._length:
            remove_own(self._path, own)

    def begin(self, header: Header) -> Records | None:
        """Write the header; or compare it with the one that is there.

        Until a line is written, the file stays as it is, a torn last line included; lines of a torn frame are
        written anew with the next line, or at the end.

        Returns:
            What is recorded already; None in a file without a whole line: a new one, an empty one, or one
            that was torn in the header.

        Raises:
            RecordError: it was recorded under another header, which says what has changed; or it is no
                file of records.
        """
        with os.fdopen(self._file, "rb", closefd=False) as file:
            self._size = os.fstat(self._file).st_size
            try:
                whole = whole_lines(self._path, file)
            except PackingError as error:
                raise RecordError(f"{self._path} cannot be resumed: {error}") from error
        if whole is None:
            raise RecordError(f"{self._path} cannot be resumed: its last line is longer than any record")
        if whole.beginning is not None and not self._is_begun(whole.beginning[: len(_BEGINNING)]):
            raise RecordError(
                f"{self._path} cannot be resumed: it has no whole line, and begins as no record does"
            )
        self._length = whole.length
        if whole.beginning is not None:
            self._tail = whole.tail
            self.write(header)
            return None
        first, records = read_records(self._path)
        changed = _changes(first, header)
        if changed:
            raise RecordError(f"{self._path} cannot be resumed: {'; '.join(changed)}")
        self._tail = whole.tail
        return records

    def _is_begun(self, beginning: bytes) -> bool:
        """Return whether this is how a record begins; a packed one may be torn before a few bytes of text."""
        torn = self._packing is not None and _BEGINNING.startswith(beginning)
        return torn or beginning in {b"", _BEGINNING}

    def write(self, record: Header | Record) -> None:
        """Append one record as a line.

        Raises:
            RecordError: the disk is full, say, or the file has gone, or is not as it was left here; what was
                written before is whole.
        """
        line = msgspec.json.encode(record) + b"\n"
        if self._packing is None:
            self._put(line)
            return
        frame, self._frame = self._frame or self._packing.frame(), None  # while it has what is not written
        text = self._tail + line
        self._framed += len(text)
        if self._framed < _FRAME:
            self._put(frame.add(text))
            self._frame = frame
        else:
            self._put(frame.add(text) + frame.end())
            self._framed = 0
        self._tail = b""

    def _put(self, data: bytes) -> None:
        """Append data, if the file is what it was."""
        try:
            self._look()
            self._append(data)
        except OSError as error:
            raise RecordError(f"{self._path} cannot be written: {error.strerror}") from error
        self._length = self._size = self._length + len(data)

    def _look(self) -> None:
        """Raise an error if the file is no longer what it was, or no longer where it was."""
        size = os.fstat(self._file).st_size
        if size != self._size:
            raise OSError(None, f"another process has changed it, from {self._size} bytes to {size}")
        now = time.monotonic()
        if now - self._looked > _LOOK_EVERY:
            self._looked = now
            try:
                found = self._path.stat()
            except FileNotFoundError as error:  # the name was right when the file was opened
                raise OSError(None, error.strerror) from None
            if not os.path.samestat(found, os.fstat(self._file)):
                raise OSError(None, "another file has its place")

    def _append(self, data: bytes) -> None:
        """Write data behind the whole lines, or nothing."""
        torn = b""
        if self._size > self._length:
            torn = self._cut()
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            with suppress(OSError):
                if os.fstat(self._file).st_size == self._length + len(data) - len(rest):
                    os.ftruncate(self._file, self._length)
                    os.write(self._file, torn)
            raise

    def _cut(self) -> bytes:
        """Take off the end a torn line, or a torn frame, and return it: there may be whole lines in it."""
        with os.fdopen(self._file, "rb", closefd=False) as file:
            file.seek(self._length)
            torn = file.read()
        os.ftruncate(self._file, self._length)
        return torn


def _changes(old: Header, new: Header) -> list[str]:
    """Say what of the environment is another than when the file was begun, in words.

    Machines of a cluster come and go, and each record says which one it is of.
    """
    begun, asked = ("a cluster" if each.machines else "one machine" for each in (old, new))
    if begun != asked:
        return [f"it was begun on {begun}, and {asked} is asked"]
    on_a_cluster = bool(old.machines)
    changed = [
        f"{moved.words} was {moved.before} and is {moved.after}"
        for moved in compare_environments(old, new)
        if not (on_a_cluster and moved.part == MACHINES)
    ]
    before, after = (", ".join(each.framework for each in first.frameworks) for first in (old, new))
    return [*changed, f"the frameworks were {before} and are {after}"] if before != after else changed
