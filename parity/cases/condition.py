"""Conditions on a case, as data: which values some of its quantities may have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from convmm.geometry import Axis, shown
from parity.cases.case import DTYPES, PADDING_MODES, VALUES, ZEROS, Case
from parity.cases.errors import InputError
from parity.cases.op import OPS

Condition = Mapping[str, Any]
"""Quantity by what is allowed: a value, a list of values, or a range ``{min, max, even}`` of ints.

An axis's quantity may also be allowed to be one of a case's counts, by its name: ``{"output": "filters"}``.
Beside the quantities of a case stand ``any_axis``, a condition on the quantities of an axis that at least one
spatial axis meets, ``all_axes``, one that all of them meet, and ``last_axes``, a list of such conditions that
the last axes meet, in order.
"""

_WORDS: dict[str, Sequence[str]] = {
    "op": OPS,
    "dtype": DTYPES,
    "values": VALUES,
    "padding": ("valid", "same", "explicit"),
    "padding_mode": PADDING_MODES,
}
_FLAGS = ("bias", "empty", "idle")
_COUNTS = ("batch", "channels", "filters", "groups", "group_channels", "group_filters")
_OF_AN_AXIS = (
    "size",
    "output",
    "kernel",
    "extent",
    "stride",
    "dilation",
    "output_padding",
    "before",
    "after",
    "both",
    "idle",
)
_OF_AXES = ("any_axis", "all_axes", "last_axes")
_RANGE = {"min": int, "max": int, "even": bool}


class ConditionError(InputError):
    """A condition that can be on no case: the message names the key, its value and what is allowed."""


def check_condition(condition: object) -> None:
    """Accept what :func:`meets` understands.

    Raises:
        ConditionError: no table, an empty one, an unknown key, or a value that its quantity never has.
    """
    known = (*_WORDS, *_FLAGS, *_COUNTS, *_OF_AXES)
    for key, allowed in _table("case", condition, known).items():
        if key in {"any_axis", "all_axes"}:
            _check_axis(key, allowed)
        elif key == "last_axes":
            if not isinstance(allowed, list) or not allowed:
                raise ConditionError(
                    f"key 'last_axes'={shown(allowed)}: allowed is a list of tables, one an axis"
                )
            for axis in allowed:
                _check_axis(key, axis)
        else:
            _check_allowed(key, allowed)


def meets(case: Case, condition: Condition) -> bool:
    """Return whether every quantity that the condition names has an allowed value."""
    if not all(
        _allows(allowed, _OF_A_CASE[key](case)) for key, allowed in condition.items() if key in _OF_A_CASE
    ):
        return False
    if not any(key in condition for key in _OF_AXES):
        return True
    of_axes = axis_quantities(case)
    axis_meets = partial(_axis_meets, case)
    last = condition.get("last_axes", [])
    return (
        ("any_axis" not in condition or any(axis_meets(axis, condition["any_axis"]) for axis in of_axes))
        and ("all_axes" not in condition or all(axis_meets(axis, condition["all_axes"]) for axis in of_axes))
        and len(last) <= len(of_axes)
        and all(map(axis_meets, of_axes[len(of_axes) - len(last) :], last))
    )


_OF_A_CASE: Mapping[str, Callable[[Case], object]] = {
    "op": lambda case: case.op,
    "dtype": lambda case: case.dtype,
    "values": lambda case: case.values,
    "padding": lambda case: case.padding if isinstance(case.padding, str) else "explicit",
    "padding_mode": lambda case: case.padding_mode,
    "bias": lambda case: case.bias,
    "empty": lambda case: 0 in case.output_shape,
    "batch": lambda case: case.input[0],
    "channels": lambda case: case.input[1],
    "filters": lambda case: case.filters,
    "groups": lambda case: case.groups,
    "group_channels": lambda case: case.input[1] // case.groups,
    "group_filters": lambda case: case.filters // case.groups,
}


def quantities(case: Case) -> dict[str, object]:
    """Return what a condition may name of a case, but for its axes."""
    return {name: quantity(case) for name, quantity in _OF_A_CASE.items()}


def axis_quantities(case: Case) -> list[dict[str, int | bool | None]]:
    """Return what a condition may name of each spatial axis of a case."""
    added = case.output_padding or (None,) * case.rank
    return [
        {
            "size": axis.coarse if case.transposed else axis.fine,
            "output": axis.fine if case.transposed else axis.coarse,
            "kernel": axis.kernel,
            "extent": axis.extent,
            "stride": axis.stride,
            "dilation": axis.dilation,
            "output_padding": q,
            "before": axis.before,
            "after": axis.after,
            "both": axis.before + axis.after,
            "idle": case.filled_with == ZEROS and _is_idle(axis),
        }
        for axis, q in zip(case.geometry.axes, added, strict=True)
    ]


def _axis_meets(case: Case, axis: Mapping[str, int | bool | None], condition: Condition) -> bool:
    return all(
        _allows(_OF_A_CASE[allowed](case) if isinstance(allowed, str) else allowed, axis[key])
        for key, allowed in condition.items()
    )


def _is_idle(axis: Axis) -> bool:
    """Return whether no tap of the kernel ever meets an element, so that nothing but zeros are added up."""
    return _reads_before(axis, axis.before + axis.fine) == _reads_before(axis, axis.before)


def _reads_before(axis: Axis, end: int) -> int:
    """Count the pairs of a place and a tap that meet before ``end``, an element of the full response.

    Tap i of place t meets element ``t * stride + i * dilation``. Of the taps that meet one before ``end`` at
    all, the first ones do so at every place, and the others at as many as a floor says.
    """
    taps = min(axis.kernel, max(-(-end // axis.dilation), 0))
    everywhere = min(max((end - 1 - (axis.coarse - 1) * axis.stride) // axis.dilation + 1, 0), taps)
    if not axis.coarse:
        return 0
    others = taps - everywhere
    # counted from the last one: floor((end - 1 - i * dilation) / stride) + 1 places each
    last = end - 1 - (taps - 1) * axis.dilation
    return everywhere * axis.coarse + others + _floor_sum(others, axis.stride, axis.dilation, last)


def _floor_sum(count: int, divisor: int, step: int, start: int) -> int:
    """Return the sum of ``(start + i * step) // divisor`` for i from 0 to count - 1, as Euclid's algorithm.

    All of them at least 0. It takes as many steps as the numbers have digits.
    """
    total = 0
    while count > 0:
        total += (count - 1) * count // 2 * (step // divisor) + count * (start // divisor)
        step, start = step % divisor, start % divisor
        reached = step * count + start
        if reached < divisor:
            break
        count, start, divisor, step = reached // divisor, reached % divisor, step, divisor
    return total


def _allows(allowed: object, value: object) -> bool:
    if isinstance(allowed, list):
        return value in allowed
    if not isinstance(allowed, Mapping):
        return value == allowed
    return (
        isinstance(value, int)
        and allowed.get("min", value) <= value <= allowed.get("max", value)
        and allowed.get("even", value % 2 == 0) == (value % 2 == 0)
    )


def _check_axis(key: str, condition: object) -> None:
    for name, allowed in _table(key, condition, _OF_AN_AXIS).items():
        if not isinstance(allowed, str):
            _check_allowed(name, allowed)
        elif allowed not in _COUNTS:
            counts = ", ".join(_COUNTS)
            raise ConditionError(f"key {shown(name)}={shown(allowed)}: allowed is an int, or one of {counts}")


def _table(key: str, data: object, known: Sequence[str]) -> Mapping[str, object]:
    """Check that it is a table with a key, and known ones only."""
    if not isinstance(data, Mapping) or not data:
        raise ConditionError(
            f"key {shown(key)}={shown(data)}: allowed is a table with some of {', '.join(known)}"
        )
    for name in data:
        if name not in known:
            raise ConditionError(
                f"key {shown(name)} in {shown(key)} is unknown; allowed are {', '.join(known)}"
            )
    return data


def _check_allowed(key: str, allowed: object) -> None:
    if isinstance(allowed, Mapping):
        _check_range(key, allowed)
        return
    values = allowed if isinstance(allowed, list) else [allowed]
    if not values or not all(_is_possible(key, value) for value in values):
        raise ConditionError(
            f"key {shown(key)}={shown(allowed)}: allowed is {_possible(key)}, or a list of such"
        )


def _check_range(key: str, allowed: Mapping[str, object]) -> None:
    ends = {name: value for name, value in allowed.items() if type(value) is _RANGE.get(name)}
    if key in _WORDS or key in _FLAGS or not allowed or len(ends) < len(allowed):
        also = "" if key in _WORDS or key in _FLAGS else ", a list of such, or a range {min, max, even}"
        raise ConditionError(f"key {shown(key)}={shown(dict(allowed))}: allowed is {_possible(key)}{also}")


def _is_possible(key: str, value: object) -> bool:
    if key in _WORDS:
        return value in _WORDS[key]
    return type(value) is (bool if key in _FLAGS else int)  # True is an int too


def _possible(key: str) -> str:
    if key in _WORDS:
        return f"one of {', '.join(_WORDS[key])}"
    return "true or false" if key in _FLAGS else "an int"
