"""Sizes of zero: by the definition, and what frameworks make of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given

from parity import Case, run
from parity.cases.case import CaseError
from parity.frameworks.table import installed
from parity.records.counts import Outcome, Report
from parity.strategies import cases
from tests.support import narrow
from tests.support.strategies import examples

WITH_ZEROS = cases(
    dtypes=("float32", "float64", "float16", "bfloat16"),
    values=("integers", "normal", "special", "digits"),
    min_batch=0,
    min_channels=0,
    min_filters=0,
    min_size=0,
)


@pytest.mark.parametrize("framework", ["numpy", "torch", "keras"])
@examples(120)
@given(WITH_ZEROS)
def test_what_each_framework_does_is_its_rule_or_known(framework: str, case: Case) -> None:
    if framework not in installed():
        pytest.skip(f"{framework} is not installed")
    assume(0 in (*case.input, case.filters))
    for result in run(case, [framework]).results:
        assert result.explained, f"{case.command}: {result.label}: {result.error or result.reason}"
        assert framework != "numpy" or result.relation in {"identical", "empty"}


@examples(60)
@given(cases(min_channels=0, max_channels=0, max_groups=1, values=("integers", "normal")))
def test_an_empty_sum_is_zero_and_then_the_bias(case: Case) -> None:
    found = run(case, [], impl=narrow.RIGHT)
    assert found.results[0].relation == "identical"
    assert found.reference.any() == case.bias
    assert found.results[0].compared == case.bias


def test_an_output_of_another_size_is_told_though_it_has_no_element() -> None:
    def late(x: np.ndarray, *_: object, **__: object) -> np.ndarray:
        return x.copy()

    found = run(Case("conv2d", (0, 1, 20, 20), 1, 3), [], impl=late)
    assert (found.results[0].relation, found.results[0].explained) == ("empty", False)
    assert "0x1x20x20 against 0x1x18x18" in str(found.results[0].reason)
    assert Report([found.record]).outcome == Outcome.UNEXPLAINED
    right = run(Case("conv2d", (0, 1, 20, 20), 1, 3), [], impl=narrow.RIGHT)
    assert Report([right.record]).outcome == Outcome.NOTHING_COMPARED


def test_cases_without_elements_are_drawn_only_where_they_are_asked_for() -> None:
    with pytest.raises(CaseError, match="max_channels=0"):
        cases(max_channels=0)
    with pytest.raises(ValueError, match="max_size=0: allowed is an int of at least 1"):
        cases(max_size=0)
