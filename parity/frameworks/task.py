"""One call of a framework's layer, as data: what is asked of it, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from parity.cases.arrays import Array, Arrays
from parity.frameworks.attempt import attempt, describe
from parity.frameworks.code.layer import Layer
from parity.frameworks.code.script import AS_THEY_ARE, Convert, Program, Script
from parity.frameworks.interface import Framework
from parity.frameworks.spelling import Spelling
from parity.records.result import ENDED_BADLY, Repeats, class_of

Ending = Literal["ok", "rejected", "invalid", "crashed", "timeout"]


@dataclass(frozen=True)
class Task:
    """A layer to be made and called.

    Attributes:
        layer: what makes it.
        convert: from the kernel and bias of ``arrays`` to the layer's arrays.
        arrays: the input, and the kernel and bias, for a spelling in convmm's layout.
        convert_back: the way back, for gradients.
        dy: the gradient by the output, (N, O, *spatial), where the gradients are wanted in its place.
    """

    layer: Layer | Script | Program
    convert: Convert
    arrays: Arrays
    convert_back: Convert = AS_THEY_ARE
    dy: Array | None = None

    @property
    def nbytes(self) -> int:
        """Of its arrays."""
        return self.arrays.nbytes + (0 if self.dy is None else self.dy.nbytes)

    @classmethod
    def of(cls, spelling: Spelling, arrays: Arrays, dy: Array | None = None) -> Task:
        """Make the call of this spelling's layer."""
        return cls(spelling.layer, spelling.convert, arrays, spelling.convert_back, dy)


@dataclass(frozen=True)
class Answer:
    """What came of a task.

    Attributes:
        ending: "ok", there are outputs; "rejected", it raised; "invalid", what it returned is no output, or
            it wrote to its input; "crashed", its process ended; "timeout", it did not end.
        outputs: the output alone, or the gradients by the input, the kernel and the bias, each an array that
            nothing else writes to.
        error: class and message of what it raised, or what ended its process.
        reason: what went wrong, in a sentence, where it neither ended well nor raised.
        warnings: what it warned of, each once.
        printed: what it wrote to its standard output and error meanwhile, where they are its own.
        repeats: how it was the other times, where there were any.
    """

    ending: Ending
    outputs: tuple[Array, ...] = ()
    error: str | None = None
    reason: str | None = None
    warnings: tuple[str, ...] = ()
    printed: str = ""
    repeats: Repeats | None = None

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


def perform(found: Framework, task: Task) -> Answer:
    """Load the framework, make the layer and call it, whatever that ends in."""
    given = task.arrays.copies()
    compute = _value if task.dy is None else _gradients
    outputs, warned = attempt(partial(compute, found, task, given))
    if isinstance(outputs, BaseException):
        return Answer("rejected", error=describe(outputs), warnings=warned)
    wrong = next(filter(None, map(_not_an_array, outputs)), None) or _wrong_manners(given, task.arrays)
    if wrong:
        return Answer("invalid", error=wrong, reason=wrong, warnings=warned)
    return Answer("ok", tuple(np.array(each) for each in outputs), warnings=warned)


def _value(found: Framework, task: Task, given: Arrays) -> tuple[Array, ...]:
    found.load()
    return (found.call(task.layer.call(), task.convert(given.weights), given.x),)


def _gradients(found: Framework, task: Task, given: Arrays) -> tuple[Array, ...]:
    assert task.dy is not None  # noqa: S101 - tells the type checker what `perform` chose by
    found.load()
    weights = task.convert(given.weights)
    by_input, by_weights = found.backward(task.layer.call(), weights, given.x, task.dy.copy())
    return (by_input, *task.convert_back(by_weights))


def _not_an_array(output: object) -> str | None:
    if not isinstance(output, np.ndarray):
        return f"it returned no array but {type(output).__name__}"
    if output.dtype.hasobject:
        return f"it returned dtype {output.dtype}, which is of no numbers"
    return None


def _wrong_manners(given: Arrays, arrays: Arrays) -> str | None:
    """Say what it did to the arrays that it was given."""
    pairs = zip(Arrays._fields, given, arrays, strict=True)
    changed = [name for name, a, b in pairs if a is not None and b is not None and a.tobytes() != b.tobytes()]
    return f"it changed {' and '.join(changed)}, which it was given to read" if changed else None
