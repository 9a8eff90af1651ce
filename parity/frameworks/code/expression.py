"""A layer as people write it: one call with its arguments, parsed and never evaluated."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from convmm.geometry import GeometryError, check_int, check_ints, shorten, shown
from parity.cases.errors import InputError
from parity.frameworks.code.layer import Layer, Name
from parity.frameworks.code.lines import layer_call, one_line
from parity.frameworks.code.literals import ArithmeticRefusal, NoLiteralError, literal


class ExpressionError(InputError):
    """An expression that is no layer this tool reads; the message marks the place with arrows."""


@dataclass(frozen=True)
class Argument:
    """One argument.

    Attributes:
        name: as written; None for a positional one.
        value: of a literal; of a dotted name, such as torch.float64, or a call a :class:`Name`; of any other
            expression :data:`UNREAD`.
        start: where it begins in the expression.
        end: and where it ends.
        is_variable: whether the value is a variable, such as x, a call, such as nnx.Rngs(0), or another
            expression that is no literal, such as x + 1: none of them is evaluated.
        inner: the call that stands there, or those of a list of calls, or of pairs of a name and a call, as
            :meth:`calls` reads them.
        line: in which it stands.
    """

    name: str | None
    value: Any
    start: int
    end: int
    is_variable: bool = False
    inner: tuple[ast.Call, ...] = ()
    line: str = ""

    def calls(self) -> list[Call]:
        """Read the calls that stand in its place: of layers, as in a chain, or of what makes an array.

        Raises:
            ExpressionError: one calls nothing by its name, or arithmetic that is not worked out.
        """
        paths = [_dotted(node.func) for node in self.inner]
        if not all(paths):
            whole = Call(self.line, "", ())
            raise whole.error("each of these calls a layer by its name, as nn.ReLU() does", self)
        return [_call(self.line, str(path), node) for path, node in zip(paths, self.inner, strict=True)]


class Unread:
    """The value of an expression that is no literal, no name and no call: nothing of it is kept."""

    def __repr__(self) -> str:
        """Return that it is something."""
        return "an expression"


UNREAD = Unread()


@dataclass(frozen=True)
class Call:
    """A parsed call.

    Attributes:
        text: the expression, on one line.
        path: the called name with its prefix, "torch.nn.Conv2d".
        arguments: in the order they are written.
        kernel_shape: of the kernel's array in the layer's own layout, where the user gave it beside the
            expression: a function's call has the array's name alone.
    """

    text: str
    path: str
    arguments: tuple[Argument, ...]
    kernel_shape: tuple[int, ...] | None = None

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
            return ExpressionError(f"{message}, in {shorten(self.text, _SHOWN)}")
        start, end = argument.start, argument.end
        before, marked, after = map(shorten, (self.text[:start], self.text[start:end], self.text[end:]))
        return ExpressionError(f"{message}, in {before}→{marked}←{after}")

    def within(self, argument: Argument) -> list[Call]:
        """Read the calls that stand in an argument's place: of layers, as in a chain.

        Raises:
            ExpressionError: one calls no layer by its name, or an argument of one is no literal.
        """
        paths = [_dotted(node.func) for node in argument.inner]
        if not all(paths):
            raise self.error("each of these calls a layer by its name, as nn.ReLU() does", argument)
        return [_call(self.text, str(path), node) for path, node in zip(paths, argument.inner, strict=True)]

    def bind(self, names: Sequence[str], arrays: Sequence[str] = ()) -> Bound:
        """Bind the arguments to names, positional ones in the order of ``names``.

        Args:
            names: of all arguments.
            arrays: those of them that may be variables.

        Raises:
            ExpressionError: an unknown name, too many arguments, one given twice, or a variable elsewhere.
        """
        bound: dict[str, Argument] = {}
        for place, argument in enumerate(self.arguments):
            if argument.name is None and place >= len(names):
                raise self.error(f"{self.name} takes {len(names)} arguments at most", argument)
            name = argument.name or names[place]
            if name not in names:
                raise self.error(
                    f"{self.name} has no argument {shorten(name)}: allowed are {', '.join(names)}", argument
                )
            if name in bound:
                raise self.error(f"{name} is given twice", argument)
            if argument.is_variable and name not in arrays:
                raise self.error(_NO_LITERAL, argument)
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

    def named(self, name: str, default: object = None) -> Any:
        """Return the argument's value, or the default; of a dotted name its last part, as text."""
        value = self.value(name, default)
        return value.path.rpartition(".")[2] if isinstance(value, Name) else value

    def required(self, name: str) -> Any:
        """Return the argument's value, which has to be there.

        Raises:
            ExpressionError: it is not given.
        """
        if name not in self.arguments:
            raise self.call.error(f"{self.call.name} needs the argument {name}")
        return self.arguments[name].value

    def number(self, name: str, default: int | None = None, *, minimum: int = 1) -> int:
        """Return one int of at least ``minimum``; required without a default."""
        value = self.required(name) if default is None else self.value(name, default)
        self._check_known(name, value)
        try:
            return check_int(name, value, minimum=minimum)
        except GeometryError as error:
            raise self.refuse(name, str(error)) from None

    def numbers(
        self, name: str, rank: int, *, minimum: int = 1, default: int | None = None
    ) -> tuple[int, ...]:
        """Return one int per axis; required without a default."""
        value = self.required(name) if default is None else self.value(name, default)
        self._check_known(name, value)
        try:
            return check_ints(name, value, rank, minimum=minimum)
        except GeometryError as error:
            raise self.refuse(name, str(error)) from None

    def _check_known(self, name: str, value: object) -> None:
        if isinstance(value, Name):
            raise self.refuse(
                name, f"{name}={value!r}: allowed are numbers; put the value of a name in its place"
            )

    def flag(self, name: str, *, default: bool) -> bool:
        """Return true or false; the frameworks take 1, 0 and None for these, too."""
        value = self.value(name, default)
        if value not in (True, False, None):
            raise self.refuse(name, f"{name}={shown(value)}: allowed are True and False")
        return bool(value)

    def choice(self, name: str, allowed: Sequence[object], default: object) -> Any:
        """Return one of these values, which a dotted name may end with where they are texts."""
        value = self.named(name, default)
        if value not in allowed:
            raise self.refuse(
                name, f"{name}={shown(self.value(name))}: allowed are {', '.join(map(repr, allowed))}"
            )
        return value

    def layer(self, module: str, **written: object) -> Layer:
        """Return the very call as one of this module's class, with these values of some of its arguments."""
        values = {name: written.get(name, argument.value) for name, argument in self.arguments.items()}
        by_place = {name: self.arguments[name].name is None for name in values}
        return Layer(
            f"{module}.{self.call.name}",
            tuple(value for name, value in values.items() if by_place[name]),
            tuple((name, value) for name, value in values.items() if not by_place[name]),
        )

    def refuse(self, name: str, message: str) -> ExpressionError:
        """Make the error with this message, this argument's place marked."""
        return self.call.error(message, self.arguments.get(name))


def parse_call(text: str) -> Call:
    """Parse the call that a text is.

    Raises:
        ExpressionError: no Python expression, no call, or arithmetic that is not worked out.
    """
    if len(text) > _LONGEST:
        raise ExpressionError(
            f"expression={shown(text)}: allowed are at most {_LONGEST} characters, as in nn.Conv2d(3, 8, 3)"
        )
    line = one_line(text)
    node = _parse(line)
    if isinstance(node, ast.List | ast.Tuple) and any(isinstance(each, ast.Call) for each in node.elts):
        raise ExpressionError(
            "these are several: give them one by one, or as a chain, as in nn.Sequential(nn.Conv2d(3, 8, 3), "
            f"nn.ReLU()), in {shorten(line, _SHOWN)}"
        )
    if not isinstance(node, ast.Call):
        raise ExpressionError(
            f"this is no call of a layer such as nn.Conv2d(3, 8, 3): {shorten(line, _SHOWN)}"
        )
    path = _dotted(node.func)
    if path is None:
        raise ExpressionError(
            f"this calls no layer by its name, as in nn.Conv2d(3, 8, 3): {shorten(line, _SHOWN)}"
        )
    return _call(line, path, node)


def _call(line: str, path: str, node: ast.Call) -> Call:
    call = Call(line, path, ())
    arguments = [_argument(call, None, value) for value in node.args]
    arguments += [_argument(call, keyword.arg or "**", keyword.value) for keyword in node.keywords]
    return replace(call, arguments=tuple(arguments))


_LONGEST = 10_000
"""Characters of an expression: the layers that people write have a few hundred at most."""

_SHOWN = 300
"""Characters of an expression that a message shows."""


def _parse(line: str) -> ast.expr | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a backslash in a text, say
            return layer_call(ast.parse(line).body)
    except (SyntaxError, ValueError) as error:
        place = getattr(error, "offset", None) or 1
        marked = Argument(None, None, place - 1, place)
        raise Call(line, "", ()).error("this is no Python expression", marked) from None
    except (MemoryError, RecursionError):  # the parser's stack is full
        raise Call(line, "", ()).error("this is nested too deeply to be a layer") from None


def _dotted(node: ast.expr) -> str | None:
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else None


def _argument(call: Call, name: str | None, node: ast.expr) -> Argument:
    # ast counts bytes of UTF-8, a text's places are characters
    start, end = (
        len(call.text.encode()[:offset].decode()) for offset in (node.col_offset, node.end_col_offset or 0)
    )
    argument = Argument(name, None, start, end)
    if name == "**" or isinstance(node, ast.Starred):
        raise call.error("arguments are given one by one, not by * or **", argument)
    if path := _dotted(node):
        return Argument(name, Name(path), start, end, is_variable=isinstance(node, ast.Name))
    if isinstance(node, ast.Call) and (path := _dotted(node.func)):
        return Argument(name, Name(path), start, end, is_variable=True, inner=(node,), line=call.text)
    if isinstance(node, ast.List) and (calls := _calls(node)):
        return Argument(name, UNREAD, start, end, is_variable=True, inner=calls, line=call.text)
    try:
        return Argument(name, literal(node), start, end)
    except ArithmeticRefusal as refusal:
        raise call.error(str(refusal), argument) from None
    except NoLiteralError:
        return Argument(name, UNREAD, start, end, is_variable=True)


def _calls(node: ast.List) -> tuple[ast.Call, ...]:
    """Return the calls that a list is of, each alone or in a pair behind its name; none of another list."""
    found = []
    for each in node.elts:
        match each:
            case ast.Call() as call:
                found.append(call)
            case ast.Tuple(elts=[ast.Constant(value=str()), ast.Call() as call]):
                found.append(call)
            case _:
                return ()
    return tuple(found)


_NO_LITERAL = (
    "every argument is a literal: a number, arithmetic of numbers, a tuple, a text, True, False or None; put "
    "the value of a name in its place"
)
