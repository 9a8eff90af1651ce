"""Decode the tables of a file into typed objects, and name the key, the value and what is allowed if not."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from convmm.geometry import shown

T = TypeVar("T")

_FIELD = re.compile("Object (missing required|contains unknown) field `(.*)`")

_WORDS: dict[object, str] = {str: "a text", int: "an int", bool: "true or false"}

_NO_VALUES = (NoneType, msgspec.UnsetType)
"""Of a key that may be left out: what stands for it then."""


class MisfitError(ValueError):
    """Data of another form: the message names the table, the key, its value and what is allowed."""


def decode(data: object, kind: type[T]) -> T:
    """Convert data, as TOML gives it, to an object of this type; strictly, so that no text is a number.

    Raises:
        MisfitError: a key is missing, unknown or has a value of another type.
    """
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise MisfitError(_sentence(str(error), data, kind)) from None


def _sentence(error: str, data: object, kind: type) -> str:
    """Say where msgspec's error is, by its path such as ``$.seen.relation[1]``, and what may stand there."""
    text, _, path = error.partition(" - at `$")
    names = re.findall(r"\.(\w+)", path)
    field = _FIELD.fullmatch(text)
    if not names and not field:
        return f"{shown(data)}: allowed is {_describe(kind)}"
    *tables, key = (*names, field[2]) if field else names
    table = cast("dict[str, Any]", data)
    for name in tables:
        table, kind = table[name], get_type_hints(kind)[name]
    where = "".join(f"in {shown(name)}: " for name in tables)
    if field and field[1] == "missing required":
        return f"{where}key {shown(key)} is missing"
    if field:
        return f"{where}key {shown(key)} is unknown; allowed are {_keys(kind)}"
    hint, value = get_type_hints(kind, include_extras=True)[key], table[key]
    if path.startswith("[...]", path.rindex(key) + len(key)):  # msgspec does not say which entry of a table
        where, hint = f"{where}in {shown(key)}: ", get_args(hint)[1]
        key, value = next((name, each) for name, each in value.items() if not _fits(each, hint))
    return f"{where}key {shown(key)}={shown(value)}: allowed is {_describe(hint)}"


def _fits(data: object, kind: type) -> bool:
    try:
        msgspec.convert(data, kind)
    except msgspec.ValidationError:
        return False
    return True


def _describe(hint: object) -> str:
    """Say in words which values a type has, or what its annotation says that they are."""
    origin, arguments = get_origin(hint), get_args(hint)
    words: dict[object, Callable[[], str]] = {
        Annotated: lambda: arguments[1].description or _describe(arguments[0]),
        Literal: lambda: f"one of {', '.join(arguments)}",
        Union: lambda: " or ".join(_describe(each) for each in arguments if each not in _NO_VALUES),
        UnionType: lambda: " or ".join(_describe(each) for each in arguments if each not in _NO_VALUES),
        list: lambda: f"a list, each {_describe(arguments[0])}",
        tuple: lambda: f"a list, each {_describe(arguments[0])}",
        dict: lambda: f"a table, each value {_describe(arguments[1])}",
    }
    if origin in words:
        return words[origin]()
    return _WORDS[hint] if hint in _WORDS else f"a table with {_keys(hint)}"


def _keys(kind: object) -> str:
    fields: tuple[str, ...] = getattr(kind, "__struct_fields__", ())
    return ", ".join(fields)
