"""Cases whose gradients are compared, and the results of them."""

from __future__ import annotations

from parity.cases.case import Case
from parity.records.result import CaseResult, Result

GRADIENTS = ("input_grad", "weight_grad", "bias_grad")
VALID = Case("conv2d", (2, 4, 6, 5), 6, (3, 2), stride=2, padding="valid", bias=True)


def gradients_of(found: CaseResult, framework: str) -> dict[str, Result]:
    return {
        result.output: result
        for result in found.results
        if result.framework == framework and result.output != "value"
    }


def unexplained(found: CaseResult) -> list[tuple[str, str | None, str | None]]:
    return [(each.label, each.error, each.reason) for each in found.results if not each.explained]
