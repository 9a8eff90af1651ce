"""A file that says which layer of one model is which of another, for editing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from convmm.geometry import shown
from parity.cases.decoding import MisfitError, decode
from parity.cases.toml import read_toml, title
from parity.frameworks.model import ModelError
from parity.models.comparison.pairing import Pairing
from parity.models.comparison.recording import Call
from parity.models.comparison.result import Comparison


class _Pair(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file: the layers' names, with the number of the call where there are several."""

    a: str
    b: str


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    """What the file holds."""

    pair: list[dict[str, object]]


@dataclass(frozen=True)
class Map:
    """Pairs of layers by their names.

    Attributes:
        path: of the file.
        pairs: the first model's name and the second's.
    """

    path: Path
    pairs: tuple[tuple[str, str], ...]


def read_map(path: Path) -> Map:
    """Read a map.

    Raises:
        ModelError: it cannot be read, or holds something else; the message names the table and the key.
    """
    name = str(path)
    tables = read_toml(name, path, ModelError).tables
    try:
        file = decode(tables, _File)
    except MisfitError as error:
        raise ModelError(f"{name}: {error}") from None
    pairs = []
    for number, table in enumerate(file.pair, 1):
        try:
            found = decode(table, _Pair)
        except MisfitError as error:
            raise ModelError(f"{name}: {title('pair', number, table)}: {error}") from None
        pairs.append((found.a, found.b))
    return Map(path, tuple(pairs))


def write_map(comparison: Comparison) -> str:
    """Write the pairs of a comparison as a map, with the layers that have no like as comments."""
    lines = [f"# a: {comparison.ours.name}", f"# b: {comparison.theirs.name}"]
    for which, side in (("a", comparison.ours), ("b", comparison.theirs)):
        lines += [f"# in no pair: {which} = {json.dumps(name)}" for name in side.alone]
    for found in comparison.findings:
        lines += ["", "[[pair]]", f"a = {json.dumps(found.ours)}", f"b = {json.dumps(found.theirs)}"]
    return "\n".join(lines) + "\n"


def pairs_of(wanted: Map, ours: Sequence[Call], theirs: Sequence[Call]) -> Pairing:
    """Return the pairs of calls that a map says, in the order of the first model.

    A name without a number stands for all calls of its layer, in order.

    Raises:
        ModelError: a name that no layer has or that is given twice, or a layer that is called more often than
            its like.
    """
    pairs: dict[int, int] = {}
    for a, b in wanted.pairs:
        mine, other = _calls(wanted, "a", a, ours), _calls(wanted, "b", b, theirs)
        if len(mine) != len(other):
            raise ModelError(
                f"{wanted.path}: a = {shown(a)} is called {len(mine)} times and b = {shown(b)} {len(other)}: "
                "allowed are as many calls of both, or one call of each, as in 'name (call 2)'"
            )
        if pairs.keys() & set(mine) or set(pairs.values()) & set(other):
            raise ModelError(f"{wanted.path}: a = {shown(a)}, b = {shown(b)}: one is in a pair already")
        pairs.update(zip(mine, other, strict=True))
    return Pairing(tuple(sorted(pairs.items())))


def _calls(wanted: Map, which: str, name: str, calls: Sequence[Call]) -> list[int]:
    found = [number for number, call in enumerate(calls) if name in {call.label, call.use.name}]
    if not found:
        known = ", ".join(dict.fromkeys(call.use.name for call in calls))
        raise ModelError(f"{wanted.path}: {which} = {shown(name)}: allowed are {known}")
    return found
