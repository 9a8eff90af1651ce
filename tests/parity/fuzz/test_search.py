"""What a search finds, and to what it shrinks it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from parity.cases.case import Case
from parity.cases.selection import Bounds, Selection
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.function import implementation
from parity.fuzz.causes import causes_of
from parity.fuzz.finding import Finding
from parity.fuzz.places import common_place
from parity.records.counts import Outcome
from parity.records.result import Result
from parity.running import run
from parity.strategies.simpler import simpler
from tests.support import coincidences
from tests.support.results import result_of
from tests.support.searching import PLAIN, found, search, search_gradients
from tests.support.strategies import TIMES

INTEGERS = Selection(values=["integers"])
CONV2D = Selection(["conv2d"], ["float32"], ["integers"])


def summary(finding: Finding) -> tuple[object, ...]:
    return finding.cause, finding.case, finding.count, finding.dtypes, finding.shrunk


SMALLEST = {
    "wrong_groups": {
        "wrong_groups native conv groups permuted": "conv1d --input 1,4,1 --filters 2 --kernel 1 --groups 2",
        "wrong_groups native conv unrelated": "conv1d --input 1,4,1 --filters 4 --kernel 1 --groups 2",
        "wrong_groups native conv_transpose unrelated": (
            "conv_transpose1d --input 1,4,1 --filters 2 --kernel 1 --groups 2"
        ),
    },
    "wrong_dilation": {
        "wrong_dilation native conv scaled": (
            "conv1d --input 1,1,1 --filters 1 --kernel 1 --stride 3 --dilation 2"
        ),
        "wrong_dilation native conv_transpose scaled": (
            "conv_transpose1d --input 1,1,1 --filters 1 --kernel 1 --stride 3 --dilation 2"
        ),
    },
    "wrong_same": {
        "wrong_same native conv window": "conv1d --input 1,1,1 --filters 1 --kernel 2 --padding same"
    },
}


@pytest.mark.parametrize(
    ("function", "examples"), [("wrong_groups", 50), ("wrong_dilation", 100), ("wrong_same", 500)]
)
def test_a_coincidence_is_found_and_shrunk_to_the_smallest_case(function: str, examples: int) -> None:
    made = search(function, examples, PLAIN)
    smallest = {cause: f"parity run {case}" for cause, case in SMALLEST[function].items()}
    assert found(made).items() >= smallest.items()
    assert all(finding.shrunk for finding in made.findings)
    assert made.report.outcome == Outcome.UNEXPLAINED


@pytest.mark.parametrize(
    ("function", "coincide"),
    [
        ("wrong_groups", coincidences.of_two_channels),
        ("wrong_dilation", coincidences.of_a_dilation_and_a_stride),
        ("wrong_same", coincidences.of_odd_inputs),
    ],
)
def test_whatever_is_found_is_a_case_of_the_coincidence(function: str, coincide: object) -> None:
    made = search(function, round(300 * min(TIMES, 1)), INTEGERS, seed=1)
    assert made.findings
    for finding in made.findings:
        arrays = draw_arrays(finding.case)
        assert coincide(arrays.x, arrays.w, **finding.case.explicit)  # type: ignore[operator] # of three kinds


def test_the_same_in_every_dtype_is_one_finding() -> None:
    made = search("wrong_groups", 400, Selection(["conv_transpose2d"], values=["integers"]))
    [finding] = made.findings
    assert sorted(finding.dtypes) == ["bfloat16", "float16", "float32", "float64"]
    assert finding.case.dtype == "float32"
    assert finding.count == made.report.verdicts["unexplained"]


@pytest.mark.parametrize("function", ["wrong_groups", "wrong_dilation", "wrong_same"])
def test_no_simpler_case_shows_what_is_found(function: str) -> None:
    for finding in search(function, 200, PLAIN, seed=2).findings:
        run_one = partial(run, impl=implementation(f"tests.support.coincidences:{function}"), frameworks=[])
        shown = [case.command for case in simpler(finding.case) if finding.cause in causes_of(run_one(case))]
        assert shown == []


def test_a_search_within_bounds_draws_and_shrinks_within_them() -> None:
    bounded = Selection(["conv1d"], ["float32"], ["integers"], {"min_kernel": 2, "min_filters": 3})
    [finding] = search("wrong_dilation", 100, bounded).findings
    assert finding.case in bounded
    assert finding.case.command == (
        "parity run conv1d --input 1,1,3 --filters 3 --kernel 2 --stride 3 --dilation 2"
    )
    without = Selection(["conv1d"], ["float32"], ["integers"], {"max_groups": 1, "max_stride": 2})
    for function in ("wrong_dilation", "wrong_groups"):
        assert search(function, 100, without).findings == []


@pytest.mark.parametrize(
    ("function", "ops", "smallest", "place"),
    [
        (
            "wrong_tail",
            ["conv1d", "conv2d"],
            "conv1d --input 1,1,2 --filters 1 --kernel 1",
            "the last of axis 0",
        ),
        ("wrong_tail", ["conv2d"], "conv2d --input 1,1,1,2 --filters 1 --kernel 1", "the last of axis 1"),
        (
            "wrong_between",
            ["conv1d"],
            "conv1d --input 1,1,1 --filters 4 --kernel 1",
            "all but the first and the last of channels",
        ),
    ],
)
def test_the_place_of_a_mistake_is_kept_in_shrinking(
    function: str, ops: list[str], smallest: str, place: str
) -> None:
    [finding] = search(function, 100, Selection(ops, ["float32"], ["integers"])).findings
    assert finding.case.command == f"parity run {smallest}"
    assert finding.result.places == (place,)
    assert finding.shrunk
    assert "only in " in str(finding.result.reason)


@pytest.mark.parametrize("seed", range(4))
def test_a_place_that_the_first_cases_do_not_have_is_kept_too(seed: int) -> None:
    bounds: Bounds = {"max_size": 2, "max_batch": 1, "max_filters": 1, "max_groups": 1}
    bounds["padding_kinds"] = ["none"]
    rarely = Selection(["conv1d"], ["float32"], ["integers"], bounds)
    [finding] = search("wrong_tail", 60, rarely, seed=seed).findings
    assert finding.case.command == "parity run conv1d --input 1,1,2 --filters 1 --kernel 1"


def unrelated(shape: tuple[int, ...], *places: str) -> Result:
    return result_of("mine", "native", "f", "ok", shape=shape, relation="unrelated", places=places)


def test_a_place_that_few_results_have_is_a_coincidence() -> None:
    there, elsewhere = unrelated((1, 2, 3), "the last of axis 0"), unrelated((1, 2, 3))
    single = unrelated((1, 1, 1))
    assert common_place([there, elsewhere]) == "the last of an axis"
    assert common_place([there, unrelated((1, 1, 2, 2), "the last of axis 1"), elsewhere]) is not None
    assert common_place([there, elsewhere, elsewhere]) is None
    assert common_place([there, elsewhere, single, single]) == "the last of an axis"
    assert common_place([single]) is None


def test_two_mistakes_in_one_function_are_two_findings() -> None:
    made = search("wrong_twice", 200, CONV2D)
    assert {finding.cause.relation for finding in made.findings} >= {"flipped", "bias"}


def test_messages_make_no_finding() -> None:
    made = search("complains", 200, CONV2D)
    assert {each.cause.error: each.case.command for each in made.findings} == {
        "ValueError": "parity run conv2d --input 2,1,1,1 --filters 1 --kernel 1",
        "KeyError": "parity run conv2d --input 1,1,1,1 --filters 1 --kernel 1 --stride 1,2",
    }


def test_equal_seeds_give_equal_findings() -> None:
    one, again, other = (search("wrong_dilation", 60, PLAIN, seed=seed) for seed in (3, 3, 4))
    assert list(map(summary, one.findings)) == list(map(summary, again.findings))
    assert [each.count for each in one.findings] != [each.count for each in other.findings]


def test_a_right_function_yields_nothing() -> None:
    examples = round(2_000 * TIMES)
    made = search("right", examples)
    assert made.findings == []
    assert made.report.outcome == Outcome.EXPLAINED
    assert made.report.verdicts.total() == examples


def test_a_later_search_begins_with_what_an_earlier_one_found(tmp_path: Path) -> None:
    earlier = search("wrong_same", 500, INTEGERS, database=tmp_path)
    later = search("wrong_same", 1, INTEGERS, database=tmp_path)
    assert [each.case for each in later.findings] == [each.case for each in earlier.findings]
    assert all(finding.shrunk for finding in later.findings)


def test_what_is_not_searched_for_is_kept_and_not_run(tmp_path: Path) -> None:
    search("wrong_same", 500, INTEGERS, database=tmp_path)
    assert search("wrong_same", 1, Selection(["conv3d"]), database=tmp_path).findings == []
    assert search("wrong_same", 1, database=tmp_path).findings


def test_what_is_right_again_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert search("wrong_until_repaired", 100, PLAIN, database=tmp_path).findings
    with monkeypatch.context() as changed:
        changed.setattr(coincidences, "REPAIRED", True)
        assert search("wrong_until_repaired", 1, PLAIN, database=tmp_path).findings == []
    assert search("wrong_until_repaired", 1, PLAIN, database=tmp_path).findings == []


def test_a_result_that_does_not_come_again_is_not_called_shrunk() -> None:
    made = search("wrong_once", 100)
    [finding] = made.findings
    assert not finding.shrunk
    assert isinstance(finding.case, Case)


# Gradients


def test_a_wrong_gradient_is_found_and_shrunk_to_the_smallest_case() -> None:
    made = search_gradients("flipped", 60, PLAIN)
    assert found(made) == {
        "right native weight_grad conv unrelated": "parity run conv1d --input 1,1,2 --filters 1 --kernel 2",
        "right native weight_grad conv_transpose unrelated": (
            "parity run conv_transpose1d --input 1,1,1 --filters 1 --kernel 2"
        ),
    }
    assert all(finding.shrunk for finding in made.findings)


def test_right_gradients_yield_nothing() -> None:
    made = search_gradients("right", round(300 * TIMES))
    assert (made.findings, made.report.outcome) == ([], Outcome.EXPLAINED)


def test_gradients_are_kept_apart_and_a_search_without_them_does_not_forget_them(tmp_path: Path) -> None:
    earlier = search_gradients("flipped", 60, PLAIN, database=tmp_path)
    assert search_gradients("flipped", 1, PLAIN, grad=False, database=tmp_path).findings == []
    later = search_gradients("flipped", 1, PLAIN, database=tmp_path)
    assert {each.case for each in later.findings} == {each.case for each in earlier.findings}
    assert search_gradients("right", 1, PLAIN, database=tmp_path).findings == []
    assert search_gradients("flipped", 1, PLAIN, database=tmp_path).findings == []
