"""A framework that does what a test tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.frameworks.code.layer import layer
from parity.frameworks.interface import Framework
from parity.frameworks.precision import Mode, accumulated_in_float32
from parity.frameworks.spelling import Kind, Refusal, Spelling, Unsupported


def spelling_of(meaning: Case, kind: Kind = "native", refusal: Refusal | None = None) -> Spelling:
    """A spelling whose layer does nothing."""
    return Spelling(kind, layer("builtins.object"), meaning, refusal)


@dataclass(frozen=True)
class Scripted(Framework):
    """Spells every case in these ways, and returns the given array or raises the given error."""

    spellings: tuple[Spelling | Unsupported, ...]
    outcome: object = None
    name: str = "scripted"
    own_version: str = "1.0"

    def version(self) -> str:
        return self.own_version

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        del case
        return list(self.spellings)

    def mode(self, case: Case) -> Mode:
        return accumulated_in_float32(case.dtype)

    def call(self, layer: object, weights: Sequence[Array], x: Array) -> Array:
        assert type(layer) is object
        assert weights
        assert x.size
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome  # type: ignore[return-value] # what a framework returns may be anything
