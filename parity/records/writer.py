"""The file that a sweep records in: whole lines, one sweep at a time, and gone on with after any end."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from filelock import BaseFileLock, FileLock, Timeout

from parity.records.environment import compare_environments
from parity.records.header import Header
from parity.records.reader import RecordError, Records, is_torn, read_records
from parity.records.result import Record

_LOOK_EVERY = 1.0
"""Seconds between two looks at whether the file is still there."""


class RecordFile:
    """A file of JSON lines, locked while it is open; each line is written at once, and whole or not at all.

    The lock is a hidden file beside it, which goes when the file is closed. One that a killed sweep leaves
    locks nothing: the system gave up its lock with the process.

    Args:
        path: of a new file, or of one to go on with.
        resume: go on with the file if it is there.

    Raises:
        RecordError: the file is there already and not to be gone on with, or another sweep writes to it, or
            it cannot be written.
    """

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        self._path, self._resume = path, resume
        self._file = -1
        self._length = 0
        self._looked = 0.0

    def __enter__(self) -> Self:
        """Open the file, or create it, and lock it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | (0 if self._resume else os.O_EXCL)
        flags |= getattr(os, "O_BINARY", 0)  # Windows would write another line ending
        try:
            self._file = os.open(self._path, flags, 0o666)
            self._lock = self._acquire()
            self._length = os.fstat(self._file).st_size
        except FileExistsError:
            raise RecordError(
                f"{self._path} is there already; name another file, remove it first, or go on with --resume"
            ) from None
        except Timeout:
            raise RecordError(f"{self._path} is being written by another sweep") from None
        except OSError as error:
            raise RecordError(f"{self._path} cannot be written: {error.strerror}") from error
        return self

    def _acquire(self) -> BaseFileLock:
        """Lock the file that is open, by one lock for all links that name it; or leave no trace."""
        real = self._path.resolve()
        try:
            lock = FileLock(real.with_name(f".{real.name}.lock"), timeout=0)
            lock.acquire()
        except BaseException:
            os.close(self._file)
            if not self._resume:
                self._path.unlink(missing_ok=True)
            raise
        return lock

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file, and with it give up the lock, whatever happened; one with no line goes."""
        os.close(self._file)
        if not self._length:
            self._path.unlink(missing_ok=True)
        with suppress(OSError):  # Windows removes no open file, and does so itself when it is closed
            Path(self._lock.lock_file).unlink()
        self._lock.release()

    def begin(self, header: Header) -> Records | None:
        """Write the header; or compare it with the one that is there, and drop a torn last line.

        Returns:
            What is recorded already; None in a new file.

        Raises:
            RecordError: it was recorded under another header, which says what has changed; or it is no
                file of records.
        """
        if not self._has_a_line():
            os.ftruncate(self._file, 0)
            self.write(header)
            return None
        first, records = read_records(self._path)
        changed = _changes(first, header)
        if changed:
            raise RecordError(f"{self._path} cannot be resumed: {'; '.join(changed)}")
        self._drop_torn_line()
        self._length = os.fstat(self._file).st_size
        return records

    def write(self, record: Header | Record) -> None:
        """Append one record as a line.

        Raises:
            RecordError: the disk is full, say, or the file has gone; what was written before is whole.
        """
        line = msgspec.json.encode(record) + b"\n"
        try:
            self._look()
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file, self._length)
            raise RecordError(f"{self._path} cannot be written: {error.strerror}") from error
        self._length += len(line)

    def _look(self) -> None:
        """Raise an error if the file is no longer where it was created."""
        now = time.monotonic()
        if now - self._looked > _LOOK_EVERY:
            self._looked = now
            try:
                found = self._path.stat()
            except FileNotFoundError as error:  # the name was right when the file was opened
                raise OSError(None, error.strerror) from None
            if not os.path.samestat(found, os.fstat(self._file)):
                raise OSError(None, "another file has its place")

    def _has_a_line(self) -> bool:
        with self._path.open("rb") as file:
            return file.readline().endswith(b"\n")

    def _drop_torn_line(self) -> None:
        if is_torn(self._path):
            with self._path.open("rb") as file:
                os.ftruncate(self._file, sum(len(line) for line in file if line.endswith(b"\n")))


def _changes(old: Header, new: Header) -> list[str]:
    """Say what of the environment is another than when the file was begun, in words."""
    changed = [
        f"{moved.part} was {moved.old or 'not recorded'} and is {moved.new or 'not recorded'}"
        for moved in compare_environments(old, new)
    ]
    before, after = (", ".join(each.framework for each in first.frameworks) for first in (old, new))
    return [*changed, f"the frameworks were {before} and are {after}"] if before != after else changed
