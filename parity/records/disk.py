"""What may be too much for the memory: lists in an order of their own, on the disk when they are long."""

from __future__ import annotations

import errno
import functools
import itertools
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar, Union, overload

import msgspec

Value = TypeVar("Value")
Made = TypeVar("Made")
Place = tuple[Union[int, str, "Place"], ...]

MOST_ROWS = 4000
"""Of a listing in memory; with one more all are on the disk."""

_CACHE = 2**14
"""KiB of a database that are kept in memory."""


class Disk:
    """A database in a temporary file without a name: it goes with its process, however that ends."""

    def __init__(self) -> None:
        import sqlite3  # noqa: PLC0415 - most records are small

        self._error = sqlite3.OperationalError
        self._of_the_disk = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
        # The collector may close it in any thread.
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._connection.close)
        for statement in ("PRAGMA journal_mode = OFF", f"PRAGMA cache_size = -{_CACHE}", "BEGIN"):
            self._connection.execute(statement)

    def do(self, statement: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """Run a statement of SQL and return the rows that it gives.

        Raises:
            OSError: the disk is full, say.
        """
        with self._told():
            rows = self._connection.execute(statement, values)
        return self._rows(rows)

    def insert(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement that adds a row, for each of these.

        Raises:
            OSError: as :meth:`do`.
        """
        with self._told():
            self._connection.executemany(statement, rows)

    def _rows(self, rows: Iterator[Any]) -> Iterator[Any]:
        with self._told():
            yield from rows

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._error as error:
            if error.sqlite_errorcode & 0xFF not in self._of_the_disk:
                raise
            raise OSError(errno.ENOSPC, str(error), "a temporary file") from error


class Listing(Generic[Value]):
    """Values in the order of their places, added one by one in any order.

    Args:
        kind: of the values: what msgspec decodes them to.
    """

    def __init__(self, kind: Any) -> None:  # noqa: ANN401 - any type that msgspec knows
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._kept: list[tuple[Place, Value]] = []
        self._count = 0
        self._disk: Disk | None = None
        self._sorted = False

    def __len__(self) -> int:
        """Return how many there are."""
        return self._count

    def add(self, place: Place, value: Value) -> None:
        """Add a value at its place; of those at one place, the lesser is first."""
        self._kept.append((place, value))
        self._count += 1
        self._sorted = False
        if len(self._kept) > MOST_ROWS:
            self._store()

    def part(self, start: int = 0, stop: int | None = None) -> Part[Value]:
        """Return the values from one number to before another, in order, to be read when they are wanted."""
        return Part(self, start, self._count if stop is None else stop)

    def read(self, start: int, stop: int) -> Iterator[Value]:
        """Yield the values from one number to before another, in order.

        Raises:
            OSError: there is no space on the disk to sort them.
        """
        self._sort()
        if self._disk is None:
            yield from (value for _, value in self._kept[start:stop])
        else:
            wanted = "SELECT value FROM sorted WHERE rowid > ? AND rowid <= ? ORDER BY rowid"
            yield from (self._decoder.decode(value) for (value,) in self._disk.do(wanted, (start, stop)))

    def _store(self) -> None:
        if self._disk is None:
            self._disk = Disk()
            self._disk.do("CREATE TABLE kept (place BLOB, value BLOB)")
        encode = msgspec.msgpack.encode
        rows = ((_sortable(place), encode(value)) for place, value in self._kept)
        self._disk.insert("INSERT INTO kept VALUES (?, ?)", rows)
        self._kept = []

    def _sort(self) -> None:
        if self._sorted:
            return
        self._sorted = True
        if self._disk is None:
            self._kept.sort()
            return
        self._store()
        self._disk.do("DROP TABLE IF EXISTS sorted")
        self._disk.do("CREATE TABLE sorted AS SELECT value FROM kept ORDER BY place, value")


class Part(Sequence[Value]):
    """Some of a listing's values, in order.

    Args:
        listing: of whose.
        start: the number of the first.
        stop: that of the one behind the last.
        made: what each is turned into when it is read; None for itself.
    """

    def __init__(
        self, listing: Listing[Any], start: int, stop: int, made: Callable[[Any], Value] | None = None
    ) -> None:
        self._listing, self._start, self._stop, self._made = listing, start, stop, made

    def turned(self, made: Callable[[Value], Made]) -> Part[Made]:
        """Return the same values, each turned into something else when it is read."""
        first = self._made
        both = made if first is None else lambda value: made(first(value))
        return Part(self._listing, self._start, self._stop, both)

    def __len__(self) -> int:
        """Return how many there are."""
        return self._stop - self._start

    def __iter__(self) -> Iterator[Value]:
        """Yield them, each from the disk when it is wanted."""
        return self._read(self._start, self._stop)

    def _read(self, start: int, stop: int) -> Iterator[Value]:
        values = self._listing.read(start, stop)
        return values if self._made is None else map(self._made, values)

    @overload
    def __getitem__(self, index: int) -> Value: ...
    @overload
    def __getitem__(self, index: slice) -> list[Value]: ...
    def __getitem__(self, index: int | slice) -> Value | list[Value]:
        """Return one, or a list of some that follow one another."""
        numbers = range(self._start, self._stop)[index]
        if isinstance(numbers, int):
            return next(self._read(numbers, numbers + 1))
        found = self._read(numbers.start, numbers.stop)
        return list(itertools.islice(found, 0, None, numbers.step))

    def __eq__(self, other: object) -> bool:
        """Return whether another sequence has the same values."""
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(_same, self, other))

    __hash__ = None  # type: ignore[assignment] # as lists have none

    def __repr__(self) -> str:
        """Show the values."""
        return f"Part({list(self)!r})"


def _same(one: object, other: object) -> bool:
    return one == other


def _sortable(place: Place) -> bytes:
    """Write a place in bytes that sort as places do, those of a listing alike in what is a number or text."""
    return b"".join(map(_part, place))


def _part(part: int | str | Place) -> bytes:
    if isinstance(part, int):
        return part.to_bytes(8, "big")
    if isinstance(part, str):
        return part.encode(errors="surrogatepass").replace(b"\0", b"\0\xff") + b"\0\0"
    return _within(part)


@functools.lru_cache(2**10)
def _within(place: Place) -> bytes:
    """Write a place within places, of which there are few."""
    return _sortable(place)
