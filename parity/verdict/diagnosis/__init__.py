"""What a result that differs is instead: known mistakes, tried one after another.

The first row of the table that gives the result, every value of it, is the diagnosis. Nothing here knows
which framework it was, nor what was predicted of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from parity.cases.arrays import Array
from parity.verdict.diagnosis.mistakes import MISTAKES
from parity.verdict.diagnosis.suspect import Row, Suspect
from parity.verdict.reference import Reference

_OF_NO_PRODUCT = frozenset({"bias", "numeric", "scaled"})
"""Mistakes of a case without an input element, whose output is its bias: only that can be mistaken."""


def diagnose(result: Array, reference: Reference, budget: Iterator[int]) -> Iterator[list[Suspect]]:
    """Yield the mistakes that explain every value, those of one row together, in the order of the search.

    Each output that is computed for it takes one from the budget; with none left, no more are looked for.
    """
    if result.ndim != reference.y.ndim or len(result) != len(reference.y) or not reference.y.size:
        return
    rows = MISTAKES if reference.arrays.x.size else [row for row in MISTAKES if row.mistake in _OF_NO_PRODUCT]
    for row in rows:
        fitting = _fitting(row, result.astype(np.float64), reference, budget)
        if fitting:
            yield fitting


def _fitting(row: Row, result: Array, reference: Reference, budget: Iterator[int]) -> list[Suspect]:
    if len(result) > 1 and not _fitting(row, result[:1], reference.first_sample(), budget):
        return []  # most are ruled out by one sample
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is no explanation
        outputs = zip(budget, row.outputs(result, reference), strict=False)
        return [
            Suspect(row.mistake, text, offset)
            for _, (text, values, offset) in outputs
            if _explains(values, result, reference)
        ]


def _explains(values: Array, result: Array, reference: Reference) -> bool:
    return values.shape == result.shape and bool(reference.equal(result, values).all())
