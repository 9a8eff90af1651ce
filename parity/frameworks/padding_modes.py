"""The padding mode of a case beside those of a framework: asked here alone, so that no adapter can forget."""

from __future__ import annotations

from dataclasses import replace

from parity.cases.case import ZEROS, Case
from parity.frameworks.interface import Framework, Refuses
from parity.frameworks.spelling import Spelling, Unsupported


def layers_by_mode(framework: Framework, case: Case, refuses: Refuses) -> list[Spelling | Unsupported]:
    """Return a framework's layers for a case, or that it has none whose padding holds the same."""
    reason = why_no_mode(framework, case)
    return [Unsupported(reason)] if reason else framework.layers_for(_in_its_words(case), refuses)


def exact_by_mode(framework: Framework, case: Case, *, any_size: bool = False) -> list[Spelling]:
    """Return layers put together that compute the case, as :meth:`Spells.exact`; none without its mode."""
    if why_no_mode(framework, case):
        return []
    return framework.exact(_in_its_words(case), any_size=any_size)


def why_no_mode(framework: Framework, case: Case) -> str | None:
    """Return that a framework has no layers whose padding holds what the case's does, or None."""
    if case.filled_with in framework.padding_modes:
        return None
    return (
        f"{framework.name} is asked for padding of {' or '.join(framework.padding_modes)} alone, and this "
        f"case's holds other elements: padding_mode={case.padding_mode!r}"
    )


def _in_its_words(case: Case) -> Case:
    """Return the case with zeros for a mode that nothing is padded with: its other paddings are of zeros."""
    return case if case.filled_with == case.padding_mode else replace(case, padding_mode=ZEROS)
