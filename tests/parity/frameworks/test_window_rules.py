"""What frameworks state of their windows is what their layers mean, in the grid and in drawn cases."""

from __future__ import annotations

import pytest
from hypothesis import given

from parity.cases.case import Case
from parity.cases.suites import load_suite
from parity.frameworks.interface import Framework
from parity.frameworks.keras.operations.framework import Operations
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import BUILT_IN, all_frameworks
from parity.frameworks.torch.functional.framework import Functional
from parity.frameworks.window_rule import Window, read_call, rule_of
from tests.support.strategies import cases

FRAMEWORKS = [
    *(each for each in all_frameworks() if each.name in BUILT_IN),
    Functional(),
    Operations(),
]


def check(framework: Framework, case: Case) -> int:
    """Check the layers of a case; how many there are."""
    layers = framework.layers_for(case) if case.padding_mode in framework.padding_modes else []
    checked = 0
    for spelled in layers:
        if not isinstance(spelled, Spelling) or spelled.kind == "exact":
            continue
        given = read_call(str(spelled.layer))
        if given is None:  # a pad beside it, in statements
            continue
        rule = rule_of(framework.windows, given)
        assert rule is not None, f"no rule states {spelled.layer}"
        meant = [
            Window(axis.before, axis.fine if case.transposed else axis.coarse)
            for axis in spelled.meaning.geometry.axes
        ]
        stated = [rule.window(given, axis, case) for axis in range(case.rank)]
        assert stated == meant, f"{rule.written} of {spelled.layer} for {case.command}"
        checked += 1
    return checked


@pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda each: each.name)
def test_each_layer_of_the_grid_has_the_window_that_is_stated(framework: Framework) -> None:
    assert sum(check(framework, each.case) for each in load_suite("grid").cases) > 1000


@pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda each: each.name)
def test_each_layer_of_a_drawn_case_has_the_window_that_is_stated(framework: Framework) -> None:
    @given(cases())
    def test(case: Case) -> None:
        check(framework, case)

    test()
