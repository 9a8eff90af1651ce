"""Named sets of cases: TOML data, validated when loaded.

A file holds ``description``, tables ``[[case]]`` with a case each, and tables ``[[product]]`` in which every
key has a list of alternatives: their product, less the combinations that are no convolution.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from convmm.geometry import GeometryError
from parity.cases.case import Case, CaseError
from parity.cases.errors import InputError

BUILT_IN = ("article", "zoo", "threads", "grid")
DEFAULT = ("article", "zoo")
KNOWN = "known"
"""The suite that is made of the registry of known differences, and stands in no file."""

_ABOUT = {"name": str, "source": str, "note": str, "output": list, "expected": str}
_CASE_KEYS = tuple(field.name for field in fields(Case))
_NUMBERS = ("input", "filters", "kernel", "stride", "padding", "output_padding", "dilation", "groups", "seed")
_WORDS = {"padding": ("valid", "same"), "output_padding": ("none",)}
_REQUIRED = ("name", "op", "input", "filters", "kernel")


class SuiteError(InputError):
    """A suite that is not there or not right; the message names the file, the table and the key."""


@dataclass(frozen=True)
class SuiteCase:
    """One case of a suite.

    Attributes:
        name: unique in its suite.
        case: the case.
        source: where the configuration was found.
        note: what was changed of it, or what is special.
        expected: the verdict it must have.
    """

    name: str
    case: Case
    source: str | None = None
    note: str | None = None
    expected: str | None = None


@dataclass(frozen=True)
class Suite:
    """A named list of cases."""

    name: str
    description: str
    cases: tuple[SuiteCase, ...]


def load_suite(name: str) -> Suite:
    """The built-in suite of this name, or the one in the TOML file of this path.

    Raises:
        SuiteError: no such suite, unreadable, or not valid.
    """
    path = _find(name)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"{name}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise SuiteError(f"{name}: no valid TOML: {error}") from error
    unknown = sorted(set(data) - {"description", "case", "product"})
    if unknown:
        raise SuiteError(f"{name}: key {unknown[0]!r}: allowed are description, [[case]] and [[product]]")
    description = data.get("description")
    if not isinstance(description, str):
        raise SuiteError(f"{name}: key 'description': a suite has one, and it is a string")
    cases = [*_cases(name, _tables(name, data, "case")), *_products(name, _tables(name, data, "product"))]
    if not cases:
        raise SuiteError(f"{name}: it has no [[case]] and no [[product]] with a valid combination")
    _check_names(name, cases)
    return Suite(Path(name).stem, description, tuple(cases))


def _find(name: str) -> Traversable | Path:
    if name in BUILT_IN:
        return files(__package__).joinpath(f"{name}.toml")
    path = Path(name)
    if not path.is_file():
        names = ", ".join((*BUILT_IN, KNOWN))
        raise SuiteError(f"suite {name!r}: allowed are {names}, or the path of a TOML file")
    return path


def _tables(suite: str, data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    tables = data.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SuiteError(f"{suite}: key {key!r}: write its tables as [[{key}]]")
    return tables


def _cases(suite: str, tables: list[dict[str, Any]]) -> Iterator[SuiteCase]:
    for number, table in enumerate(tables, 1):
        where = f"{suite}: [[case]] {number} ({table.get('name', 'no name')})"
        _check_keys(where, table)
        about = {key: table.get(key) for key in ("source", "note", "expected")}
        case = _case(where, {key: value for key, value in table.items() if key not in _ABOUT})
        output = table.get("output")
        if output is not None and tuple(output) != case.output_shape:
            raise SuiteError(
                f"{where}: key 'output' is {output}, and the case gives {list(case.output_shape)}"
            )
        yield SuiteCase(table["name"], case, **about)


def _check_keys(where: str, table: dict[str, Any]) -> None:
    for key in table:
        if key not in _ABOUT and key not in _CASE_KEYS:
            allowed = ", ".join((*_ABOUT, *_CASE_KEYS))
            raise SuiteError(f"{where}: key {key!r} is unknown; allowed are {allowed}")
    for key in _REQUIRED:
        if key not in table:
            raise SuiteError(f"{where}: key {key!r} is missing")
    for key, kind in _ABOUT.items():
        if key in table and not isinstance(table[key], kind):
            raise SuiteError(f"{where}: key {key!r}={table[key]!r}: allowed is a {kind.__name__}")


def _products(suite: str, tables: list[dict[str, Any]]) -> Iterator[SuiteCase]:
    for number, table in enumerate(tables, 1):
        where = f"{suite}: [[product]] {number} ({table.get('name', 'no name')})"
        _check_keys(where, table)
        alternatives = {key: value for key, value in table.items() if key not in _ABOUT}
        for key, values in alternatives.items():
            if not isinstance(values, list) or not values:
                raise SuiteError(f"{where}: key {key!r}={values!r}: allowed is a list of alternatives")
            for value in values:
                _check_alternative(where, key, value)
        combinations = (
            dict(zip(alternatives, chosen, strict=True))
            for chosen in itertools.product(*alternatives.values())
        )
        cases = list(dict.fromkeys(_valid_cases(where, combinations)))
        if not cases:
            raise SuiteError(f"{where}: no combination of its alternatives is a convolution")
        yield from (SuiteCase(f"{table['name']}-{i}", case) for i, case in enumerate(cases, 1))


def _check_alternative(where: str, key: str, value: object) -> None:
    """Refuse what no combination could make a case of; what only some cannot is left out."""
    if key not in _NUMBERS or value in _WORDS.get(key, ()):
        return
    numbers = value if isinstance(value, list) else [value]
    flat = [n for item in numbers for n in (item if isinstance(item, list) and key == "padding" else [item])]
    if not flat or not all(type(n) is int for n in flat):
        words = "".join(f", {word!r}" for word in _WORDS.get(key, ()))
        raise SuiteError(
            f"{where}: key {key!r}: alternative {value!r}: allowed are ints, lists of ints{words}"
        )


def _valid_cases(where: str, combinations: Iterator[dict[str, Any]]) -> Iterator[Case]:
    for combination in combinations:
        if combination.get("output_padding") == "none":  # TOML has no null
            del combination["output_padding"]
        try:
            yield Case.from_dict(combination)
        except GeometryError:
            continue
        except (CaseError, TypeError) as error:
            raise SuiteError(f"{where}: {error}") from error


def _case(where: str, data: dict[str, Any]) -> Case:
    try:
        return Case.from_dict(data)
    except (CaseError, GeometryError, TypeError) as error:
        raise SuiteError(f"{where}: {error}") from error


def _check_names(suite: str, cases: list[SuiteCase]) -> None:
    seen: set[str] = set()
    for each in cases:
        if each.name in seen:
            raise SuiteError(f"{suite}: the name {each.name!r} is given twice; allowed is once")
        seen.add(each.name)
