"""Named sets of cases: TOML data, validated when loaded.

A file holds tables ``[[case]]`` with a case each, and tables ``[[product]]`` in which every key has a list of
alternatives: their product, less the combinations that are no convolution; its ``bias`` may be "alternating",
true in every other one. It may have a ``description``, and
so may a table; and a table what its cases have to come to: their ``output``, the sizes, and ``expected``, the
verdict.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

from convmm.geometry import GeometryError, shown
from parity.cases.case import Case, CaseError
from parity.cases.decoding import MisfitError, decode
from parity.cases.errors import InputError
from parity.cases.toml import read_toml, title
from parity.cases.verdict import Verdict

BUILT_IN = ("article", "zoo", "threads", "exports", "grid", "onnx", "padding_modes")
DEFAULT = ("article", "zoo")
MOST_COMBINATIONS = 1_000_000
"""Of a suite's products: each is tried, whether or not it is a convolution."""

KNOWN = "known"
"""The suite that is made of the registry of known differences, and stands in no file."""

T = TypeVar("T")

Ints = Annotated[list[int], Meta(min_length=1, description="a list of ints")]
Paddings = (
    int
    | Literal["valid", "same"]
    | Annotated[list[int | Ints], Meta(min_length=1, description="a list of ints, or of pairs of ints")]
)
Tables = list[dict[str, Any]]

_INTS = Annotated[list[int], Meta(min_length=1, description="a list of alternatives, each an int")]
_INTS_OR_LISTS = Annotated[
    list[int | Ints],
    Meta(min_length=1, description="a list of alternatives, each an int or a list of ints"),
]
_WORDS = Annotated[list[str], Meta(min_length=1, description="a list of alternatives, each a text")]


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a suite's file holds."""

    description: str = ""
    case: Annotated[Tables, Meta(description="tables, each written as [[case]]")] = []
    product: Annotated[Tables, Meta(description="tables, each written as [[product]]")] = []


class _Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What tables of both kinds hold beside what makes the case, or the cases."""

    name: str
    source: str | None = None
    note: str | None = None
    description: str | None = None
    output: list[int] | None = None
    expected: Verdict | None = None

    def asked(self, written: Iterable[str]) -> dict[str, Any]:
        """Return what makes the case or the cases, in the order that its keys are written in."""
        return {key: getattr(self, key) for key in written if key not in _Table.__struct_fields__}


class _CaseTable(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A case, of the types that its numbers may have; what they may be, the case itself checks."""

    op: str
    input: Ints
    filters: int
    kernel: int | Ints
    stride: int | Ints | UnsetType = UNSET
    padding: Paddings | UnsetType = UNSET
    output_padding: int | Ints | UnsetType = UNSET
    dilation: int | Ints | UnsetType = UNSET
    groups: int | UnsetType = UNSET
    bias: bool | UnsetType = UNSET
    dtype: str | UnsetType = UNSET
    values: str | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    padding_mode: str | UnsetType = UNSET


class _ProductTable(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Alternatives, of the types that some combination could make a case of."""

    op: _WORDS
    input: Annotated[
        list[Ints], Meta(min_length=1, description="a list of alternatives, each a list of ints")
    ]
    filters: _INTS
    kernel: _INTS_OR_LISTS
    stride: _INTS_OR_LISTS | UnsetType = UNSET
    padding: (
        Annotated[
            list[Paddings],
            Meta(
                min_length=1,
                description="a list of alternatives, each an int, a list of ints or pairs, 'valid' or 'same'",
            ),
        ]
        | UnsetType
    ) = UNSET
    output_padding: (
        Annotated[
            list[int | Ints | Literal["none"]],
            Meta(min_length=1, description="a list of alternatives, each an int, a list of ints or 'none'"),
        ]
        | UnsetType
    ) = UNSET
    dilation: _INTS_OR_LISTS | UnsetType = UNSET
    groups: _INTS | UnsetType = UNSET
    bias: (
        Annotated[list[bool], Meta(min_length=1, description="a list of alternatives, each true or false")]
        | Annotated[Literal["alternating"], Meta(description="the word 'alternating'")]
        | UnsetType
    ) = UNSET
    dtype: _WORDS | UnsetType = UNSET
    values: _WORDS | UnsetType = UNSET
    seed: _INTS | UnsetType = UNSET
    padding_mode: _WORDS | UnsetType = UNSET


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
        description: what it is.
        expected: the verdict it has to have, among whatever is compared.
    """

    name: str
    case: Case
    source: str | None = None
    note: str | None = None
    description: str | None = None
    expected: Verdict | None = None


@dataclass(frozen=True)
class Suite:
    """A named list of cases."""

    name: str
    description: str
    cases: tuple[SuiteCase, ...]


def load_suite(name: str) -> Suite:
    """Return the built-in suite of this name, or the one in the TOML file of this path.

    Raises:
        SuiteError: no such suite, unreadable, or not valid.
    """
    path = _find(name)
    file = _decode(name, read_toml(name, path, SuiteError).tables, _File)
    cases = [*_cases(name, file.case), *_products(name, file.product)]
    if not cases:
        raise SuiteError(f"{name}: it has no [[case]] and no [[product]] with a valid combination")
    _check_names(name, cases)
    return Suite(Path(name).stem, file.description, tuple(cases))


def _find(name: str) -> Traversable | Path:
    if name in BUILT_IN:
        return files(__package__).joinpath(f"{name}.toml")
    path = Path(name)
    if not os.path.isfile(path):  # noqa: PTH113 - of a name that no file can have, it raises nothing
        names = ", ".join((*BUILT_IN, KNOWN))
        raise SuiteError(f"suite {shown(name)}: allowed are {names}, or the path of a TOML file")
    return path


def _decode(where: str, data: object, kind: type[T]) -> T:
    try:
        return decode(data, kind)
    except MisfitError as error:
        raise SuiteError(f"{where}: {error}") from None


def _cases(suite: str, tables: Tables) -> Iterator[SuiteCase]:
    for number, data in enumerate(tables, 1):
        where = f"{suite}: {title('case', number, data)}"
        table = _decode(where, data, _CaseTable)
        yield _suite_case(where, table, table.name, _case(where, table.asked(data)))


def _products(suite: str, tables: Tables) -> Iterator[SuiteCase]:
    total = 0
    for number, data in enumerate(tables, 1):
        where = f"{suite}: {title('product', number, data)}"
        table = _decode(where, data, _ProductTable)
        alternatives = table.asked(data)  # whose order the cases are numbered in
        with_bias = table.bias == "alternating"
        if with_bias:
            del alternatives["bias"]
        total += math.prod(map(len, alternatives.values()))
        if total > MOST_COMBINATIONS:
            raise SuiteError(
                f"{where}: there are {total} combinations up to here: allowed are "
                f"{MOST_COMBINATIONS} in a suite"
            )
        combinations = _combinations(alternatives, with_bias=with_bias)
        cases = list(dict.fromkeys(_valid_cases(where, combinations)))
        if not cases:
            raise SuiteError(f"{where}: no combination of its alternatives is a convolution")
        yield from (_suite_case(where, table, f"{table.name}-{i}", case) for i, case in enumerate(cases, 1))


def _combinations(alternatives: dict[str, list[Any]], *, with_bias: bool) -> Iterator[dict[str, Any]]:
    """Yield one combination after another; with a bias in every other one, like the fields of a chessboard.

    Two that differ in one alternative by one place differ in the bias as well, so that it goes with none.
    """
    for numbered in itertools.product(*map(enumerate, alternatives.values())):
        chosen = {name: value for name, (_, value) in zip(alternatives, numbered, strict=True)}
        if with_bias:
            chosen["bias"] = sum(place for place, _ in numbered) % 2 == 1
        yield chosen


def _suite_case(where: str, table: _Table, name: str, case: Case) -> SuiteCase:
    if table.output is not None and tuple(table.output) != case.output_shape:
        raise SuiteError(
            f"{where}: key 'output' is {shown(table.output)}, and the case gives {list(case.output_shape)}"
        )
    return SuiteCase(name, case, table.source, table.note, table.description, table.expected)


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
            raise SuiteError(f"{suite}: the name {shown(each.name)} is given twice; allowed is once")
        seen.add(each.name)
