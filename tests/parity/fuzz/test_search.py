"""What a search finds, and to what it shrinks it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from parity.cases.case import Case
from parity.cases.drawing import draw_arrays
from parity.frameworks.function import implementation
from parity.fuzz.among import Among
from parity.fuzz.causes import causes_of
from parity.fuzz.finding import Finding
from parity.fuzz.simpler import simpler
from parity.records.counts import Outcome
from parity.running import run
from tests.support import coincidences
from tests.support.searching import PLAIN, found, search
from tests.support.strategies import TIMES

INTEGERS = Among(values=["integers"])
CONV2D = Among(["conv2d"], ["float32"], ["integers"])


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
    made = search(function, round(160 * min(TIMES, 1)), INTEGERS, seed=1)
    assert made.findings
    for finding in made.findings:
        arrays = draw_arrays(finding.case)
        assert coincide(arrays.x, arrays.w, **finding.case.explicit)  # type: ignore[operator] # of three kinds


def test_the_same_in_every_dtype_is_one_finding() -> None:
    made = search("wrong_groups", 400, Among(["conv_transpose2d"], values=["integers"]))
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
    assert search("wrong_same", 1, Among(["conv3d"]), database=tmp_path).findings == []
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
