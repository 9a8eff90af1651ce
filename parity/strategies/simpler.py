"""Simpler cases than a given one: what is left to try when hypothesis has shrunk the choices it was drawn by.

A shorter list of choices need not be a simpler case, nor can a choice be left out in the middle of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from convmm.geometry import GeometryError
from parity.cases.case import VALUES, ZEROS, Case, CaseError

T = TypeVar("T")
Change = Mapping[str, Any]

_OF_AXES = ("kernel", "stride", "dilation", "output_padding", "padding")


def simplify(case: Case, shows: Callable[[Case], bool]) -> Case:
    """Go from a case to the first simpler one that shows the same, as long as there is one."""
    while True:
        found = next(filter(shows, simpler(case)), None)
        if found is None:
            return case
        case = found


def simpler(case: Case) -> Iterator[Case]:
    """Yield the cases that are simpler in one respect and the same in all others, fewer axes first."""
    for change in _changes(case):
        try:
            yield Case.from_dict({**case.to_dict(), **change})
        except (CaseError, GeometryError):
            continue


def _changes(case: Case) -> Iterator[Change]:
    yield from _fewer_axes(case)
    simplest_of = {"groups": 1, "bias": False, "seed": 0, "output_padding": None, "padding_mode": ZEROS}
    for name, simplest in simplest_of.items():
        if getattr(case, name) != simplest:
            yield {name: simplest}
    yield from ({"values": values} for values in VALUES[: VALUES.index(case.values)])
    yield from _padding(case)
    for place, size in enumerate(case.input):
        least = case.groups if place == 1 else 1
        yield from ({"input": _with(case.input, place, less)} for less in _fewer(size, least))
    yield from ({"filters": less} for less in _fewer(case.filters, case.groups))
    for name in ("kernel", "stride", "dilation", "output_padding"):
        numbers = getattr(case, name) or ()
        for place, number in enumerate(numbers):
            least = 0 if name == "output_padding" else 1
            yield from ({name: _with(numbers, place, less)} for less in _less(number, least))


def _fewer_axes(case: Case) -> Iterator[Change]:
    """Yield the case without each of its axes in turn."""
    for axis in range(case.rank if case.rank > 1 else 0):
        fields = {name: getattr(case, name) for name in _OF_AXES}
        yield {
            **{name: _without(value, axis) for name, value in fields.items() if isinstance(value, tuple)},
            "op": f"{case.op[:-2]}{case.rank - 1}d",
            "input": (*case.input[:2], *_without(case.input[2:], axis)),
        }


def _padding(case: Case) -> Iterator[Change]:
    """Yield no padding, or explicit padding that is less in one place."""
    if isinstance(case.padding, str):
        yield {"padding": 0}
        return
    for axis, pair in enumerate(case.padding):
        for side, number in enumerate(pair):
            for less in _less(number, 0):
                yield {"padding": _with(case.padding, axis, _with(pair, side, less))}


def _fewer(size: int, least: int) -> list[int]:
    """Return smaller sizes, the smallest first; of 0, where nothing is computed, the least that is not."""
    return _less(size, least) if size else [least]


def _less(number: int, least: int) -> list[int]:
    """Return smaller numbers, the smallest first."""
    return sorted({least, number // 2, number - 1, number - least} & set(range(least, number)))


def _with(values: Sequence[T], place: int, value: T) -> tuple[T, ...]:
    return (*values[:place], value, *values[place + 1 :])


def _without(values: Sequence[T], place: int) -> tuple[T, ...]:
    return (*values[:place], *values[place + 1 :])
