"""One layer of one implementation, called with the arrays of one case, or with others in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from parity.cases.arrays import Array, Arrays
from parity.cases.case import Case
from parity.cases.notation import format_shape
from parity.frameworks.interface import Framework
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.task import Submit, Task
from parity.laws.law import NotApplicableError, NoValueError, without_bias
from parity.verdict.gradients import make_backward

_STREAM = 2000
"""Of the seed's random numbers, far from those that the case's arrays and gradients are drawn from."""


@dataclass(frozen=True)
class Trial:
    """One layer on one case's arrays.

    Attributes:
        case: the case.
        found: whose layer it is.
        spelling: the layer.
        arrays: the case's.
        submit: hands the layer's framework a task.
    """

    case: Case
    found: Framework
    spelling: Spelling
    arrays: Arrays
    submit: Submit

    @cached_property
    def generator(self) -> np.random.Generator:
        """Of what is drawn beside the case's arrays."""
        return np.random.default_rng([self.case.seed, _STREAM])

    @cached_property
    def dy(self) -> Array:
        """An array in the output's shape, (N, O, *spatial), of which every gradient is exact."""
        return make_backward(self.case, self.arrays).dy

    def apply(self, arrays: Arrays) -> Array:
        """Call the layer on these arrays."""
        return ask(self.submit, self.found, self.spelling, arrays)[0]

    def of_input(self, x: Array) -> Array:
        """Call the layer on this input, with zeros for the bias: linear in the input."""
        return self.apply(without_bias(self.arrays)._replace(x=x))

    def of_kernel(self, w: Array) -> Array:
        """Call the layer with this kernel, with zeros for the bias: linear in the kernel."""
        return self.apply(without_bias(self.arrays)._replace(w=w))

    def of_bias(self, bias: Array) -> Array:
        """Call the layer with this bias, with zeros for the input: linear in the bias."""
        return self.apply(self.arrays._replace(x=np.zeros_like(self.arrays.x), bias=bias))

    def gradients(self, dy: Array) -> list[Array]:
        """Return the gradients of the sum of output * ``dy``: by input, kernel, and the bias if any."""
        return ask(self.submit, self.found, self.spelling, self.arrays, dy)

    def without_backward(self) -> str | None:
        """Return why the layer has no gradients to ask for, in one sentence, or None."""
        return self.found.why_no_gradients() or self.spelling.no_backward

    def check_output(self) -> None:
        """Check that the case's own call gives something to try a law on.

        Raises:
            NotApplicableError: the case's output has no element, or as of :func:`ask`.
            NoValueError: as of :func:`ask`, or its output has no element and was to have some.
        """
        output = self.apply(self.arrays)
        if not output.size:
            error = NotApplicableError if 0 in self.case.output_shape else NoValueError
            raise error(f"its output of shape {format_shape(output.shape)} has no element")


def pick(spellings: Sequence[Spelling | Unsupported]) -> Spelling | Unsupported:
    """Pick the native layer, an exact one where that is refused or there is none, or else the reason."""
    meant = [each for each in spellings if isinstance(each, Spelling) and each.kind != "lookalike"]
    return min(meant, key=lambda each: each.refusal is not None, default=spellings[0])


def ask(
    submit: Submit, found: Framework, spelling: Spelling, arrays: Arrays, dy: Array | None = None
) -> list[Array]:
    """Have a layer called: its output, or with ``dy`` the gradients of output * ``dy`` by its three arrays.

    Raises:
        NotApplicableError: it raised what its framework's rules say it does, or said that it has no such
            operation.
        NoValueError: it raised anything else, crashed, or returned no array of the case's dtype and axes.
    """
    answer = submit(found, Task.of(spelling, arrays, dy))()
    if answer.ending == "unsupported":
        raise NotApplicableError(f"{found.name} says that it is unsupported: {answer.reason}")
    if answer.ending == "rejected":
        foreseen = spelling.refusal is not None and answer.error_class in spelling.refusal.errors
        raise (NotApplicableError if foreseen else NoValueError)(f"{found.name} raised {answer.error}")
    if answer.ending != "ok":
        raise NoValueError(f"{found.name} gave no value: {answer.reason}", crashed=answer.ended_badly)
    likes = (arrays.x,) if dy is None else (arrays.x, *arrays.weights)
    if len(answer.outputs) != len(likes):
        count = len(answer.outputs)
        raise NoValueError(f"{found.name} returned {count} gradients, and there are {len(likes)}")
    for output, like in zip(answer.outputs, likes, strict=True):
        _check_kind(found.name, output, like)
    return list(answer.outputs)


def _check_kind(name: str, output: Array, like: Array) -> None:
    """Refuse an array of another dtype or other axes than this one's; its sizes are for the laws to judge."""
    if output.dtype != like.dtype:
        raise NoValueError(f"{name} returned dtype {output.dtype}, and the case's is {like.dtype}")
    if output.ndim != like.ndim:
        raise NoValueError(f"{name} returned an array of {output.ndim} axes, where {like.ndim} are expected")
