"""Why a result is unexplained, as a diagnosis: what makes two of them the same finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from parity.cases.case import Case
from parity.records.result import Record, Result


@dataclass(frozen=True)
class Cause:
    """What unexplained results have in common. Messages are no part of it, nor sizes, nor the number of axes.

    Attributes:
        framework: its name, or a function's.
        spelling: of the layer.
        output: of the layer.
        transposed: the operation is a transposed convolution.
        dtype: of the arrays.
        status: of the result.
        relation: to the reference, where it computed.
        error: the class of what it raised, or what ended its process.
    """

    framework: str
    spelling: str
    output: str
    transposed: bool
    dtype: str
    status: str
    relation: str | None
    error: str | None

    @classmethod
    def of(cls, case: Case, result: Result) -> Cause:
        """Return why this result of this case is unexplained."""
        named = result.status in {"rejected", "crashed"}
        return cls(
            result.framework,
            result.spelling,
            result.output,
            case.transposed,
            case.dtype,
            result.status,
            result.relation if result.status == "ok" else None,
            result.error_class if named else None,
        )

    @property
    def operation(self) -> str:
        """The operation, without the number of its axes."""
        return "conv_transpose" if self.transposed else "conv"

    @property
    def words(self) -> tuple[str, ...]:
        """The cause from the framework to what was seen, without the dtype."""
        output = () if self.output == "value" else (self.output,)
        seen = tuple(word for word in (self.relation, self.error) if word)
        status = () if self.status == "ok" else (self.status,)
        return self.framework, self.spelling, *output, self.operation, *status, *seen

    def __str__(self) -> str:
        """Return the cause in a line, without the dtype."""
        return " ".join(self.words)

    def may_have(self, case: Case) -> bool:
        """Return whether a case is of this operation and dtype."""
        return (case.transposed, case.dtype) == (self.transposed, self.dtype)

    def is_as(self, other: Cause) -> bool:
        """Return whether the causes are the same but for the dtype."""
        return replace(self, dtype=other.dtype) == other


Causes = Mapping[Cause, Result]
"""The causes that a case shows, in its results' order, each with the first result that has it."""


class Ran(Protocol):
    """A case that was run: here, as :class:`parity.records.result.CaseResult`, or on a cluster."""

    @property
    def case(self) -> Case:
        """The case."""

    @property
    def results(self) -> tuple[Result, ...]:
        """Its results."""

    @property
    def record(self) -> Record:
        """What is kept of it."""


def causes_of(found: Ran) -> Causes:
    """Return why the unexplained results of a case are unexplained."""
    causes: dict[Cause, Result] = {}
    for result in found.results:
        if not result.explained:
            causes.setdefault(Cause.of(found.case, result), result)
    return causes
