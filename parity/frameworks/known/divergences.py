"""Known differences: what some versions of a framework do although, by its rules, they would not."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from parity.cases.case import Case
from parity.cases.condition import Condition, meets
from parity.frameworks.interface import Refuses
from parity.frameworks.known.machine import Machine
from parity.frameworks.spelling import Kind, Refusal
from parity.records.result import Output, Result, Status

_SOME = Meta(min_length=1, description="a list of texts, of at least one")


class Seen(Struct, frozen=True, forbid_unknown_fields=True):
    """What a result with a known difference is.

    Attributes:
        status: of the result.
        error: classes, one of which it raised; empty for any.
        relation: relations, one of which it has to the reference; empty for any. "different" stands for all
            that are a difference: of wrong values that follow no rule, few may look like any mistake.
    """

    status: Status
    error: Annotated[tuple[str, ...], _SOME] = ()
    relation: Annotated[tuple[str, ...], _SOME] = ()

    def __call__(self, result: Result) -> bool:
        """Return whether this result is so."""
        return (
            result.status == self.status
            and (not self.error or result.error_class in self.error)
            and (not self.relation or result.relation in self.relation or self._is_different(result))
        )

    def _is_different(self, result: Result) -> bool:
        same = result.relation in {"identical", "empty", "no verdict"}
        return "different" in self.relation and not same


@dataclass(frozen=True)
class Divergence:
    """A known difference of a framework from its own rules.

    Attributes:
        name: unique in its file.
        frameworks: whose it is: whole names, those on routes among them.
        version: of the framework.
        backend: what computes underneath, without its version; None for any, or where there is none.
        backend_version: of the backend.
        case: which cases have it; of a layer, the case that the layer computes by the framework's rules.
        machine: where it is.
        spelling: of which layers.
        variant: of which of these, by what tells them apart; empty for any.
        output: of which of their outputs.
        seen: what it looks like.
        certain: every case that meets the condition shows it. If not, some do, and its example always does.
        undecided: why some machines that meet the condition show it and others do not, in one sentence, where
            nothing that is known decides that; None where the condition decides.
        why: one sentence.
        source: the address of a public report, or how it was found.
        example: the command of a case that shows it.
        since: since when it is so, in a sentence; None where that is not known.
        file: the user's file that it was read from; None for one that comes with this package.
        digest: of that file's bytes, "sha256:" and the hash.
    """

    name: str
    frameworks: tuple[str, ...]
    version: SpecifierSet
    case: Condition
    seen: Seen
    why: str
    source: str
    example: str
    backend: str | None = None
    backend_version: SpecifierSet = field(default_factory=SpecifierSet)
    machine: Machine = field(default_factory=Machine)
    spelling: tuple[Kind, ...] = ("native",)
    variant: tuple[str, ...] = ()
    output: tuple[Output, ...] = ("value",)
    certain: bool = True
    undecided: str | None = None
    since: str | None = None
    file: str | None = None
    digest: str | None = None

    @property
    def reason(self) -> str:
        """What it says of a result that it explains."""
        return f"known difference {self.name}: {self.why} ({self.source})"

    @property
    def is_refusal(self) -> bool:
        """Whether what is seen is that a layer is refused when it is called."""
        return self.seen.status == "rejected" and "value" in self.output

    def concerns(self, framework: str, version: str | None, backend: str | None) -> bool:
        """Return whether this framework may have it here.

        A version that is not known, as of a framework that is not installed, is no reason to say no.
        """
        if framework not in self.frameworks:
            return False
        underneath, _, backend_version = (backend or "").partition(" ")
        return (
            self.backend in {None, underneath}
            and _within(self.version, version or "")
            and _within(self.backend_version, backend_version)
            and self.machine.is_this_one()
        )

    def is_met(self, case: Case, result: Result) -> bool:
        """Return whether the result of a layer that computes this case may have it, whatever the result is.

        A layer that was never called has none, and one that was refused for another reason never came so far.
        """
        return (
            result.framework in self.frameworks
            and result.layer is not None
            and result.output in self.output
            and result.spelling in self.spelling
            and (not self.variant or result.variant in self.variant)
            and not (result.status == "rejected" and result.explained and result.reason != self.reason)
            and meets(case, self.case)
            and self.concerns(result.framework, result.version, result.backend)
        )

    def is_due(self, case: Case) -> bool:
        """Return whether a layer that computes this case, which meets the condition, has to show it."""
        return self.undecided is None and (self.certain or _plain(case) == _plain_command(self.example))

    def is_seen(self, result: Result) -> bool:
        """Return whether a result has it: it is as the entry says, and nothing else explains it."""
        return self.seen(result) and (not result.explained or result.reason == self.reason)


def explain_known(case: Case, result: Result, known: Iterable[Divergence]) -> Result:
    """Explain a result that is a known difference; and name those that it should have been.

    Args:
        case: what the layer computes by its framework's rules.
        result: of the layer; final in all else.
        known: the first that is seen explains the result.
    """
    met = [each for each in known if each.is_met(case, result)]
    seen = [each for each in met if each.is_seen(result)]
    unseen = tuple(
        each.name for each in met if each.is_due(case) and each not in seen and _is_telling(result, each.seen)
    )
    if not seen:
        return replace(result, unseen=unseen) if unseen else result
    return replace(result, explained=True, reason=seen[0].reason, divergence=seen[0].name, unseen=unseen)


def known_refusals(known: Iterable[Divergence]) -> Refuses:
    """Return what of known differences, which concern a framework as it is here, are refusals of a case.

    Not those of some of its layers of a kind, which are looked up when such a layer is refused.
    """
    refusals = [entry for entry in known if entry.is_refusal and not entry.variant]

    def refuses(case: Case, kind: Kind) -> Refusal | None:
        of_kind = (entry for entry in refusals if kind in entry.spelling and meets(case, entry.case))
        entry = next(of_kind, None)
        return None if entry is None else Refusal(entry.reason, entry.seen.error, entry.certain)

    return refuses


def _is_telling(result: Result, seen: Seen) -> bool:
    """Return whether a difference could have been seen: a layer ended by itself and gave values.

    One that is seen in the shape alone, in that of an output without elements, too.
    """
    ended = result.status in {"ok", "rejected", "invalid"}
    shape_tells = seen.relation == ("empty",)
    return ended and (shape_tells or result.relation != "empty") and result.relation != "no verdict"


@functools.cache
def _plain_command(command: str) -> dict[str, Any]:
    return _plain(Case.from_command(command))


def _plain(case: Case) -> dict[str, Any]:
    """Return the fields with no default left: a layer means by "valid" what a user has in numbers."""
    return {**case.to_dict(), "padding_mode": case.filled_with, **case.explicit}


@functools.cache
def _within(specifiers: SpecifierSet, version: str) -> bool:
    try:
        return specifiers.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True
