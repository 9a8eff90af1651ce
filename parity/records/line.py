"""A line of a record, decoded: an object with each key once, and all of the type that its reader takes."""

from __future__ import annotations

import json
import shlex
from typing import Any, TypeVar

import msgspec

from parity.cases.op import OPS
from parity.records.header import Header
from parity.records.result import SCHEMA, Record

Line = TypeVar("Line", Header, Record)
_DECODERS = {kind: msgspec.json.Decoder(kind) for kind in (Header, Record)}


class LineError(ValueError):
    """A line that is no record's; the message does not say where it stands."""


def decode_line(kind: type[Line], line: bytes) -> Line:
    """Return what a line says.

    Raises:
        LineError: no JSON, or nothing of this kind, or a value in it is of another type.
    """
    try:
        line.decode()
        if b"\\u" in line and rb"\ud" in line.lower():  # maybe half of a character, which nothing can print
            found = json.loads(line, object_pairs_hook=_once)
            line = json.dumps(found, ensure_ascii=False).encode(errors="replace")
        parsed: Line = _DECODERS[kind].decode(line)  # type: ignore[assignment] # it is of this kind
        if msgspec.json.encode(parsed) != line.rstrip(b"\n"):  # which this version did not write, then
            _check_keys(kind, line)
    except UnicodeDecodeError as error:
        raise LineError(f"no valid UTF-8: {error.reason}") from error
    except msgspec.ValidationError as error:
        raise LineError(_unfit(kind, line) or str(error)) from error
    except LineError:
        raise
    except (ValueError, RecursionError) as error:  # of any kind: a number too long, a list too deep
        raise LineError(f"no valid JSON: {getattr(error, 'msg', error)}") from error
    if isinstance(parsed, Record):
        _check_case(parsed)
    return parsed


class _Head(msgspec.Struct):
    """What says of a line what it is."""

    kind: object = None
    schema: object = None


def _check_keys(kind: type[Line], line: bytes) -> None:
    """Accept a line that says what it is, and has no key twice in one object."""
    json.loads(line, object_pairs_hook=_once)
    unfit = _unfit(kind, line)
    if unfit is not None:
        raise LineError(unfit)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise LineError(f"key {twice!r} is given twice; allowed is once")
    return found


def _unfit(kind: type[Line], line: bytes) -> str | None:
    """Say why a line is none of this kind at all, if it is none."""
    name = kind.__name__.lower()
    try:
        head = msgspec.json.decode(line, type=_Head)
    except msgspec.ValidationError:  # no object
        head = _Head()
    except msgspec.DecodeError as error:
        return f"no valid JSON: {error}"
    if head.kind != name:
        return f"allowed is a {name} of a sweep"
    return None if head.schema == SCHEMA else f"schema {head.schema!r}, known is {SCHEMA}"


class _Case(msgspec.Struct):
    """What a case has at least, and of which types; whether it is a convolution, nobody asks of a record."""

    op: str
    input: tuple[int, ...]
    filters: int
    kernel: int | tuple[int, ...]
    stride: int | tuple[int, ...] = ()
    padding: int | str | tuple[int | tuple[int, ...], ...] = ()
    output_padding: int | tuple[int, ...] | None = None
    dilation: int | tuple[int, ...] = ()
    groups: int = 1
    bias: bool = False
    dtype: str = ""
    values: str = ""
    seed: int = 0


_QUOTES = ("'", '"', "\\")


def _check_case(record: Record) -> None:
    """Accept a record of a case of a known operation, with a command that a shell can read."""
    try:
        case = msgspec.convert(record.case, _Case)
    except msgspec.ValidationError as error:
        raise LineError(f"in 'case': {error}") from error
    if case.op not in OPS:
        raise LineError(f"op {case.op!r}, known are {', '.join(OPS)}")
    try:
        if any(mark in record.command for mark in _QUOTES):  # else any shell reads it, and splitting is slow
            shlex.split(record.command)
    except ValueError as error:
        raise LineError(f"command {record.command!r}: {error}") from error
