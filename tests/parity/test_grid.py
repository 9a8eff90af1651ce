"""All built-in suites through all frameworks; of the grid the nightly profile alone takes every case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from msgspec.structs import replace as edited

from parity import run
from parity.cases.case import Case
from parity.cases.suites import SuiteCase, load_suite
from parity.records.result import CaseResult, Result
from tests.support.strategies import share

FRAMEWORKS = ["numpy", "torch", "keras"]


def faults(found: CaseResult, *, exact: bool) -> list[str]:
    """What must not be: unexplained results, and native ones that computed something else than the case."""
    return [
        f"{found.case.command}: {result.label}: {result.error or result.reason}"
        for result in found.results
        if not result.explained or _is_wrong(result, exact=exact)
    ]


def _is_wrong(result: Result, *, exact: bool) -> bool:
    if result.spelling != "native" or result.status != "ok" or result.relation == "empty":
        return False
    return not result.exact if exact else result.relation != "identical"


def _computed(results: list[CaseResult]) -> dict[str, int]:
    """How many native results of each framework have an element."""
    return {
        framework: sum(
            result.framework == framework and result.exact is not None and result.spelling == "native"
            for found in results
            for result in found.results
        )
        for framework in FRAMEWORKS
    }


SHARE = share(19)
"""One in so many cases of the grid; without a factor in common with the axes that vary fastest."""


def run_all(cases: Sequence[SuiteCase], **changes: str) -> list[CaseResult]:
    return [run(_changed(each.case, **changes), FRAMEWORKS) for each in cases]


def _changed(case: Case, **changes: str) -> Case:
    return Case.from_dict({**case.to_dict(), **changes})


def test_on_the_grid_nothing_is_unexplained_and_every_native_result_is_exact() -> None:
    results = run_all(load_suite("grid").cases[::SHARE])
    assert [fault for found in results for fault in faults(found, exact=True)] == []
    computed = _computed(results)
    assert computed["numpy"] > 4000 // SHARE
    assert computed["torch"] > 2000 // SHARE
    assert computed["keras"] > 1000 // SHARE


@pytest.mark.parametrize("name", ["article", "zoo"])
def test_named_layers_on_real_numbers_are_close_in_every_framework(name: str) -> None:
    results = run_all(load_suite(name).cases[:: share(3)], values="normal", dtype="float64")
    assert [fault for found in results for fault in faults(found, exact=False)] == []
    assert all(_computed(results).values())


def test_rounding_errors_of_long_sums_in_float32_are_explained() -> None:
    found = run(Case("conv1d", (1, 4096, 8), 8, 3, values="normal"), FRAMEWORKS)
    assert faults(found, exact=False) == []


@pytest.mark.parametrize("name", ["article", "zoo"])
def test_named_layers_on_integers_are_exact_in_every_framework(name: str) -> None:
    results = run_all(load_suite(name).cases, values="integers")
    assert [fault for found in results for fault in faults(found, exact=True)] == []
    assert all(_computed(results).values())


def test_a_native_result_that_is_not_exact_is_a_fault_though_it_be_explained() -> None:
    found = run(load_suite("article").cases[0].case, ["numpy"])
    assert faults(found, exact=True) == []
    (result,) = found.results
    for wrong in (edited(result, exact=False), edited(result, explained=False)):
        assert len(faults(replace(found, results=(wrong,)), exact=True)) == 1
