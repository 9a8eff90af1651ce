"""Files of known differences: TOML data, validated when loaded; divergences.toml describes the form."""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from dataclasses import replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from msgspec import Meta, Struct
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from convmm.geometry import GeometryError, shown
from parity.cases.case import Case, CaseError
from parity.cases.condition import ConditionError, check_condition, meets
from parity.cases.decoding import MisfitError, decode
from parity.cases.errors import InputError
from parity.cases.toml import read_toml, title
from parity.frameworks.attempt import describe
from parity.frameworks.interface import Framework
from parity.frameworks.known.divergences import Divergence, Seen, known_refusals
from parity.frameworks.known.machine import Machine
from parity.frameworks.padding_modes import layers_by_mode
from parity.frameworks.spelling import Kind, Mistaken, Spelling, Unsupported
from parity.records.result import Output

T = TypeVar("T")

Text = Annotated[str, Meta(pattern=r"\S", description="a text")]
Names = Annotated[
    Text | Annotated[tuple[Text, ...], Meta(min_length=1)], Meta(description="a name, or a list of names")
]
Address = Annotated[str, Meta(pattern="^https://", description="an address that begins with https://")]
Versions = Annotated[str, Meta(description="a version range such as '>=2.18,<2.22', or '' for any version")]


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a file of known differences holds."""

    divergence: Annotated[list[dict[str, Any]], Meta(description="tables, each written as [[divergence]]")]


class _Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A known difference as its file has it; divergences.toml says what each key means."""

    name: Text
    framework: Names
    version: Versions
    case: Any
    seen: Seen
    why: Text
    example: Text
    backend: Text | None = None
    backend_version: Versions | None = None
    reference: Address | None = None
    found: Text | None = None
    spelling: tuple[Kind, ...] = ("native",)
    variant: tuple[str, ...] = ()
    output: tuple[Output, ...] = ("value",)
    certain: bool | None = None
    undecided: Text | None = None
    since: Text | None = None
    machine: Machine = Machine()


class RegistryError(InputError):
    """A file of known differences that is not right; the message names the file, the entry and the key."""


@functools.cache
def built_in() -> tuple[Divergence, ...]:
    """Return the known differences that come with this package."""
    return _load("divergences.toml", files(__package__).joinpath("divergences.toml"))


def known_of(
    framework: str, version: str | None, backend: str | None, beside: Sequence[Divergence] = ()
) -> tuple[Divergence, ...]:
    """Return the known differences that a framework may have on this machine, the built-in ones first.

    Args:
        framework: its name, with its routes and its device.
        version: its own.
        backend: what computes for it, with its version.
        beside: known differences beside the built-in ones.
    """
    about = (framework, version, backend)
    own = _built_in_of(*about)
    return (*own, *(each for each in beside if each.concerns(*about))) if beside else own


@functools.cache
def _built_in_of(framework: str, version: str | None, backend: str | None) -> tuple[Divergence, ...]:
    return tuple(each for each in built_in() if each.concerns(framework, version, backend))


def layers_of(
    framework: Framework, case: Case, beside: Sequence[Divergence] = ()
) -> list[Spelling | Unsupported]:
    """Return a framework's layers for a case, with the refusals noted that known differences tell of.

    Args:
        framework: whose layers.
        case: what they are to compute.
        beside: known differences beside the built-in ones.

    Returns:
        One at least: where the framework's own code raises, or returns something else, :class:`Mistaken`.
    """
    try:
        known = known_of(framework.name, framework.version(), framework.backend(), beside)
        layers = list(layers_by_mode(framework, case, known_refusals(known)))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it is the framework's
        return [Mistaken(f"it cannot say its layers: {describe(error)}")]
    wrong = [each for each in layers if not _is_layer(each)]
    if layers and not wrong:
        return layers
    kinds = ", ".join(get_args(Kind))
    return [
        Mistaken(
            f"it says that its layers are {wrong or layers}: allowed are Spelling, of the kinds {kinds}, and "
            "Unsupported, one at least"
        )
    ]


def _is_layer(each: object) -> bool:
    return isinstance(each, Unsupported) or (isinstance(each, Spelling) and each.kind in get_args(Kind))


def load_registry(path: Path) -> tuple[Divergence, ...]:
    """Return the known differences of a user's file.

    Raises:
        RegistryError: unreadable, not valid, or with the name of a built-in entry.
    """
    return _load(str(path), path, taken=[each.name for each in built_in()], file=str(path))


def _load(
    name: str, path: Traversable | Path, taken: Collection[str] = (), file: str | None = None
) -> tuple[Divergence, ...]:
    document = read_toml(name, path, RegistryError)
    tables = _decode(name, document.tables, _File).divergence
    names = set(taken)
    found = []
    for number, table in enumerate(tables, 1):
        where = f"{name}: {title('divergence', number, table)}"
        entry = _divergence(where, _decode(where, table, _Entry))
        if file is not None:
            entry = replace(entry, file=file, digest=document.digest)
        if entry.name in names:
            raise RegistryError(f"{where}: key 'name'={shown(entry.name)} is given twice; allowed is once")
        names.add(entry.name)
        found.append(entry)
    return tuple(found)


def _decode(where: str, data: object, kind: type[T]) -> T:
    try:
        return decode(data, kind)
    except MisfitError as error:
        raise RegistryError(f"{where}: {error}") from None


def _divergence(where: str, entry: _Entry) -> Divergence:
    """Check what the keys of an entry have to be beside each other, and make the difference of them."""
    source = entry.reference or entry.found
    if source is None or (entry.reference and entry.found):
        raise RegistryError(f"{where}: allowed is one of the keys 'reference' and 'found'")
    if entry.backend_version is not None and entry.backend is None:
        raise RegistryError(f"{where}: key 'backend_version': allowed beside a 'backend'")
    if entry.undecided and entry.certain:
        raise _wrong(where, "certain", entry.certain, "false beside 'undecided'")
    try:
        check_condition(entry.case)
    except ConditionError as error:
        raise RegistryError(f"{where}: {error}") from None
    _check_seen(f"{where}: in 'seen'", entry)
    return Divergence(
        name=entry.name,
        frameworks=(entry.framework,) if isinstance(entry.framework, str) else entry.framework,
        version=_versions(where, "version", entry.version),
        backend=entry.backend,
        backend_version=_versions(where, "backend_version", entry.backend_version or ""),
        case=entry.case,
        machine=entry.machine,
        spelling=entry.spelling,
        variant=entry.variant,
        output=entry.output,
        seen=entry.seen,
        certain=entry.certain is not False and entry.undecided is None,
        undecided=entry.undecided,
        since=entry.since,
        why=entry.why,
        source=source,
        example=_example(where, entry),
    )


def _versions(where: str, key: str, text: str) -> SpecifierSet:
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        raise _wrong(
            where, key, text, "a version range such as '>=2.18,<2.22', or '' for any version"
        ) from None


def _check_seen(where: str, entry: _Entry) -> None:
    """Accept a status with what it needs beside it, and nothing that its framework's rules predict anyway."""
    seen = entry.seen
    needed = {"ok": "relation", "rejected": "error"}.get(seen.status)
    given = {key for key in ("error", "relation") if getattr(seen, key)}
    if given != ({needed} if needed else set()):
        raise _wrong(where, "status", seen.status, f"beside it {needed or 'nothing'}")
    if "identical" in seen.relation and "lookalike" not in entry.spelling:  # which is predicted of all others
        raise _wrong(where, "relation", list(seen.relation), "what differs")


def _example(where: str, entry: _Entry) -> str:
    """Return the example's command: canonical, and of a case that the entry is about."""
    try:
        case = Case.from_command(entry.example)
    except (CaseError, GeometryError) as error:
        raise RegistryError(f"{where}: key 'example': {error}") from None
    if case.command != entry.example:
        raise _wrong(where, "example", entry.example, f"its canonical form, {case.command}")
    if not meets(case, entry.case):
        raise _wrong(where, "example", entry.example, "a case that meets the entry's own condition")
    return case.command


def _wrong(where: str, key: str, value: object, allowed: str) -> RegistryError:
    return RegistryError(f"{where}: key {shown(key)}={shown(value)}: allowed is {allowed}")
