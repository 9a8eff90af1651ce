"""Files of known differences: TOML data, validated when loaded; divergences.toml describes the form."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Collection, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, get_args

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from convmm.geometry import GeometryError
from parity.cases.case import Case, CaseError
from parity.cases.condition import ConditionError, check_condition, meets
from parity.cases.errors import InputError
from parity.frameworks.interface import Framework
from parity.frameworks.known.divergences import Divergence, Seen, known_refusals
from parity.frameworks.known.machine import Machine
from parity.frameworks.spelling import Kind, Spelling, Unsupported
from parity.records.result import Output, Status

_REQUIRED = ("name", "framework", "version", "case", "seen", "why", "example")
_OPTIONAL = (
    "backend",
    "backend_version",
    "reference",
    "found",
    "spelling",
    "output",
    "certain",
    "undecided",
    "machine",
)
_TEXTS = ("name", "framework", "why", "example", "backend", "reference", "found", "undecided")


class RegistryError(InputError):
    """A file of known differences that is not right; the message names the file, the entry and the key."""


@functools.cache
def built_in() -> tuple[Divergence, ...]:
    """The known differences that come with this package."""
    return _load("divergences.toml", files(__package__).joinpath("divergences.toml"))


def layers_of(framework: Framework, case: Case) -> list[Spelling | Unsupported]:
    """Return a framework's layers for a case, with the refusals that the built-in differences know of."""
    return framework.layers_for(case, known_refusals(framework, built_in()))


def load_registry(path: Path) -> tuple[Divergence, ...]:
    """The known differences of a user's file.

    Raises:
        RegistryError: unreadable, not valid, or with the name of a built-in entry.
    """
    return _load(str(path), path, taken=[each.name for each in built_in()])


def _load(name: str, path: Traversable | Path, taken: Collection[str] = ()) -> tuple[Divergence, ...]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RegistryError(f"{name}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise RegistryError(f"{name}: no valid TOML: {error}") from error
    tables = data.get("divergence")
    if set(data) != {"divergence"} or not isinstance(tables, list):
        raise RegistryError(f"{name}: it has keys {', '.join(data) or 'none'}: allowed is [[divergence]]")
    names = set(taken)
    found = []
    for number, table in enumerate(tables, 1):
        if not isinstance(table, dict):
            raise RegistryError(f"{name}: [[divergence]] {number}={table!r}: allowed is a table")
        where = f"{name}: [[divergence]] {number} ({table.get('name', 'no name')})"
        entry = _entry(where, table)
        if entry.name in names:
            raise RegistryError(f"{where}: key 'name'={entry.name!r} is given twice; allowed is once")
        names.add(entry.name)
        found.append(entry)
    return tuple(found)


def _entry(where: str, table: Mapping[str, Any]) -> Divergence:
    _check_keys(where, table, _REQUIRED, _OPTIONAL)
    for key in _TEXTS:
        if key in table and not (isinstance(table[key], str) and table[key].strip()):
            raise _wrong(where, key, table[key], "a text")
    if ("reference" in table) == ("found" in table):
        raise RegistryError(f"{where}: allowed is one of the keys 'reference' and 'found'")
    if not table.get("reference", "https://").startswith("https://"):
        raise _wrong(where, "reference", table["reference"], "an address that begins with https://")
    if "backend_version" in table and "backend" not in table:
        raise RegistryError(f"{where}: key 'backend_version': allowed beside a 'backend'")
    certain = table.get("certain", True)
    if not isinstance(certain, bool):
        raise _wrong(where, "certain", certain, "true or false")
    if "undecided" in table and table.get("certain"):
        raise _wrong(where, "certain", certain, "false beside 'undecided'")
    try:
        check_condition(table["case"])
    except ConditionError as error:
        raise RegistryError(f"{where}: {error}") from None
    spelling = _words(where, "spelling", table.get("spelling", ["native"]), get_args(Kind))
    seen = _seen(where, table["seen"])
    if "identical" in seen.relation and "lookalike" not in spelling:  # which is predicted of all others
        raise _wrong(f"{where}: in 'seen'", "relation", list(seen.relation), "what differs")
    return Divergence(
        name=table["name"],
        framework=table["framework"],
        version=_versions(where, "version", table),
        backend=table.get("backend"),
        backend_version=_versions(where, "backend_version", table),
        case=table["case"],
        machine=_machine(where, table.get("machine", {})),
        spelling=spelling,
        output=_words(where, "output", table.get("output", ["value"]), get_args(Output)),
        seen=seen,
        certain=certain and "undecided" not in table,
        undecided=table.get("undecided"),
        why=table["why"],
        source=table.get("reference") or table["found"],
        example=_example(where, table),
    )


def _check_keys(where: str, table: object, required: Collection[str], optional: Collection[str]) -> None:
    allowed = ", ".join((*required, *optional))
    if not isinstance(table, Mapping):
        raise RegistryError(f"{where}: {table!r}: allowed is a table with {allowed}")
    for key in table:
        if key not in required and key not in optional:
            raise RegistryError(f"{where}: key {key!r} is unknown; allowed are {allowed}")
    for key in required:
        if key not in table:
            raise RegistryError(f"{where}: key {key!r} is missing")


def _versions(where: str, key: str, table: Mapping[str, Any]) -> SpecifierSet:
    text = table.get(key, "")
    try:
        if isinstance(text, str):
            return SpecifierSet(text)
    except InvalidSpecifier:
        pass
    raise _wrong(where, key, text, "a version range such as '>=2.18,<2.22', or '' for any version")


def _machine(where: str, table: object) -> Machine:
    place = f"{where}: in 'machine'"
    _check_keys(place, table, (), ("architecture", "cpu", "without_cpu", "environment"))
    assert isinstance(table, Mapping)  # noqa: S101 - tells the type checker what the line above checked
    environment = table.get("environment", {})
    if not isinstance(environment, Mapping):
        raise _wrong(place, "environment", environment, "a table of variables and lists of their values")
    return Machine(
        _words(place, "architecture", table.get("architecture", [])),
        _words(place, "cpu", table.get("cpu", [])),
        _words(place, "without_cpu", table.get("without_cpu", [])),
        {name: _words(place, name, values) for name, values in environment.items()},
    )


def _seen(where: str, table: object) -> Seen:
    place = f"{where}: in 'seen'"
    _check_keys(place, table, ("status",), ("error", "relation"))
    assert isinstance(table, Mapping)  # noqa: S101 - tells the type checker what the line above checked
    (status,) = _words(place, "status", [table["status"]], get_args(Status))
    needed = {"ok": "relation", "rejected": "error"}.get(status)
    given = set(table) - {"status"}
    if given != ({needed} if needed else set()):
        raise _wrong(place, "status", status, f"beside it {needed or 'nothing'}")
    error, relation = (_words(place, key, table.get(key, [])) for key in ("error", "relation"))
    if needed and not table[needed]:
        raise _wrong(place, needed, table[needed], "a list of at least one")
    return Seen(status, error, relation)


def _words(where: str, key: str, words: object, allowed: Collection[str] | None = None) -> tuple[Any, ...]:
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise _wrong(where, key, words, "a list of texts")
    for word in words:
        if allowed is not None and word not in allowed:
            raise _wrong(where, key, word, f"one of {', '.join(allowed)}")
    return tuple(words)


def _example(where: str, table: Mapping[str, Any]) -> str:
    """The example's command: canonical, and of a case that the entry is about."""
    try:
        case = Case.from_command(table["example"])
    except (CaseError, GeometryError) as error:
        raise RegistryError(f"{where}: key 'example': {error}") from None
    if case.command != table["example"]:
        raise _wrong(where, "example", table["example"], f"its canonical form, {case.command}")
    if not meets(case, table["case"]):
        raise _wrong(where, "example", table["example"], "a case that meets the entry's own condition")
    return case.command


def _wrong(where: str, key: str, value: object, allowed: str) -> RegistryError:
    return RegistryError(f"{where}: key {key!r}={value!r}: allowed is {allowed}")
