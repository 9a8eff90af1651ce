"""Which window a layer has, as a framework states it: formulas over one axis, read and evaluated as text."""

from __future__ import annotations

import ast
import functools
import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from types import CodeType
from typing import Any, NamedTuple

from convmm.geometry import Axis
from parity.cases.case import Case


class Window(NamedTuple):
    """What a layer computes on one axis.

    Attributes:
        begin: of a transposed layer, where it begins in the full response; else the zeros before.
        size: elements of the output.
    """

    begin: int
    size: int


Numbers = Callable[[Any, int, int], tuple[int, ...]]
"""Returns what an argument says of an axis, of its value, the axis and how many axes there are.

It may raise TypeError, IndexError or ValueError of a value that it does not read.
"""


def each(value: Any, axis: int, _rank: int) -> tuple[int, ...]:
    """Read one int for each axis, or one for all: ``2`` and ``(2, 1)``."""
    return (value if isinstance(value, int) else value[axis],)


def pair(value: Any, axis: int, _rank: int) -> tuple[int, ...]:
    """Read one pair for each axis: ``((1, 2), (0, 1))``."""
    before, after = value[axis]
    return before, after


def halves(value: Any, axis: int, rank: int) -> tuple[int, ...]:
    """Read all numbers before, then all after: ``[1, 0, 2, 1]``."""
    return value[axis], value[axis + rank]


@dataclass(frozen=True)
class Reads:
    """An argument whose numbers a rule reads.

    Attributes:
        names: that its numbers have in the formulas.
        numbers: reads them.
        otherwise: what they are where the argument is not given; None where the rule is not of such layers.
    """

    names: tuple[str, ...]
    numbers: Numbers = each
    otherwise: tuple[int, ...] | None = None

    def of(self, keywords: Mapping[str, Any], name: str, axis: int, rank: int) -> dict[str, int]:
        """Return the numbers of an argument for an axis, by their names."""
        if name not in keywords and self.otherwise is not None:
            return dict(zip(self.names, self.otherwise, strict=True))
        numbers = self.numbers(keywords[name], axis, rank)
        if not all(isinstance(number, int) for number in numbers):
            raise TypeError(f"{name}={keywords[name]!r}: allowed are whole numbers")
        return dict(zip(self.names, numbers, strict=True))


@dataclass(frozen=True)
class WindowRule:
    """The window that a layer of some arguments has, on each axis.

    The formulas are Python's, over whole numbers: n input, k kernel, s stride, d dilation, e the kernel's
    extent (k - 1)*d + 1, of transposed layers L the full response (n - 1)*s + e, in ``begin`` also m the
    size, and the names of :class:`Reads`; with ``max``, ``min`` and ``ceil``.

    Attributes:
        calls: the layers and functions, each a pattern in which ? stands for one character.
        written: the arguments that say it, as one writes them.
        arguments: each by its name: a value that it has, None where it is not given, or what is read of it.
        begin: formula, as of :class:`Window`.
        size: formula.
        source: where it is documented, or that it was measured.
    """

    calls: tuple[str, ...]
    written: str
    arguments: Mapping[str, object]
    begin: str
    size: str
    source: str

    def window(self, given: Given, axis: int, case: Case) -> Window:
        """Return the window of a layer of these arguments on an axis of a case."""
        geometry = case.geometry.axes[axis]
        numbers = _of_axis(case, axis, geometry)
        for name, reads in self.arguments.items():
            if isinstance(reads, Reads):
                numbers |= reads.of(given.keywords, name, axis, case.rank)
        size = _evaluate(self.size, numbers)
        return Window(_evaluate(self.begin, {**numbers, "m": size}), size)

    def states(self, given: Given) -> bool:
        """Return whether the rule is of a layer of these arguments."""
        if not any(fnmatchcase(given.call, pattern) for pattern in self.calls):
            return False
        return all(self._is_so(name, wanted, given.keywords) for name, wanted in self.arguments.items())

    @staticmethod
    def _is_so(name: str, wanted: object, keywords: Mapping[str, Any]) -> bool:
        if isinstance(wanted, Reads):
            there = name in keywords or wanted.otherwise is not None
            return there and not isinstance(keywords.get(name), str)
        return keywords.get(name) == wanted


@dataclass(frozen=True)
class Given:
    """A layer's call, as code has it.

    Attributes:
        call: the dotted name of the layer or function; of a node of ONNX, "onnx.Conv".
        keywords: its arguments by name, as far as they are literal.
    """

    call: str
    keywords: Mapping[str, Any]


@functools.lru_cache(maxsize=2**14)
def read_call(text: str) -> Given | None:
    """Read the code of a layer, a function with its arguments, or a node; None of any other code.

    Another code is one with a call inside: of what is put before the layer.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an escape that is none, say: the code is not ours
            return _read(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _read(call: ast.expr) -> Given | None:
    if isinstance(call, ast.Lambda):
        call = call.body
    while isinstance(method := getattr(call, "func", None), ast.Attribute):
        if not isinstance(method.value, ast.Call):
            break
        call = method.value  # the layer, of which a method returns another form
    if not isinstance(call, ast.Call) or any(isinstance(value, ast.Call) for value in call.args):
        return None
    name = ast.unparse(call.func)
    if name == "functools.partial":
        name = ast.unparse(call.args[0]) if call.args else ""
    elif name == "onnx.helper.make_node":
        name = f"onnx.{_literal(call.args[0])}" if call.args else ""
    values = {word.arg: _literal(word.value) for word in call.keywords if word.arg is not None}
    return Given(name, {word: value for word, value in values.items() if value is not None})


def rule_of(rules: Iterable[WindowRule], given: Given) -> WindowRule | None:
    """Return the first of the rules that is of a layer of these arguments, or None."""
    return next((rule for rule in rules if rule.states(given)), None)


def _literal(value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError):  # no literal, or a set of lists
        return None


def _of_axis(case: Case, number: int, axis: Axis) -> dict[str, int]:
    size = case.input[2 + number]
    numbers = {"n": size, "k": axis.kernel, "s": axis.stride, "d": axis.dilation, "e": axis.extent}
    return numbers | {"L": (size - 1) * axis.stride + axis.extent}


@functools.cache
def _compiled(formula: str) -> CodeType:
    return compile(formula, "formula", "eval")


_FUNCTIONS = {"__builtins__": {}, "max": max, "min": min, "ceil": math.ceil}


def _evaluate(formula: str, numbers: Mapping[str, int]) -> int:
    values = {name: Fraction(number) for name, number in numbers.items()}
    return int(eval(_compiled(formula), _FUNCTIONS, values))  # noqa: S307 - a framework's, which is code itself
