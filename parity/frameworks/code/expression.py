"""A layer as people write it: one call with literal arguments, parsed and never evaluated."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from convmm.geometry import GeometryError, check_int, check_ints
from parity.cases.errors import InputError


class ExpressionError(InputError):
    """An expression that is no layer this tool reads; the message marks the place with arrows."""


@dataclass(frozen=True)
class Argument:
    """One argument: its name as written, None for a positional one, its value, and where it stands."""

    name: str | None
    value: Any
    start: int
    end: int


@dataclass(frozen=True)
class Call:
    """A parsed call.

    Attributes:
        text: the expression, on one line.
        path: the called name with its prefix, "torch.nn.Conv2d".
        arguments: in the order they are written.
    """

    text: str
    path: str
    arguments: tuple[Argument, ...]

    @property
    def name(self) -> str:
        """The last part of the path: the class."""
        return self.path.rpartition(".")[2]

    @property
    def prefix(self) -> str:
        """The path before the class, or nothing."""
        return self.path.rpartition(".")[0]

    def error(self, message: str, argument: Argument | None = None) -> ExpressionError:
        """Make the error with this message, the argument's place marked in the expression."""
        if argument is None:
            return ExpressionError(f"{message}, in {self.text}")
        before, marked = self.text[: argument.start], self.text[argument.start : argument.end]
        return ExpressionError(f"{message}, in {before}→{marked}←{self.text[argument.end :]}")

    def bind(self, names: Sequence[str]) -> Bound:
        """Bind the arguments to names, positional ones in the order of ``names``.

        Raises:
            ExpressionError: an unknown name, too many arguments, or one given twice.
        """
        bound: dict[str, Argument] = {}
        for place, argument in enumerate(self.arguments):
            if argument.name is None and place >= len(names):
                raise self.error(f"{self.name} takes {len(names)} arguments at most", argument)
            name = argument.name or names[place]
            if name not in names:
                raise self.error(
                    f"{self.name} has no argument {name}: allowed are {', '.join(names)}", argument
                )
            if name in bound:
                raise self.error(f"{name} is given twice", argument)
            bound[name] = argument
        return Bound(self, bound)


@dataclass(frozen=True)
class Bound:
    """A call's arguments by name, read one by one with the checks that name them."""

    call: Call
    arguments: dict[str, Argument]

    def value(self, name: str, default: object = None) -> Any:
        """Return the argument's value, or the default."""
        return self.arguments[name].value if name in self.arguments else default

    def required(self, name: str) -> Any:
        """Return the argument's value, which has to be there.

        Raises:
            ExpressionError: it is not given.
        """
        if name not in self.arguments:
            raise self.call.error(f"{self.call.name} needs the argument {name}")
        return self.arguments[name].value

    def number(self, name: str, default: int | None = None) -> int:
        """Return one int of at least 1; required without a default."""
        value = self.required(name) if default is None else self.value(name, default)
        try:
            return check_int(name, value, minimum=1)
        except GeometryError as error:
            raise self.refuse(name, str(error)) from None

    def numbers(
        self, name: str, rank: int, *, minimum: int = 1, default: int | None = None
    ) -> tuple[int, ...]:
        """Return one int per axis; required without a default."""
        value = self.required(name) if default is None else self.value(name, default)
        try:
            return check_ints(name, value, rank, minimum=minimum)
        except GeometryError as error:
            raise self.refuse(name, str(error)) from None

    def flag(self, name: str, *, default: bool) -> bool:
        """Return true or False."""
        value = self.value(name, default)
        if not isinstance(value, bool):
            raise self.refuse(name, f"{name}={value!r}: allowed are True and False")
        return value

    def choice(self, name: str, allowed: Sequence[object], default: object) -> Any:
        """Return one of these values."""
        value = self.value(name, default)
        if value not in allowed:
            raise self.refuse(name, f"{name}={value!r}: allowed are {', '.join(map(repr, allowed))}")
        return value

    def refuse(self, name: str, message: str) -> ExpressionError:
        """Make the error with this message, this argument's place marked."""
        return self.call.error(message, self.arguments.get(name))


def parse_call(text: str) -> Call:
    """Parse the call that a text is.

    Raises:
        ExpressionError: no Python expression, no call, or an argument that is no literal.
    """
    line = " ".join(text.split())
    try:
        node = ast.parse(line, mode="eval").body
    except (SyntaxError, ValueError) as error:
        place = getattr(error, "offset", None) or 1
        marked = Argument(None, None, place - 1, place)
        raise Call(line, "", ()).error("this is no Python expression", marked) from None
    if not isinstance(node, ast.Call):
        raise ExpressionError(f"this is no call of a layer such as nn.Conv2d(3, 8, 3): {line}")
    path = _dotted(node.func)
    if path is None:
        raise ExpressionError(f"this calls no layer by its name, as in nn.Conv2d(3, 8, 3): {line}")
    call = Call(line, path, ())
    arguments = [_argument(call, None, value) for value in node.args]
    arguments += [_argument(call, keyword.arg or "**", keyword.value) for keyword in node.keywords]
    return Call(line, path, tuple(arguments))


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return before and f"{before}.{node.attr}"
    return None


def _argument(call: Call, name: str | None, node: ast.expr) -> Argument:
    # ast counts bytes of UTF-8, a text's places are characters
    start, end = (
        len(call.text.encode()[:offset].decode()) for offset in (node.col_offset, node.end_col_offset or 0)
    )
    argument = Argument(name, None, start, end)
    if name == "**" or isinstance(node, ast.Starred):
        raise call.error("arguments are given one by one, not by * or **", argument)
    if isinstance(node, ast.Attribute) and (path := _dotted(node)):
        return Argument(name, path.rpartition(".")[2], start, end)  # torch.float64, keras.activations.relu
    try:
        return Argument(name, ast.literal_eval(node), start, end)
    except (ValueError, TypeError, MemoryError, RecursionError):
        raise call.error(
            "every argument is a literal: a number, a tuple, a text, True, False or None", argument
        ) from None
