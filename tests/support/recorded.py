"""Sweeps that were recorded for the tests, as JSON values to edit."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from parity.cases.case import Case
from parity.cases.suites import Suite, SuiteCase
from parity.frameworks.table import find_framework
from parity.frameworks.task import here
from parity.records.header import Header
from parity.records.result import Record
from parity.sweep import header, sweep

Json = dict[str, Any]

CASES = (
    Case("conv2d", (1, 2, 5, 5), 2, 3),
    Case("conv2d", (1, 2, 6, 6), 2, 3, stride=2, padding="same"),
    Case("conv1d", (2, 2, 6), 3, 3, bias=True, values="normal"),
    Case("conv_transpose2d", (1, 2, 3, 3), 1, 3, stride=2, padding="same"),
    Case("conv_transpose1d", (1, 2, 4), 2, 3, padding=((0, 1),)),
    Case("conv_transpose1d", (1, 1, 3), 1, 2, stride=2, output_padding=1),
)


def recorded() -> list[Json]:
    """A real sweep of NumPy and PyTorch, the header first: two suites, with gradients; a copy to edit."""
    return copy.deepcopy(_recorded())


@cache
def _recorded() -> list[Json]:
    named = tuple(SuiteCase(f"layer-{number}", case) for number, case in enumerate(CASES, 1))
    suites = [Suite("first", "Convolutions.", named[:3]), Suite("second", "Transposed ones.", named[3:])]
    adapters = [find_framework("numpy"), find_framework("torch")]
    cases = [(suite, case) for suite in suites for case in suite.cases]
    switches = [{"threads": 1}, {"threads": 1}]
    lines = [header(suites, adapters, switches), *sweep(cases, adapters, here, ahead=0, grad=True)]
    found: list[Json] = msgspec.to_builtins(lines)
    return json.loads(json.dumps(found))  # type: ignore[no-any-return] # lists, where they have tuples


def typed(lines: list[Json]) -> tuple[Header, list[Record]]:
    """The lines as they are read."""
    header, *records = lines
    return msgspec.convert(header, Header), [msgspec.convert(record, Record) for record in records]


def write(path: Path, lines: list[Json]) -> Path:
    """A file of these lines."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path
