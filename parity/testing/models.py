"""An assertion on whole models, for a test suite of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from parity.models.comparison.comparing import compare
from parity.models.inputs import Input
from parity.records.counts import Outcome


def assert_same_model(
    a: object,
    b: object,
    inputs: Sequence[Input] | None = None,
    map: str | Path | None = None,  # noqa: A002 - as of compare
) -> None:
    """Assert that two models compute the same, layer by layer and in all, but for rounding.

    The arguments and errors are those of :func:`parity.models.comparison.comparing.compare`.

    Raises:
        AssertionError: they differ, or nothing was compared; the message has each pair of layers, the first
            cause, and what to write instead.
        ModelError: a model that cannot be opened or run.
    """
    __tracebackhide__ = True
    found = compare(a, b, inputs, map)
    if found.outcome is not Outcome.EXPLAINED:
        raise AssertionError(f"{found.ours.name} and {found.theirs.name}:\n{found}")
