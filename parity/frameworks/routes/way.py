"""What a route is: the form that a layer is brought into, what that needs, and what it refuses."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parity.cases.case import Case
from parity.frameworks.distributions import installed_version, not_installed
from parity.frameworks.precision import Mode
from parity.frameworks.routes.stages import Stage, at
from parity.frameworks.spelling import Refusal, Spelling, Unsupported

EXTRA = "routes"


@dataclass(frozen=True)
class Code:
    """What a route does with a layer, as code that finds ``layer`` and ``given``, the framework's tensor.

    Attributes:
        imports: the modules that it needs.
        statements: to be run first; they end with a line feed, or are none.
        call: the expression of the output, a tensor of the framework's or an array.
    """

    imports: tuple[str, ...] = ()
    statements: str = ""
    call: str = "layer(given)"


class Way:
    """One route, without state; a subclass says what is not so by default.

    Attributes:
        needs: the distributions without which it does not run, beside the framework's.
        engine: the distribution that computes, as its backend is named, and its distribution; None where the
            framework itself does.
        seconds: that a case takes, measured with small layers; most of it is compilation.
        says_no_gradients: why none can be had; None where they can.
        device: the only one that has it; None for any.
        stages: at which the framework's own refusals may come, too.
        errors: which further ones they may be.
    """

    needs: Sequence[str] = ()
    engine: tuple[str, str] | None = None
    seconds: float | None = None
    says_no_gradients: str | None = None
    device: str | None = None
    stages: Sequence[Stage] = ()
    errors: Sequence[str] = ()

    def why_unavailable(self) -> str | None:
        """Return what it needs that is not here, and what to do about it, or None."""
        missing = (each for each in self.needs if installed_version(each) is None)
        return next((not_installed(each, f"'convparity[{EXTRA}]'") for each in missing), None)

    def backend(self, otherwise: str | None) -> str | None:
        """Return what computes and its version; ``otherwise`` is what does without this route."""
        if self.engine is None:
            return otherwise
        name, distribution = self.engine
        return f"{name} {installed_version(distribution)}"

    def mode(self, case: Case, otherwise: Mode) -> Mode:  # noqa: ARG002 - for those that know
        """Return the precision that it computes the case in; ``otherwise`` is the framework's own."""
        return otherwise

    def load(self) -> None:
        """Import what it needs, with its switches set, after the framework."""

    def pin(self, threads: int) -> dict[str, Any]:  # noqa: ARG002 - for those that have threads of their own
        """Set what changes numbers and where files are kept; return what is set by name."""
        return {}

    def spelled(self, layers: Sequence[Spelling | Unsupported]) -> list[Spelling | Unsupported]:
        """Return the framework's own layers with what this route refuses of them.

        Of an exact one that it refuses or knows nothing of, there is none.
        """
        routed = [self.refusing(each) if isinstance(each, Spelling) else each for each in layers]
        return [
            new
            for old, new in zip(layers, routed, strict=True)
            if isinstance(new, Spelling) or not (isinstance(old, Spelling) and old.kind != "native")
        ]

    def refusing(self, spelling: Spelling) -> Spelling | Unsupported:
        """Return one of the framework's layers with what this route refuses of it."""
        reason = self.why_not(spelling.computes)
        if reason is not None:
            return Unsupported(reason)
        own = spelling.refusal
        if own is not None:
            errors = (*own.errors, *at(self.stages, *own.errors), *self.errors)
            certain = own.certain and not self.may_compute(spelling.computes, own)
            own = replace(own, errors=errors, certain=certain)
        return replace(spelling, refusal=either(own, self.refusal(spelling.computes)))

    def why_not(self, case: Case) -> str | None:  # noqa: ARG002 - for those that know
        """Return why there is no layer of this case on the route, or None."""
        return None

    def may_compute(self, case: Case, refused: Refusal) -> bool:  # noqa: ARG002 - for those that know
        """Return whether the route may compute a case that the framework itself refuses so."""
        return False

    def refusal(self, case: Case) -> Refusal | None:  # noqa: ARG002 - for those that know
        """Return what the route refuses of its own, or None."""
        return None

    def run(self, layer: Any, given: Any) -> Any:
        """Bring the layer, whose weights are set, into the route's form, and call that."""
        return layer(given)

    def code(self) -> Code:
        """Return what :meth:`run` does, for a reader."""
        return Code()


def either(first: Refusal | None, second: Refusal | None) -> Refusal | None:
    """Return one refusal for what two may refuse, with the reason of the first that is certain."""
    if first is None or second is None:
        return first or second
    told = second if second.certain and not first.certain else first
    errors = tuple(dict.fromkeys((*first.errors, *second.errors)))
    return Refusal(told.reason, errors, certain=first.certain or second.certain)


PLAIN = Way()
"""No route: the layer is called as it is."""


def way_of(on: Sequence[str], ways: Mapping[str, Way]) -> Way:
    """Return the way that the last of the routes is; a format of the data is none."""
    return ways.get(on[-1], PLAIN) if on else PLAIN


def routes_left(
    on: Sequence[str], data_format: str, ways: Mapping[str, Way], in_any_format: Collection[str]
) -> tuple[str, ...]:
    """Return the routes that may follow those chosen: the data's format first, and then one way at most."""
    if way_of(on, ways) is not PLAIN:
        return ()
    return tuple(sorted(in_any_format)) if on else (data_format, *sorted(ways))
