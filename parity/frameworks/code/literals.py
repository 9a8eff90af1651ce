"""Values as they are written: literals, and arithmetic of a few numbers; no code is evaluated for it."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from convmm.geometry import LARGEST


class NoLiteralError(Exception):
    """What is written is no literal: it has a name, a call or another expression in it."""


class ArithmeticRefusal(Exception):  # noqa: N818 - what it says is a refusal
    """Arithmetic of literals that is not worked out; the message says why, in one sentence."""


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}

_MOST_LEVELS = 50
"""Of tuples in tuples, and of sums in sums."""

_LARGEST_POWER = 64
"""Exponents are at most this, so that no power of two allowed numbers is long."""

TOO_LARGE = f"a number is too large: allowed are numbers up to {LARGEST}"


def literal(node: ast.expr) -> Any:
    """Return the value of a literal, a container of literals, or arithmetic of ints and floats.

    Raises:
        NoLiteralError: it is none of these.
        ArithmeticRefusal: a number that is too large, a division by zero, or too many levels.
    """
    return _value(node, 0)


def _value(node: ast.expr, level: int) -> Any:
    if level > _MOST_LEVELS:
        raise ArithmeticRefusal(f"it is nested too deeply: allowed are {_MOST_LEVELS} levels")
    match node:
        case ast.Constant(value=value):
            return _checked(value)
        case ast.Tuple(elts=parts):
            return tuple(_value(part, level + 1) for part in parts)
        case ast.List(elts=parts):
            return [_value(part, level + 1) for part in parts]
        case ast.Dict(keys=keys, values=values):
            return {
                _key(key, level): _value(value, level + 1) for key, value in zip(keys, values, strict=True)
            }
    return _arithmetic(node, level)


def _arithmetic(node: ast.expr, level: int) -> Any:
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand, level)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _number(operand, level)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _worked_out(type(sign), _number(left, level), _number(right, level))
    raise NoLiteralError


def _key(node: ast.expr | None, level: int) -> Any:
    """Return a dictionary's key, of which texts and numbers alone are read."""
    if not isinstance(node, ast.Constant):
        raise NoLiteralError
    return _value(node, level + 1)


def _number(node: ast.expr, level: int) -> Any:
    """Return an int or a float that arithmetic is done with."""
    found = _value(node, level + 1)
    if type(found) not in {int, float}:  # True is an int, too
        raise NoLiteralError
    return found


def _worked_out(sign: type[ast.operator], left: float, right: float) -> Any:
    if sign is ast.Pow and abs(right) > _LARGEST_POWER:
        raise ArithmeticRefusal(TOO_LARGE)
    try:
        found = _OPERATORS[sign](left, right)
    except ZeroDivisionError:
        raise ArithmeticRefusal("a number is divided by zero") from None
    except OverflowError:
        raise ArithmeticRefusal(TOO_LARGE) from None
    if isinstance(found, complex):
        raise NoLiteralError
    return _checked(found)


def _checked(value: object) -> object:
    if isinstance(value, int) and abs(value) > LARGEST:
        raise ArithmeticRefusal(TOO_LARGE)
    return value
