"""One call of a framework's layer, as data: what is asked of it, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import Any, Literal

import numpy as np

from parity.cases.arrays import Array, Arrays, quiet
from parity.frameworks.attempt import attempt, describe, one_line
from parity.frameworks.code.layer import Layer
from parity.frameworks.code.script import AS_THEY_ARE, Convert, Program, Script
from parity.frameworks.interface import EndedError, Framework, NoOutputError
from parity.frameworks.spelling import Spelling
from parity.frameworks.weights import WeightsError
from parity.records.result import ENDED_BADLY, Repeats, class_of

Ending = Literal["ok", "rejected", "unsupported", "invalid", "crashed", "timeout"]


@dataclass(frozen=True)
class Task:
    """A layer to be made and called.

    Attributes:
        layer: what makes it, or the function of its gradients.
        convert: from the kernel and bias of ``arrays`` to the layer's arrays.
        arrays: the input, and the kernel and bias, for a spelling in convmm's layout.
        convert_back: the way back, for gradients.
        dy: the gradient by the output, (N, O, *spatial), where the gradients are wanted in its place.
        due: elements of the output that the layer is to give.
        fresh: whether the layer is to be made anew, even where one of the same text has been kept.
    """

    layer: Layer | Script | Program
    convert: Convert
    arrays: Arrays
    convert_back: Convert = AS_THEY_ARE
    dy: Array | None = None
    due: int = 0
    fresh: bool = False

    @property
    def most(self) -> int:
        """The most elements that an output may have and still be looked at."""
        return max(_MOST_TIMES * max(self.due, self.arrays.x.size, self.arrays.w.size), _FEW)

    @property
    def nbytes(self) -> int:
        """Of its arrays."""
        return self.arrays.nbytes + (0 if self.dy is None else self.dy.nbytes)

    @classmethod
    def of(cls, spelling: Spelling, arrays: Arrays, dy: Array | None = None, *, fresh: bool = False) -> Task:
        """Make the call of this spelling's layer."""
        layer = spelling.layer if dy is None else spelling.backward
        due = prod(spelling.meaning.output_shape)
        return cls(layer, spelling.convert, arrays, spelling.convert_back, dy, due, fresh)


_MOST_TIMES = 64
_FEW = 2**20
"""Elements that are few enough to be looked at, however many are due."""


@dataclass(frozen=True)
class Answer:
    """What came of a task.

    Attributes:
        ending: "ok", there are outputs; "rejected", it raised; "unsupported", it raised what its framework
            says by that it has no such operation; "invalid", what it returned is no output, it wrote to
            its input, or the weights did not fit it; "crashed", its process ended; "timeout", it did not end.
        outputs: the output alone, or the gradients by the input, the kernel and the bias, each an array that
            nothing else writes to.
        error: class and message of what it raised, or what ended its process.
        reason: why there is no output, in a sentence, where it did not raise, or said so by raising.
        warnings: what it warned of, each once.
        printed: what it wrote to its standard output and error meanwhile, where they are its own.
        repeats: how it was the other times, where there were any.
        again: whether the layer had been called before, with what another task gave it.
    """

    ending: Ending
    outputs: tuple[Array, ...] = ()
    error: str | None = None
    reason: str | None = None
    warnings: tuple[str, ...] = ()
    printed: str = ""
    repeats: Repeats | None = None
    again: bool = False

    @property
    def error_class(self) -> str | None:
        """The name of the exception's class, or how its process ended."""
        return class_of(self.error)

    @property
    def ended_badly(self) -> bool:
        """Whether its process ended, or it ran out of time."""
        return self.ending in ENDED_BADLY


Wait = Callable[[], Answer]
"""Waits for a task's answer."""

Submit = Callable[[Framework, Task], Wait]
"""Hands a task to a framework."""


def here(found: Framework, task: Task) -> Wait:
    """Have the framework perform the task in this very process, when its answer is waited for."""
    return partial(perform, found, task)


def perform(found: Framework, task: Task, make: Callable[[], Any] | None = None) -> Answer:
    """Load the framework, make the layer and call it, whatever that ends in.

    ``make`` gives the layer; without it the task's is made.

    The answer has texts and arrays of numbers alone, of no class of the framework's or the function's: they
    are read in a process that has neither.
    """
    given = replace(task, arrays=task.arrays.copies(), dy=None if task.dy is None else task.dy.copy())
    outputs, warned = attempt(partial(_outputs, found, given, task, make or task.layer.call))
    if isinstance(outputs, NoOutputError | WeightsError):
        wrong = one_line(outputs)
        return Answer("invalid", error=wrong, reason=wrong, warnings=warned)
    if isinstance(outputs, EndedError):
        how = one_line(outputs)
        return Answer("crashed", error=how, reason=f"its process ended: {how}", warnings=warned)
    if isinstance(outputs, BaseException):
        return _raised(outputs, found.unsupported_by, warned)
    return Answer("ok", outputs, warnings=warned)


def _outputs(found: Framework, given: Task, task: Task, make: Callable[[], Any]) -> tuple[Array, ...]:
    """Make the layer and call it, and make arrays of our own of what it returns.

    Raises:
        NoOutputError: it returned no arrays of numbers, or wrote to what it was given to read.
    """
    returned = (_value if given.dy is None else _gradients)(found, given, make)
    outputs = tuple(_numbers(each, task.most) for each in returned)
    wrong = _wrong_manners(given, task)
    if wrong:
        raise NoOutputError(wrong)
    return outputs


def _raised(
    error: BaseException, unsupported_by: tuple[type[BaseException], ...], warned: tuple[str, ...]
) -> Answer:
    if not isinstance(error, unsupported_by):
        return Answer("rejected", error=describe(error), warnings=warned)
    reason = one_line(error) or f"it raised {describe(error)}, and said no more"
    return Answer("unsupported", error=describe(error), reason=reason, warnings=warned)


def _value(found: Framework, task: Task, make: Callable[[], Any]) -> tuple[Array, ...]:
    found.load()
    return (found.call(make(), task.convert(task.arrays.weights), task.arrays.x),)


def _gradients(found: Framework, task: Task, make: Callable[[], Any]) -> tuple[Array, ...]:
    assert task.dy is not None  # noqa: S101 - tells the type checker what `perform` chose by
    found.load()
    weights = task.convert(task.arrays.weights)
    by_input, by_weights = found.backward(make(), weights, task.arrays.x, task.dy)
    return (by_input, *task.convert_back(by_weights))


def _numbers(output: object, most: int) -> Array:
    """Copy an array of numbers; its size is looked at before: a view of one element can have any.

    It is looked at as NumPy has it, and not as a class of the function's says that it is.
    """
    if not issubclass(type(output), np.ndarray):
        raise NoOutputError(f"it returned no array but {type(output).__name__}")
    view: Any = np.ndarray.view
    found: Array = view(output, np.ndarray)
    dtype = _plain(found.dtype)
    if dtype is None:
        raise NoOutputError(f"it returned dtype {found.dtype}, which is of no numbers")
    if found.size > most:
        raise NoOutputError(
            f"it returned {found.size} elements, of shape {found.shape}: looked at are at most {most}, "
            f"{_MOST_TIMES} times the largest of the arrays given and the output due"
        )
    copy = np.empty(found.shape, dtype)
    copy[...] = found
    return quiet(copy)


def _plain(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """Return a dtype of numbers as every process has it, without what was added to it; None for others."""
    if dtype.kind in "biufc":
        return np.dtype(dtype.str)
    return np.dtype(dtype.type) if dtype.type.__module__ == "ml_dtypes" else None


def _wrong_manners(given: Task, task: Task) -> str | None:
    """Say what it did to the arrays that it was given."""
    names = (*Arrays._fields, "dy")
    pairs = zip(names, (*given.arrays, given.dy), (*task.arrays, task.dy), strict=True)
    changed = [name for name, a, b in pairs if a is not None and b is not None and a.tobytes() != b.tobytes()]
    return f"it changed {' and '.join(changed)}, which it was given to read" if changed else None
