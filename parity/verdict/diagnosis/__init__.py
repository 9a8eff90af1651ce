"""What a result that differs is instead: known mistakes, tried one after another.

The first hypothesis that gives the result, every value of it, is the diagnosis. Nothing here knows which
framework it was, nor what was predicted of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from parity.cases.arrays import Array
from parity.verdict.diagnosis import mistakes, rounding
from parity.verdict.diagnosis.suspect import Hypothesis, Suspect
from parity.verdict.reference import Reference

HYPOTHESES: tuple[Hypothesis, ...] = (
    mistakes.other_window,
    mistakes.flipped,
    mistakes.axes_swapped,
    mistakes.channels_swapped,
    mistakes.groups_permuted,
    mistakes.other_layout,
    mistakes.stride_and_dilation,
    mistakes.bias,
    mistakes.window_flipped,
    mistakes.padding_values,
    mistakes.output_padding_side,
    rounding.reduced_precision,
    rounding.scaled,
)
"""In the order they are looked for."""


def diagnose(result: Array, reference: Reference, budget: Iterator[int]) -> Iterator[list[Suspect]]:
    """Yield the mistakes that explain every value, those of one kind together, in the order of the search.

    Each output that is computed for it takes one from the budget; with none left, no more are looked for.
    """
    if result.ndim != reference.y.ndim or len(result) != len(reference.y):
        return
    for hypothesis in HYPOTHESES:
        fitting = _fitting(hypothesis, result.astype(np.float64), reference, budget)
        if fitting:
            yield fitting


def _fitting(
    hypothesis: Hypothesis, result: Array, reference: Reference, budget: Iterator[int]
) -> list[Suspect]:
    if len(result) > 1 and not _fitting(hypothesis, result[:1], reference.first_sample(), budget):
        return []  # most are ruled out by one sample
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is no explanation
        suspects = zip(budget, hypothesis(result, reference), strict=False)
        return [suspect for _, suspect in suspects if _explains(suspect, result, reference)]


def _explains(suspect: Suspect, result: Array, reference: Reference) -> bool:
    return suspect.values.shape == result.shape and bool(reference.equal(result, suspect.values).all())
