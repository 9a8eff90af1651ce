"""The cases of a record as a page's script reads them: an index, and chunks of what is shown of one case."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from typing import Any

import msgspec

from parity.cases.case import Case
from parity.cases.printable import printable
from parity.page.atlas import Place, placed
from parity.records.result import Record, Result

CHUNK = 200
"""Cases whose details are unpacked at once."""


class Table:
    """Values by number, each once.

    Attributes:
        values: in the order of their numbers.
    """

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def number(self, value: Any) -> int:  # noqa: ANN401 - whatever can be a key
        """Return the number of a value, a new one at the first time."""
        if value not in self._numbers:
            self._numbers[value] = len(self.values)
            self.values.append(value)
        return self._numbers[value]


class Cases:
    """The cases of a page, added one by one.

    Their index has what the list shows and what it is filtered by, a list for each column; the details have
    the layers, the windows and the errors. Both are JSON, packed by gzip and written in base64.
    """

    def __init__(self) -> None:
        self._texts, self._contestants, self._rows = Table(), Table(), Table()
        self._columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        self._details: list[dict[str, Any]] = []
        self._chunks: list[str] = []

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._columns["command"])

    def add(self, record: Record, case: Case | None) -> None:
        """Add a record, with its case as :func:`parity.page.atlas.readable` gives it."""
        suite, name = record.place
        ratios = [each.bound_ratio for each in record.results if each.bound_ratio is not None]
        places = list(placed(record, case))
        row = {
            "command": printable(record.command),
            "name": printable(name),
            "suite": self._texts.number(printable(suite)),
            "op": self._texts.number(record.op),
            "verdict": self._texts.number("unexplained" if record.unmet else record.verdict),
            "dtype": self._texts.number(printable(str(record.case.get("dtype", "")))),
            "ratio": max(ratios, default=None),
            "row": self._rows.number(places[0][0][1]) if places else None,
            "results": [[self._contestants.number(who), outcome] for (_, _, who), outcome in places],
        }
        for column, value in row.items():
            self._columns[column].append(value)
        self._details.append(_details(record, case))
        if len(self._details) == CHUNK:
            self._pack()

    def cell(self, place: Place) -> str:
        """Return the name of a cell of the atlas, as the script looks for it."""
        op, row, contestant = place
        numbers = (self._texts.number(op), self._rows.number(row), self._contestants.number(contestant))
        return "-".join(map(str, numbers))

    def packed(self) -> tuple[str, list[str]]:
        """Return the index and the chunks of details; nothing is to be added any more."""
        if self._details:
            self._pack()
        index = {
            **self._columns,
            "texts": self._texts.values,
            "contestants": [list(map(printable, each)) for each in self._contestants.values],
            "rows": [list(filter(None, each)) for each in self._rows.values],
            "chunk": CHUNK,
        }
        return _packed(index), self._chunks

    def _pack(self) -> None:
        self._chunks.append(_packed(self._details))
        self._details = []


_COLUMNS = ("command", "name", "suite", "op", "verdict", "dtype", "ratio", "row", "results")


def _details(record: Record, case: Case | None) -> dict[str, Any]:
    return {
        "transposed": case is not None and case.transposed,
        "axes": [] if case is None else [_axis(axis) for axis in case.geometry.axes],
        "reference": None if record.reference is None else record.reference.shape,
        "expected": record.unmet,
        "results": [_result(each) for each in record.results],
    }


def _axis(axis: Any) -> dict[str, int]:  # noqa: ANN401 - of convmm.geometry
    return {
        "fine": axis.fine,
        "coarse": axis.coarse,
        "kernel": axis.kernel,
        "stride": axis.stride,
        "dilation": axis.dilation,
        "before": axis.before,
    }


_SHOWN = ("layer", "error", "reason", "relation", "predicted", "status", "divergence", "printed")


def _result(result: Result) -> Mapping[str, Any]:
    """Return what is shown of a result, without what it does not say."""
    said: dict[str, Any] = {name: printable(value) for name in _SHOWN if (value := getattr(result, name))}
    numbers = {
        "label": printable(result.label),
        "version": printable(", ".join(filter(None, (result.version, result.backend)))),
        "shape": result.shape,
        "offset": result.offset,
        "error_size": result.max_abs_error,
        "ratio": result.bound_ratio,
        "exact": result.exact,
        "allclose": result.allclose,
        "explained": result.explained,
        "warnings": list(map(printable, result.warnings)),
        "notes": list(map(printable, result.notes)),
        "errors": None if result.errors is msgspec.UNSET else msgspec.to_builtins(result.errors),
    }
    return said | {name: value for name, value in numbers.items() if value not in (None, "", [], ())}


def _packed(value: object) -> str:
    return base64.b64encode(gzip.compress(msgspec.json.encode(value), 6, mtime=0)).decode("ascii")
