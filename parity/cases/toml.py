"""TOML files of a user's, read in bounded time and memory."""

from __future__ import annotations

import hashlib
import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple

from convmm.geometry import LARGEST, shorten, shown
from parity.cases.errors import InputError
from parity.cases.files import read_regular

LONGEST = 2**23
"""Bytes of a file: 8 MiB."""

MOST_DOTS = 100
"""In a line: to read a dotted key takes time that grows with the square of its parts."""


class Document(NamedTuple):
    """What a file holds.

    Attributes:
        tables: its keys with their values.
        digest: "sha256:" and the hash of its bytes.
    """

    tables: dict[str, Any]
    digest: str


def read_toml(name: str, path: Traversable | Path, wrong: type[InputError]) -> Document:
    """Read a file: a regular one, or one of a package.

    Args:
        name: what messages call it.
        path: where it is.
        wrong: the error to raise.

    Raises:
        InputError: of the class ``wrong``: unreadable, no regular file, too long, no valid TOML, or with a
            number too large.
    """
    try:
        with read_regular(path) if isinstance(path, Path) else path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except (OSError, ValueError) as error:  # ValueError: no name of a file
        raise wrong(f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > LONGEST:
        raise wrong(f"{name}: cannot be read: allowed are at most {LONGEST} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise wrong(f"{name}: cannot be read: no valid UTF-8: {error.reason}") from error
    for number, line in enumerate(text.splitlines(), 1):
        if line.count(".") > MOST_DOTS and not line.startswith("#"):
            raise wrong(f"{name}: line {number}: allowed are at most {MOST_DOTS} dots in a line")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise wrong(f"{name}: no valid TOML: {shorten(str(error), 200)}") from error
    except RecursionError as error:
        raise wrong(f"{name}: no valid TOML: lists or tables nested too deeply") from error
    except ValueError as error:  # a number of more digits than Python reads
        raise wrong(f"{name}: no valid TOML: a number is too large; {_ALLOWED}") from error
    if _has_larger(tables):
        raise wrong(f"{name}: a number is too large; {_ALLOWED}")
    return Document(tables, f"sha256:{hashlib.sha256(data).hexdigest()}")


_ALLOWED = f"allowed are numbers up to {LARGEST}"


def title(kind: str, number: int, table: dict[str, Any]) -> str:
    """Name the table of this number, of those written as [[kind]], for messages."""
    name = table.get("name", "no name")
    return f"[[{kind}]] {number} ({shorten(name) if isinstance(name, str) else shown(name)})"


def _has_larger(value: object) -> bool:
    """Return whether an int in it is beyond the largest that there is for any number."""
    if isinstance(value, dict):
        return any(map(_has_larger, value.values()))
    if isinstance(value, list):
        return any(map(_has_larger, value))
    return isinstance(value, int) and abs(value) > LARGEST
