"""A framework that does what a test tells it."""

from __future__ import annotations

from dataclasses import dataclass

from parity.case import Case
from parity.layer import layer
from parity.spelling import Kind, Refusal, Spelling, Unsupported
from parity.values import Array, Arrays


def spelling_of(meaning: Case, kind: Kind = "native", refusal: Refusal | None = None) -> Spelling:
    """A spelling whose layer is not to be called."""
    return Spelling(kind, layer("nowhere.Layer"), meaning, refusal)


@dataclass(frozen=True)
class Scripted:
    """Spells every case in these ways, and returns the given array or raises the given error."""

    spellings: tuple[Spelling | Unsupported, ...]
    outcome: object = None
    NAME: str = "scripted"
    EXTRA: str | None = None

    def missing(self) -> str | None:
        return None

    def version(self) -> str | None:
        return "1.0"

    def backend(self) -> str | None:
        return None

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        del case
        return list(self.spellings)

    def compute(self, spelling: Spelling, arrays: Arrays) -> Array:
        assert spelling in self.spellings
        assert arrays.x.size
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome  # type: ignore[return-value] # what a framework returns may be anything
