"""By what the cases of a record are explained."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from parity.cli.main import run_cli
from parity.records.counts import NOTHING_TELLS, Report
from parity.records.reasons import reason_of
from parity.records.result import Record, Result
from tests.support.recorded import recorded, typed, write


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"relation": "identical"}, None),
        ({"relation": "window", "offset": (1, 1)}, "window by (1, 1)"),
        ({"relation": "window", "offset": (0, -2), "spelling": "lookalike"}, "window by (0, -2) (lookalike)"),
        ({"relation": "window", "offset": (0,)}, "window of another size"),
        ({"relation": "flipped"}, "flipped"),
        ({"relation": "empty", "shape_equal": True}, "nothing to compare: no element"),
        ({"relation": "window", "divergence": "a-name"}, "known difference a-name"),
        ({"relation": "unrelated", "explained": False}, None),
        ({"status": "rejected", "reason": "it has no groups"}, "refused: it has no groups"),
        (
            {"status": "unsupported", "reason": "it has no groups, and this case has 2"},
            "no such layer: it has no groups",
        ),
        (
            {"status": "unsupported", "reason": "it reads (1, 2) before float16's 3"},
            "no such layer: it reads …",
        ),
    ],
)
def test_a_reason_is_named_by_its_kind_without_a_case_s_numbers(
    said: dict[str, object], kind: str | None
) -> None:
    about = {"framework": "mine", "spelling": "native", "status": "ok", "explained": True}
    assert reason_of(Result(**(about | said))) == kind  # type: ignore[arg-type] # of any field


def explained(command: str, *results: Result) -> Record:
    """A record of a case that is explained."""
    return Record(case={"op": "conv1d"}, command=command, verdict="explained", results=results)


def test_cases_are_counted_by_what_explains_them_with_the_shortest_command_of_each() -> None:
    shifted = Result(
        framework="a", spelling="native", status="ok", relation="window", offset=(1,), explained=True
    )
    refused = Result(framework="b", spelling="native", status="rejected", reason="no groups", explained=True)
    same = Result(framework="a", spelling="native", status="ok", relation="identical", explained=True)
    records = [
        explained("parity run long", shifted, refused, shifted),
        explained("parity run", shifted, same),
        explained("parity run 1", same),
    ]
    found = [(each.reason, each.count, each.command) for each in Report(records).explained]
    assert found == [
        ("window by (1)", 2, "parity run"),
        (NOTHING_TELLS, 1, "parity run 1"),
        ("refused: no groups", 1, "parity run long"),
    ]


def test_a_report_says_by_what_cases_are_explained_and_names_each_case_before_its_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = recorded()
    lines[2]["results"][1] |= {"explained": False, "reason": "for no reason"}
    lines[2]["verdict"] = "unexplained"
    file = str(write(tmp_path / "record.jsonl", lines))
    _, records = typed(lines)
    run_cli(["report", file])
    printed = capsys.readouterr().out
    run_cli(["report", file, "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["explained"] == [asdict(each) for each in Report(records).explained]
    assert document["explained"]
    for each in document["explained"]:
        assert f"explained by {each['reason']}: {each['count']} case" in printed
    name = lines[2]["name"]
    assert f"unexplained: {name}: " in printed
    assert document["unexplained"][0]["name"] == name
