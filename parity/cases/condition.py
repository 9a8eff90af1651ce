"""Conditions on a case, as data: which values some of its quantities may have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from parity.cases.case import DTYPES, VALUES, Case
from parity.cases.errors import InputError
from parity.cases.op import OPS

Condition = Mapping[str, Any]
"""Quantity by what is allowed: a value, a list of values, or a range ``{min, max, even}`` of ints.

Beside the quantities of a case stand ``any_axis``, a condition on the quantities of an axis that at least one
spatial axis meets, and ``last_axes``, a list of such conditions that the last axes meet, in order.
"""

_WORDS: dict[str, Sequence[str]] = {
    "op": OPS,
    "dtype": DTYPES,
    "values": VALUES,
    "padding": ("valid", "same", "explicit"),
}
_FLAGS = ("bias", "empty")
_COUNTS = ("batch", "channels", "filters", "groups", "group_channels")
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
)
_RANGE = {"min": int, "max": int, "even": bool}


class ConditionError(InputError):
    """A condition that can be on no case: the message names the key, its value and what is allowed."""


def check_condition(condition: object) -> None:
    """Accept what :func:`meets` understands.

    Raises:
        ConditionError: no table, an empty one, an unknown key, or a value that its quantity never has.
    """
    known = (*_WORDS, *_FLAGS, *_COUNTS, "any_axis", "last_axes")
    for key, allowed in _table("case", condition, known).items():
        if key == "any_axis":
            _check_axis(key, allowed)
        elif key == "last_axes":
            if not isinstance(allowed, list) or not allowed:
                raise ConditionError(f"key 'last_axes'={allowed!r}: allowed is a list of tables, one an axis")
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
    if "any_axis" not in condition and "last_axes" not in condition:
        return True
    of_axes = axis_quantities(case)
    last = condition.get("last_axes", [])
    return (
        ("any_axis" not in condition or any(_axis_meets(axis, condition["any_axis"]) for axis in of_axes))
        and len(last) <= len(of_axes)
        and all(map(_axis_meets, of_axes[len(of_axes) - len(last) :], last))
    )


_OF_A_CASE: Mapping[str, Callable[[Case], object]] = {
    "op": lambda case: case.op,
    "dtype": lambda case: case.dtype,
    "values": lambda case: case.values,
    "padding": lambda case: case.padding if isinstance(case.padding, str) else "explicit",
    "bias": lambda case: case.bias,
    "empty": lambda case: 0 in case.output_shape,
    "batch": lambda case: case.input[0],
    "channels": lambda case: case.input[1],
    "filters": lambda case: case.filters,
    "groups": lambda case: case.groups,
    "group_channels": lambda case: case.input[1] // case.groups,
}


def quantities(case: Case) -> dict[str, object]:
    """Return what a condition may name of a case, but for its axes."""
    return {name: quantity(case) for name, quantity in _OF_A_CASE.items()}


def axis_quantities(case: Case) -> list[dict[str, int | None]]:
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
        }
        for axis, q in zip(case.geometry.axes, added, strict=True)
    ]


def _axis_meets(axis: Mapping[str, int | None], condition: Condition) -> bool:
    return all(_allows(allowed, axis[key]) for key, allowed in condition.items())


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
        _check_allowed(name, allowed)


def _table(key: str, data: object, known: Sequence[str]) -> Mapping[str, object]:
    """Check that it is a table with a key, and known ones only."""
    if not isinstance(data, Mapping) or not data:
        raise ConditionError(f"key {key!r}={data!r}: allowed is a table with some of {', '.join(known)}")
    for name in data:
        if name not in known:
            raise ConditionError(f"key {name!r} in {key!r} is unknown; allowed are {', '.join(known)}")
    return data


def _check_allowed(key: str, allowed: object) -> None:
    if isinstance(allowed, Mapping):
        _check_range(key, allowed)
        return
    values = allowed if isinstance(allowed, list) else [allowed]
    if not values or not all(_is_possible(key, value) for value in values):
        raise ConditionError(f"key {key!r}={allowed!r}: allowed is {_possible(key)}, or a list of such")


def _check_range(key: str, allowed: Mapping[str, object]) -> None:
    ends = {name: value for name, value in allowed.items() if type(value) is _RANGE.get(name)}
    if key in _WORDS or key in _FLAGS or not allowed or len(ends) < len(allowed):
        also = "" if key in _WORDS or key in _FLAGS else ", a list of such, or a range {min, max, even}"
        raise ConditionError(f"key {key!r}={dict(allowed)!r}: allowed is {_possible(key)}{also}")


def _is_possible(key: str, value: object) -> bool:
    if key in _WORDS:
        return value in _WORDS[key]
    return type(value) is (bool if key in _FLAGS else int)  # True is an int too


def _possible(key: str) -> str:
    if key in _WORDS:
        return f"one of {', '.join(_WORDS[key])}"
    return "true or false" if key in _FLAGS else "an int"
