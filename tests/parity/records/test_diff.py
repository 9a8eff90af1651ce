"""What changed between two recorded sweeps: real ones of NumPy and PyTorch, then edited."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from parity.cli.main import run_cli
from parity.records.changes import PRECISION_FACTOR
from parity.records.counts import Outcome
from parity.records.diff import Diff, diff
from tests.support.recorded import Json, recorded, write

in_one_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)

MIRRORED = {"new difference": "gone difference", "gone difference": "new difference"}

Edit = dict[str, Any]
EDITS: tuple[Edit, ...] = (
    {"relation": "window", "offset": [1, 1], "explained": False},
    {"relation": "numeric", "max_abs_error": 1e-3},
    {"relation": "unrelated", "shape": [1, 1]},
    {"status": "rejected", "error": "ValueError: no", "relation": "rejected", "shape": None},
    {"status": "rejected", "error": "RuntimeError: no", "relation": "rejected", "shape": None},
    {"status": "crashed", "error": "it ended with signal 11", "relation": None, "shape": None},
    {"bound_ratio": 0.9},
    {"bound_ratio": 0.001},
    {"layer": "torch.nn.Identity()"},
    {"explained": False},
)


def compared(folder: Path, old: list[Json], new: list[Json]) -> Diff:
    return diff(write(folder / "old.jsonl", old), write(folder / "new.jsonl", new))


@st.composite
def sweeps(draw: st.DrawFn) -> list[Json]:
    """The recorded sweep with some results edited, some records left out, some frameworks unheard of.

    Shrinks towards the sweep as it was recorded.
    """
    header, *records = recorded()
    for record in records:
        for place in draw(st.sets(st.sampled_from(range(len(record["results"]))), max_size=2)):
            record["results"][place] |= draw(st.sampled_from(EDITS))
        if draw(st.booleans()):
            record["results"].pop(draw(st.sampled_from(range(len(record["results"])))))
        record["verdict"] = draw(st.sampled_from([record["verdict"], "unexplained"]))
    left_out = draw(st.sets(st.sampled_from(range(len(records))), max_size=3))
    kept = [record for place, record in enumerate(records) if place not in left_out]
    if draw(st.booleans()):
        header["frameworks"].pop()
        for record in kept:
            record["results"] = [each for each in record["results"] if each["framework"] != "torch"]
    return [header, *kept]


@in_one_folder
@given(sweep=sweeps(), data=st.data())
def test_nothing_changed_from_a_sweep_to_itself_in_any_order(
    tmp_path: Path, sweep: list[Json], data: st.DataObject
) -> None:
    header, *records = sweep
    shuffled = [{**header, "started": "another day"}, *data.draw(st.permutations(records))]
    found = compared(tmp_path, sweep, shuffled)
    assert found.compared == len(records)
    assert (found.groups, found.environment) == ((), ())
    assert (found.old.contestants, found.new.contestants) == ((), ())
    assert found.outcome == (Outcome.EXPLAINED if records else Outcome.NOTHING_COMPARED)


@in_one_folder
@given(old=sweeps(), new=sweeps())
def test_the_other_way_round_everything_is_mirrored(tmp_path: Path, old: list[Json], new: list[Json]) -> None:
    there, back = compared(tmp_path, old, new), compared(tmp_path, new, old)
    assert sorted(one_by_one(there)) == sorted(mirrored(one_by_one(back)))
    assert (there.old.cases, there.new.cases) == (back.new.cases, back.old.cases)
    assert (there.old.contestants, there.new.contestants) == (back.new.contestants, back.old.contestants)
    assert (there.changed, there.compared, there.outcome) == (back.changed, back.compared, back.outcome)


@in_one_folder
@given(old=sweeps(), new=sweeps(), data=st.data())
def test_the_order_of_the_records_and_results_does_not_matter(
    tmp_path: Path, old: list[Json], new: list[Json], data: st.DataObject
) -> None:
    found = compared(tmp_path, old, new).to_dict()
    header, *records = new
    shuffled = data.draw(st.permutations(records))
    for record in shuffled:
        record["results"].reverse()
    assert compared(tmp_path, old, [header, *shuffled]).to_dict() == found


@in_one_folder
@given(old=sweeps(), new=sweeps())
def test_cases_are_in_both_or_in_one_and_a_groups_cases_are_distinct(
    tmp_path: Path, old: list[Json], new: list[Json]
) -> None:
    found = compared(tmp_path, old, new)
    assert found.compared + len(found.old.cases) == len(old) - 1
    assert found.compared + len(found.new.cases) == len(new) - 1
    for group in found.groups:
        commands = [case.command for case in group.cases]
        assert len(set(commands)) == len(commands) <= found.changed <= found.compared
    assert len({(group.kind, group.result, group.how) for group in found.groups}) == len(found.groups)


def one_by_one(found: Diff) -> list[tuple[str, str, str, str, str]]:
    return [
        (group.kind, str(group.result), command, json.dumps(old), json.dumps(new))
        for group in found.groups
        for command, old, new, _ in group.cases
    ]


def mirrored(changes: list[tuple[str, str, str, str, str]]) -> list[tuple[str, str, str, str, str]]:
    return [
        (MIRRORED.get(kind, kind), result, command, old, new) for kind, result, command, new, old in changes
    ]


def edited(edit: Callable[[Json], object], *, case: int = 1) -> list[Json]:
    """The sweep with one record edited."""
    lines = recorded()
    edit(lines[case])
    return lines


def native(record: Json, output: str = "value") -> Json:
    """The result of PyTorch's native layer."""
    (found,) = [
        result
        for result in record["results"]
        if (result["framework"], result["spelling"], result["output"]) == ("torch", "native", output)
    ]
    assert isinstance(found, dict)
    return found


def with_result(output: str = "value", **keys: object) -> Callable[[Json], object]:
    return lambda record: native(record, output).update(keys)


CONV, ROUNDED = 1, 3
"""Lines of cases whose native PyTorch layer is identical, the last of them with rounding errors."""


@pytest.mark.parametrize(
    ("case", "edit", "kind", "result", "how"),
    [
        (
            CONV,
            with_result(relation="window", offset=[1, 1]),
            "new difference",
            "torch native",
            "identical -> window at 1,1",
        ),
        (
            CONV,
            with_result("weight_grad", relation="flipped"),
            "new difference",
            "torch native weight_grad",
            "identical -> flipped",
        ),
        (ROUNDED, with_result(relation="numeric"), "new difference", "torch native", "identical -> numeric"),
        (
            CONV,
            with_result(status="rejected", error="ValueError: no such stride", relation="rejected"),
            "error",
            "torch native",
            "identical -> rejected (ValueError)",
        ),
        (
            CONV,
            with_result(status="timeout", error=None, relation=None),
            "error",
            "torch native",
            "identical -> timeout",
        ),
        (
            CONV,
            with_result(status="invalid", error="it returned no array but None", relation=None),
            "error",
            "torch native",
            "identical -> invalid",
        ),
        (CONV, with_result(explained=False), "explanation", "torch native", "explained -> unexplained"),
        (CONV, with_result(shape=[1, 2, 4, 3]), "shape", "torch native", "by 0,0,+1,0"),
        (CONV, with_result(shape=[1, 2, 9]), "shape", "torch native", "1x2x3x3 -> 1x2x9"),
        (
            CONV,
            lambda record: record["reference"].update(shape=[1, 2, 3, 2]),
            "shape",
            "reference",
            "by 0,0,0,-1",
        ),
        (CONV, lambda record: record.update(verdict="explained"), "verdict", None, "agree -> explained"),
        (
            CONV,
            with_result(layer="torch.nn.Conv2d(2, 2, (3, 3), stride=(1, 1), padding='valid', bias=False)"),
            "layer",
            "torch native",
            "-0 -0 -padding= +padding='valid'",
        ),
        (
            CONV,
            lambda record: record["results"].remove(native(record, "weight_grad")),
            "result",
            "torch native weight_grad",
            "identical -> no result",
        ),
    ],
)
def test_one_change_is_found_named_and_nothing_else(
    tmp_path: Path, case: int, edit: Callable[[Json], object], kind: str, result: str | None, how: str
) -> None:
    new = edited(edit, case=case)
    found = compared(tmp_path, recorded(), new)
    assert [(group.kind, group.result, group.how) for group in found.groups] == [(kind, result, how)]
    assert [case.command for case in found.groups[0].cases] == [new[case]["command"]]
    assert found.outcome == Outcome.UNEXPLAINED


def test_a_difference_that_is_gone_and_one_that_became_another_are_told_apart(tmp_path: Path) -> None:
    same, flipped = recorded(), edited(with_result(relation="flipped"))
    unrelated = edited(with_result(relation="unrelated"))
    (gone,) = compared(tmp_path, flipped, same).groups
    assert (gone.kind, gone.how) == ("gone difference", "flipped -> identical")
    (other,) = compared(tmp_path, flipped, unrelated).groups
    assert (other.kind, other.how) == ("relation", "flipped -> unrelated")


def test_an_error_of_another_class_is_a_change_and_one_in_other_words_is_none(tmp_path: Path) -> None:
    def rejected(error: str) -> list[Json]:
        return edited(with_result(status="rejected", error=error, relation="rejected", shape=None))

    old = rejected("ValueError: stride=2")
    assert compared(tmp_path, old, rejected("ValueError: a stride of 2")).outcome == Outcome.EXPLAINED
    (group,) = compared(tmp_path, old, rejected("TypeError: stride=2")).groups
    assert (group.kind, group.how) == ("error", "rejected (ValueError) -> rejected (TypeError)")


def test_a_window_that_moved_is_said_with_both_places(tmp_path: Path) -> None:
    old = edited(with_result(relation="window", offset=[0, 1]))
    new = edited(with_result(relation="window", offset=[1, 1]))
    (group,) = compared(tmp_path, old, new).groups
    assert (group.kind, group.how) == ("window", "window at 0,1 -> window at 1,1")


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        (1 / 1024, PRECISION_FACTOR / 1024, False),
        (1 / 1024, PRECISION_FACTOR / 1000, True),
        (PRECISION_FACTOR / 1000, 1 / 1024, True),
        (0.0, 0.5, False),
        (0.5, 0.0, False),
    ],
)
def test_an_error_within_its_bound_changed_where_it_grew_beyond_the_noise(
    tmp_path: Path,
    old: float,
    new: float,
    changed: bool,  # noqa: FBT001 - an expected value
) -> None:
    before, after = (edited(with_result(bound_ratio=ratio), case=ROUNDED) for ratio in (old, new))
    groups = compared(tmp_path, before, after).groups
    assert [(group.kind, group.cases[0][1:3]) for group in groups] == [("precision", (old, new))] * changed


def test_without_a_bound_the_error_itself_is_compared_and_a_windows_error_is_not(tmp_path: Path) -> None:
    def differing(relation: str, error: float) -> list[Json]:
        return edited(with_result(relation=relation, bound_ratio=None, max_abs_error=error))

    (group,) = compared(tmp_path, differing("numeric", 0.001), differing("numeric", 1.0)).groups
    assert (group.kind, group.how) == ("precision", "max_abs_error grew more than 16-fold")
    found = compared(tmp_path, differing("window", 0.001), differing("window", 1.0))
    assert found.outcome == Outcome.EXPLAINED


def test_a_record_from_before_there_were_gradients_and_warnings_is_compared_all_the_same(
    tmp_path: Path,
) -> None:
    lines = recorded()
    old = recorded()
    for record in old[1:]:
        record["results"] = [result for result in record["results"] if result["output"] == "value"]
        record["command"] = record["command"].removesuffix(" --grad")
        for result in record["results"]:
            for key in ("output", "warnings", "layer", "offset", "bound_ratio", "predicted"):
                del result[key]
    found = compared(tmp_path, old, lines)
    assert found.groups == ()
    assert found.compared == len(lines) - 1
    assert found.new.contestants == tuple(
        f"{framework} {output}"
        for framework in ("numpy", "torch")
        for output in ("bias_grad", "input_grad", "weight_grad")
    )
    back = edited(with_result(relation="flipped"))
    assert [group.kind for group in compared(tmp_path, old, back).groups] == ["new difference"]


def test_a_framework_of_one_sweep_is_listed_once_and_no_case_is_changed_by_it(tmp_path: Path) -> None:
    new = recorded()
    del new[0]["frameworks"][1]
    for record in new[1:]:
        record["results"] = [result for result in record["results"] if result["framework"] == "numpy"]
        record["verdict"] = "agree"
    found = compared(tmp_path, recorded(), new)
    assert found.old.contestants == ("torch",)
    assert (found.groups, found.environment, found.outcome) == ((), (), Outcome.UNEXPLAINED)


def test_the_environment_is_said_and_is_no_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = recorded()
    new[0]["frameworks"][1]["version"] = "99.0"
    new[0]["flags"]["OMP_NUM_THREADS"] = "7"
    new[0]["suites"] = ["third"]
    new[0]["python"] = "4.0"
    new[0]["processor"] = None
    del new[0]["platform"]
    for record in new[1:]:
        record["suite"], record["name"] = "third", "renamed"
    files = [write(tmp_path / name, lines) for name, lines in (("old", recorded()), ("new", new))]
    assert run_cli(["diff", *map(str, files)]) == Outcome.EXPLAINED
    out = capsys.readouterr().out
    told = [line.split(": ")[1] for line in out.splitlines() if line.startswith("environment: ")]
    assert told == ["flags.OMP_NUM_THREADS", "frameworks.torch", "platform", "processor", "python", "suites"]
    assert "environment: suites: first, second -> third\n" in out
    assert "environment: flags.OMP_NUM_THREADS: not set -> 7\n" in out
    assert out.endswith("0 of 6 cases in both changed\n")


def test_cases_that_changed_in_the_same_way_are_a_line_with_the_shortest_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = recorded()
    for record in new[1:3]:
        native(record).update(status="crashed", error=None, relation=None, shape=None)
    del new[6]
    commands = sorted((record["command"] for record in new[1:3]), key=len)
    files = [write(tmp_path / name, lines) for name, lines in (("old", recorded()), ("new", new))]
    assert run_cli(["diff", *map(str, files)]) == Outcome.UNEXPLAINED
    first = "only in {}: 1 case of suite second (layer-6)\n    {}\n".format(
        files[0], recorded()[6]["command"].removesuffix(" --grad")
    )
    assert capsys.readouterr().out.startswith(first)
    assert run_cli(["diff", *map(str, files), "--json"]) == Outcome.UNEXPLAINED
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["kind"]) == (1, "diff")
    assert sum(change["count"] for change in document["changes"]) == 2
    assert {case["command"] for change in document["changes"] for case in change["cases"]} == set(commands)
    assert [lone["suite"] for lone in document["only_old"]] == ["second"]


def test_the_last_record_of_a_case_counts_and_a_repetition_that_differs_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = recorded()
    wrong = edited(with_result(relation="flipped"))[1]
    old = write(tmp_path / "old.jsonl", lines)
    mended = write(tmp_path / "mended.jsonl", [lines[0], wrong, *lines[1:], lines[2]])
    assert run_cli(["diff", str(old), str(mended)]) == Outcome.EXPLAINED
    assert capsys.readouterr().err == (
        f"{mended}: 1 record differs from an earlier one of the same case; the last one counts\n"
    )
    broken = write(tmp_path / "broken.jsonl", [*lines, wrong])
    assert run_cli(["diff", str(old), str(broken)]) == Outcome.UNEXPLAINED


def test_a_torn_last_line_is_dropped_from_either_side_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, torn = write(tmp_path / "whole.jsonl", recorded()[:-1]), write(tmp_path / "torn.jsonl", recorded())
    torn.write_text(torn.read_text()[:-30])
    for pair in ((whole, torn), (torn, whole)):
        assert run_cli(["diff", *map(str, pair)]) == Outcome.EXPLAINED
        assert capsys.readouterr().err.startswith(f"{torn}: the last line is torn and was dropped")


def test_two_sweeps_without_a_case_compare_nothing(tmp_path: Path) -> None:
    file = write(tmp_path / "empty.jsonl", recorded()[:1])
    assert run_cli(["diff", str(file), str(file)]) == Outcome.NOTHING_COMPARED


@pytest.mark.parametrize("text", [None, "", "torn", "not json\n", '{"kind": "diff", "schema": 1}\n'])
def test_a_file_that_is_no_record_is_refused_on_either_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    good, bad = write(tmp_path / "good.jsonl", recorded()), tmp_path / "bad.jsonl"
    if text is not None:
        bad.write_text(text)
    for pair in ((good, bad), (bad, good)):
        assert run_cli(["diff", *map(str, pair)]) == Outcome.WRONG_INPUT
        printed = capsys.readouterr()
        assert (printed.out, len(printed.err.splitlines())) == ("", 1)
        assert str(bad) in printed.err
