"""A record as a table in a Parquet file: one row a result, with the case that it is of beside it."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import inspect

from parity.cases.errors import InputError
from parity.cases.files import replacing
from parity.cases.op import Op
from parity.records.header import Header
from parity.records.reader import Records, read_records
from parity.records.result import Record, Result

if TYPE_CHECKING:
    import pyarrow as pa

HEADER = "convparity"
"""The key of the file's metadata under which the record's header stands, as JSON."""

_AT_ONCE = 4000
"""Records whose rows are written together: a group of rows of the file."""

_OF_A_RECORD = ("suite", "name", "command", "verdict", "expected", "own_arrays")

_OF_A_CASE = {
    "op": str,
    "input": list[int],
    "filters": int,
    "kernel": list[int],
    "stride": list[int],
    "padding": list[list[int]],
    "padding_name": str,
    "padding_mode": str,
    "output_padding": list[int],
    "dilation": list[int],
    "groups": int,
    "bias": bool,
    "dtype": str,
    "values": str,
    "seed": int,
}
"""The columns of a case's fields; what is one number for all axes has it for each."""


class ExportError(InputError):
    """A table that cannot be written; the message names its file."""


class Exported(NamedTuple):
    """What was written.

    Attributes:
        rows: results.
        records: cases that they are of, and those that have none.
        torn: as of :class:`parity.records.reader.Records`.
    """

    rows: int
    records: int
    torn: str | None


def export(file: Path, out: Path) -> Exported:
    """Write a record's table, whole or not at all; a file that is there is replaced.

    The columns are the fields of the record, of its case and of the result, "reference_shape" and
    "padding_name" ("same", "valid"; then "padding" is null, else it has a (before, after) pair an axis). The
    header stands in the file's metadata, under :data:`HEADER`. Pairs are left out: they are of two results.

    Args:
        file: a record.
        out: the table's file, which ends in ".parquet".

    Raises:
        ExportError: it has another name, cannot be written there, or pyarrow is not installed; or a number of
            the record needs more than 64 bits.
        RecordError: the record cannot be read, or is none.
    """
    if out.suffix.lower() != ".parquet":
        raise ExportError(f"{out}: allowed is a name that ends with .parquet")
    if find_spec("pyarrow") is None:
        raise ExportError("export: needs pyarrow, which is not installed: pip install 'convparity[export]'")
    header, records = read_records(file)
    try:
        with replacing(out, file) as target:
            return _write(target, header, records)
    except OSError as error:
        raise ExportError(f"{out} cannot be written: {error.strerror or error}") from error


def _write(target: Any, header: Header, records: Records) -> Exported:  # noqa: ANN401 - a file to write to
    import pyarrow as pa  # noqa: PLC0415 - it takes long, and is not everybody's
    from pyarrow import parquet  # noqa: PLC0415

    about, results = _schemas()
    schema = pa.schema([*about, *results], metadata={HEADER: msgspec.json.encode(header)})
    rows = cases = 0
    with parquet.ParquetWriter(target, schema, compression="zstd") as writer:
        for some in _batches(records, _AT_ONCE):
            told = map(_told, itertools.chain.from_iterable(each.results for each in some))
            numbers = [number for number, each in enumerate(some) for _ in each.results]
            try:
                of_cases = pa.RecordBatch.from_pylist(list(map(_about, some)), about)
                of_results = pa.RecordBatch.from_arrays(_columns(told, results), schema=results)
            except (pa.ArrowInvalid, OverflowError) as error:
                raise ExportError(f"{records.path}: no table has what is in it: {error}") from error
            repeated = of_cases.take(pa.array(numbers, pa.int64()))
            columns = [*repeated.columns, *of_results.columns]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
            rows, cases = rows + len(numbers), cases + len(some)
    return Exported(rows, cases, records.torn)


def _columns(rows: Iterable[tuple[object, ...]], schema: pa.Schema) -> list[pa.Array]:
    import pyarrow as pa  # noqa: PLC0415 - as above

    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]


def _batches(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    waiting = iter(records)
    while some := list(itertools.islice(waiting, size)):
        yield some


def _schemas() -> tuple[pa.Schema, pa.Schema]:
    """Return the columns of a record with its case, and those of a result."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    fields = {field.name: field.type for field in _fields(Record)}
    about = {
        **{name: _type(fields[name]) for name in _OF_A_RECORD},
        "reference_shape": _type(inspect.type_info(list[int])),
        **{name: _type(inspect.type_info(kind)) for name, kind in _OF_A_CASE.items()},
    }
    results = [(field.name, _type(field.type)) for field in _fields(Result)]
    return pa.schema(list(about.items())), pa.schema(results)


def _fields(kind: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    found = inspect.type_info(kind)
    return found.fields if isinstance(found, inspect.StructType) else ()


def _type(kind: inspect.Type) -> pa.DataType:
    """Return the type of a column for a type that a line is decoded to; any of them may be null."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    match kind:
        case inspect.UnionType(types):
            [known] = [each for each in types if not isinstance(each, inspect.NoneType | inspect.CustomType)]
            return _type(known)
        case inspect.ListType(item) | inspect.VarTupleType(item):
            return pa.list_(_type(item))
        case inspect.DictType(key, value):
            return pa.map_(_type(key), _type(value))
        case inspect.StructType():
            return pa.struct([(field.name, _type(field.type)) for field in kind.fields])
        case _:
            return pa.type_for_alias(_SINGLE.get(type(kind), "string"))


_SINGLE = {inspect.BoolType: "bool", inspect.IntType: "int64", inspect.FloatType: "double"}
"""pyarrow's names of types of one value; of all others the text is kept."""


def _about(record: Record) -> dict[str, object]:
    """Return what all rows of a record say."""
    return {
        **{name: _value(getattr(record, name)) for name in _OF_A_RECORD},
        "reference_shape": None if record.reference is None else record.reference.shape,
        **_case(record.case),
    }


def _told(result: Result) -> tuple[object, ...]:
    """Return what the row of a result says beside that."""
    return tuple(each if type(each) in _AS_IT_IS else _value(each) for each in _FIELDS(result))


_FIELDS = operator.attrgetter(*Result.__struct_fields__)
_AS_IT_IS = {str, bool, int, float, tuple, type(None)}


def _value(value: object) -> object:
    """Return a field as pyarrow takes it."""
    if value is msgspec.UNSET:
        return None
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, msgspec.Struct):
        return {name: _value(getattr(value, name)) for name in value.__struct_fields__}
    return value


def _case(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return a case's fields as columns."""
    rank = Op.of(case["op"]).rank
    found = {name: case.get(name) for name in _OF_A_CASE}
    for name in ("kernel", "stride", "dilation", "output_padding"):
        found[name] = _by_axis(found[name], rank)
    padding = found["padding"]
    found["padding_name"] = padding if isinstance(padding, str) else None
    found["padding"] = None if isinstance(padding, str) else _pairs(padding, rank)
    found["padding_mode"] = found["padding_mode"] or "zeros"
    return found


def _by_axis(value: Any, rank: int) -> Any:  # noqa: ANN401 - a number, or one an axis, or none
    return [value] * rank if isinstance(value, int) else value


def _pairs(padding: Any, rank: int) -> Any:  # noqa: ANN401 - the same
    return padding and [[each, each] if isinstance(each, int) else each for each in _by_axis(padding, rank)]
