"""`parity check` without a case: drawn ones, each held to the laws, and a summary."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from parity.cases.case import Case
from parity.cases.selection import Selection
from parity.cli.main import run_cli
from parity.frameworks.function import implementation
from parity.frameworks.task import here
from parity.laws.check import LAWS, self_check
from parity.laws.many import VALUE, SelfChecks
from parity.laws.subject import Subject
from parity.records.counts import Outcome
from parity.strategies.cases import selected_cases
from parity.strategies.simpler import simpler

pytestmark = pytest.mark.usefixtures("shared_processes")

COINCIDENCES, PARTIAL = "tests.support.coincidences", "tests.support.partial"
ONE = "conv1d --input 1,1,3 --filters 1 --kernel 1"
INTEGERS = Selection(dtypes=("float32",), values=("integers",))


def checks(function: str, examples: int, among: Selection = INTEGERS, seed: int = 0) -> SelfChecks:
    """Checks of a function in this very process, made."""
    subject = Subject(implementation(function), None, ("--impl", function))
    made = SelfChecks(subject, among, selected_cases(among), here, here, examples=examples, seed=seed)
    made.run()
    return made


def counts(made: SelfChecks) -> dict[str, dict[str, Any]]:
    return {law["name"]: law for law in made.to_dict()["laws"]}


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run_cli(["check", *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_a_right_function_keeps_every_law_in_so_many_cases() -> None:
    made = checks(f"{COINCIDENCES}:right", 60)
    found = counts(made)
    assert list(found) == [VALUE, *LAWS]
    for name, law in found.items():
        assert law["holds"] + law["broken"] + law["not applicable"] == 60
        assert (law["broken"], law["smallest"]) == (0, None)
        assert (law["holds"] > 0) == (not name.startswith("backward"))
    assert (found[VALUE]["holds"], made.outcome) == (60, Outcome.EXPLAINED)


def test_a_law_that_is_broken_is_shown_at_a_case_that_cannot_be_simpler() -> None:
    made = checks(f"{COINCIDENCES}:wrong_dilation", 60)
    found = counts(made)
    assert {name for name, law in found.items() if law["broken"]} == {"bias", "adjointness"}  # it is doubled
    assert " --bias" in found["bias"]["smallest"]["command"]
    smallest = found["adjointness"]["smallest"]
    case = Case.from_dict(smallest["case"])
    assert case.command in {
        f"parity run {op} --input 1,1,1 --filters 1 --kernel 1 --stride 3 --dilation 2"
        for op in ("conv1d", "conv_transpose1d")
    }
    assert smallest["command"] == (
        f"{case.command.replace('run', 'check')} --impl {COINCIDENCES}:wrong_dilation"
    )
    assert smallest["status"] == "broken"
    assert made.outcome == Outcome.UNEXPLAINED
    subject = Subject(implementation(f"{COINCIDENCES}:wrong_dilation"), None)
    for other in simpler(case):
        assert self_check(other, subject).laws["adjointness"].status != "broken"


def test_the_smallest_case_is_within_the_bounds_too() -> None:
    among = Selection(
        ("conv1d",), ("float32",), ("integers",), {"min_kernel": 2, "min_channels": 2, "max_groups": 1}
    )
    made = checks(f"{COINCIDENCES}:wrong_dilation", 60, among)
    case = Case.from_dict(counts(made)["adjointness"]["smallest"]["case"])
    assert case in among
    assert (case.kernel, case.input[1]) == ((2,), 2)


def test_equal_seeds_give_equal_counts() -> None:
    one, again, other = (
        checks(f"{COINCIDENCES}:wrong_dilation", 40, seed=seed).to_dict()["laws"] for seed in (1, 1, 2)
    )
    assert one == again
    assert one != other


def test_what_a_function_cannot_do_is_counted_by_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    impl = f"{PARTIAL}:without_groups_and_dilation"
    asked = ["--impl", impl, "--examples", "40"]
    code, out, _ = ran(capsys, *asked, "--json")
    value = json.loads(out)["laws"][0]
    reasons = {each["reason"].rpartition(": ")[2]: each["count"] for each in value["reasons"]}
    assert code == Outcome.EXPLAINED
    assert reasons.keys() == {"groups", "dilation"}
    assert sum(reasons.values()) == value["not applicable"] == 40 - value["holds"]
    code, out, _ = ran(capsys, *asked, "--max-groups", "1", "--max-dilation", "1", "--json")
    assert (code, json.loads(out)["laws"][0]["holds"]) == (Outcome.EXPLAINED, 40)


def test_nothing_that_can_be_tried_is_no_pass(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ran(capsys, "--impl", f"{PARTIAL}:nothing", "--examples", "10")
    assert code == Outcome.NOTHING_COMPARED
    assert "nothing was checked" in err


def test_a_call_without_a_value_is_broken_as_if_it_were_a_law(capsys: pytest.CaptureFixture[str]) -> None:
    impl = "tests.support.foreign:raising"
    code, out, _ = ran(capsys, "conv1d", "--impl", impl, "--examples", "5", "--json")
    first, *laws = json.loads(out)["laws"]
    assert code == Outcome.UNEXPLAINED
    assert (first["name"], first["broken"]) == (VALUE, 5)
    assert "not today" in first["smallest"]["message"]
    assert first["smallest"]["command"] == (
        f"parity check conv1d --input 1,1,1 --filters 1 --kernel 1 --impl {impl}"
    )
    assert {(law["holds"], law["broken"]) for law in laws} == {(0, 0)}


def test_a_crash_of_every_call_ends_the_check_as_it_ends_a_run() -> None:
    asked = ["check", "conv1d", "--impl", "tests.support.foreign:exits_with_7", "--examples", "3", "--json"]
    code = (
        "import sys, parity.laws.many as many; many._MOST_SHRINKING = 2\n"  # each takes a process
        f"from parity.cli.main import run_cli; sys.exit(run_cli({asked}))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    first = json.loads(done.stdout)["laws"][0]
    assert (done.returncode, first["name"], first["broken"]) == (Outcome.CRASHED, VALUE, 3)
    assert "exit code 7" in first["smallest"]["message"]


def test_the_printed_summary_has_the_counts_and_commands_that_show_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["conv1d", "--impl", f"{COINCIDENCES}:wrong_dilation", "--examples", "40", "--seed", "3"]
    code, out, _ = ran(capsys, *asked, "--json")
    document = json.loads(out)
    shown = ran(capsys, *asked)[1]
    assert code == Outcome.UNEXPLAINED
    assert shown.startswith(f"{document['command']}\n")
    assert ran(capsys, *document["command"].split()[2:], "--json") == (code, out, "")
    [broken] = [law for law in document["laws"] if law["broken"] and law["name"] != "bias"]
    command = broken["smallest"]["command"]
    assert f"broken: adjointness: {broken['smallest']['message']}\n    {command}\n" in shown
    row = next(line for line in shown.splitlines() if line.startswith("|adjointness"))
    assert [word.strip() for word in row.split("|")[2:4]] == [str(broken["holds"]), str(broken["broken"])]
    assert "40 cases: 2 laws broken; seed 3\n" in shown
    assert run_cli(command.split()[1:]) == Outcome.UNEXPLAINED


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (f"{ONE} --max-groups 1", "--max-groups is not allowed beside --input"),
        (f"{ONE} --examples 3", "--examples is not allowed beside --input"),
        (f"{ONE} --dtypes float32", "--dtypes is not allowed beside"),
        ("conv1d --kernel 1", "--kernel is not allowed without --input"),
        ("conv1d --dtype float64", "--dtype is not allowed without --input"),
        ("--values normal", "--values is not allowed without --input"),
        ("conv1d --ops conv2d", "--ops is not allowed beside OP, which is conv1d"),
        ("--input 1,1,3 --filters 1 --kernel 1", "op is missing"),
        ("conv1d --input 1,1,3", "filters is missing"),
        ("--min-groups 7 --max-groups 3", "min_groups=7: allowed is at most max_groups=3"),
        ("--min-groups 7 --max-channels 3", "max_channels=3"),
        ("--examples 0", "--examples"),
    ],
)
def test_bad_input_is_one_sentence(capsys: pytest.CaptureFixture[str], options: str, named: str) -> None:
    code, out, err = ran(capsys, "--frameworks", "numpy", *options.split())
    assert (code, out, len(err.splitlines())) == (Outcome.WRONG_INPUT, "", 1)
    assert named in err
