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
from parity.records.reader import RecordError, Records, read_records, whole_lines
from parity.records.result import SCHEMA, Record

_LOOK_EVERY = 1.0
"""Seconds between two looks at whether the file is still there."""

_BEGINNING = msgspec.json.encode({"schema": SCHEMA, "kind": "header"})[:-1]
"""What a record begins with."""


class RecordFile:
    """A file of JSON lines, locked while it is open; each line is written at once, and whole or not at all.

    Nothing is written to what is no record, and nothing is removed but an empty file that was created here.

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
        """Close the file, and with it give up the lock, whatever happened."""
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

        Until a line is written, the file stays as it is, a torn last line included.

        Returns:
            What is recorded already; None in a file without a whole line: a new one, an empty one, or one
            that was torn in the header.

        Raises:
            RecordError: it was recorded under another header, which says what has changed; or it is no
                file of records.
        """
        with os.fdopen(self._file, "rb", closefd=False) as file:
            self._size = os.fstat(self._file).st_size
            beginning = file.read(len(_BEGINNING))
            whole = whole_lines(file)
        if whole is None or not (whole or beginning in {b"", _BEGINNING}):
            raise RecordError(
                f"{self._path} cannot be resumed: it has no whole line, and begins as no record does"
                if whole == 0
                else f"{self._path} cannot be resumed: its last line is longer than any record"
            )
        self._length = whole
        if not whole:
            self.write(header)
            return None
        first, records = read_records(self._path)
        changed = _changes(first, header)
        if changed:
            raise RecordError(f"{self._path} cannot be resumed: {'; '.join(changed)}")
        return records

    def write(self, record: Header | Record) -> None:
        """Append one record as a line.

        Raises:
            RecordError: the disk is full, say, or the file has gone, or is not as it was left here; what was
                written before is whole.
        """
        line = msgspec.json.encode(record) + b"\n"
        try:
            self._look()
            self._append(line)
        except OSError as error:
            raise RecordError(f"{self._path} cannot be written: {error.strerror}") from error
        self._length = self._size = self._length + len(line)

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

    def _append(self, line: bytes) -> None:
        """Write a line behind the whole ones, or nothing."""
        if self._size > self._length:  # by a torn line
            os.ftruncate(self._file, self._length)
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            with suppress(OSError):
                if os.fstat(self._file).st_size == self._length + len(line) - len(rest):
                    os.ftruncate(self._file, self._length)
            raise


def _changes(old: Header, new: Header) -> list[str]:
    """Say what of the environment is another than when the file was begun, in words.

    Machines of a cluster come and go, and each record says which one it is of.
    """
    on_a_cluster = bool(old.machines and new.machines)
    changed = [
        f"{moved.words} was {moved.before} and is {moved.after}"
        for moved in compare_environments(old, new)
        if not (on_a_cluster and moved.part == MACHINES)
    ]
    before, after = (", ".join(each.framework for each in first.frameworks) for first in (old, new))
    return [*changed, f"the frameworks were {before} and are {after}"] if before != after else changed
