"""Cases of fewer axes, for what hypothesis cannot leave out: an axis before the one that matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from parity.case import Case

T = TypeVar("T")

_OF_AXES = ("kernel", "stride", "dilation", "output_padding", "padding")


def drop_axes(case: Case, shows: Callable[[Case], bool]) -> None:
    """Ask of the case without one of its axes, and go on from the first for which the answer is yes."""
    for smaller in without_an_axis(case):
        if shows(smaller):
            return drop_axes(smaller, shows)
    return None


def without_an_axis(case: Case) -> Iterator[Case]:
    """The case without each of its axes in turn; none of a case of one axis."""
    for axis in range(case.rank if case.rank > 1 else 0):
        fields = {name: getattr(case, name) for name in _OF_AXES}
        yield Case.from_dict(
            {
                **case.to_dict(),
                **{name: _without(value, axis) for name, value in fields.items() if isinstance(value, tuple)},
                "op": f"{case.op[:-2]}{case.rank - 1}d",
                "input": (*case.input[:2], *_without(case.input[2:], axis)),
            }
        )


def _without(values: Sequence[T], axis: int) -> tuple[T, ...]:
    return (*values[:axis], *values[axis + 1 :])
