from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from msgspec.structs import replace as edited
from packaging.specifiers import SpecifierSet

from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.cases.values.drawing import draw_arrays
from parity.cli.main import run_cli
from parity.frameworks.interface import Framework
from parity.frameworks.known import machine
from parity.frameworks.known.divergences import Divergence, Seen, explain_known, known_refusals
from parity.frameworks.known.machine import Machine
from parity.frameworks.known.registry import RegistryError, built_in, known_of, load_registry
from parity.frameworks.known.suite import suite
from parity.frameworks.spelling import Kind, Refusal
from parity.frameworks.table import all_frameworks, find_framework, listed
from parity.records.counts import Outcome, Report
from parity.records.result import CaseResult, Result
from parity.running import run, run_with
from tests.support.known import plant_known
from tests.support.scripted import Scripted, spelling_of
from tests.support.strategies import cases, examples, share

CASE = Case("conv1d", (1, 1, 4), 1, 2)
ENTRY = Divergence(
    name="backwards",
    frameworks=("scripted",),
    version=SpecifierSet(">=1,<2"),
    case={"op": "conv1d", "channels": 1},
    seen=Seen("rejected", error=("OSError", "ValueError")),
    why="it reads from the wrong end",
    source="https://example.org/1",
    example=CASE.command,
)
WRONG = replace(ENTRY, seen=Seen("ok", relation=("unrelated",)))


def scripted(outcome: object, *known: Divergence, case: Case = CASE) -> CaseResult:
    return run_with(case, [Scripted((spelling_of(case),), outcome)], divergences=known)


def only(found: CaseResult) -> Result:
    (result,) = found.results
    return result


def right(case: Case = CASE) -> Array:
    arrays = draw_arrays(case)
    y = [arrays.x[0, 0, i] * arrays.w[0, 0, 0] + arrays.x[0, 0, i + 1] * arrays.w[0, 0, 1] for i in range(3)]
    return np.array([[y]], np.float32)


def wrong() -> Array:
    return np.array([[[3, 1, 4]]], np.float32)


OUTCOMES: dict[str, st.SearchStrategy[Any]] = {
    "status": st.sampled_from(["ok", "rejected", "crashed"]),
    "error": st.sampled_from([None, "OSError: no", "ValueErrors: no", "ValueError"]),
    "relation": st.sampled_from(["identical", "unrelated", "rejected", "empty"]),
    "explained": st.booleans(),
    "reason": st.sampled_from(["a rule", ENTRY.reason]),
}
concerned = st.builds(
    partial(Result, framework="scripted", version="1.0", spelling="native", layer="layer()"), **OUTCOMES
)
results = concerned | st.builds(
    Result,
    framework=st.sampled_from(["scripted", "torch"]),
    version=st.sampled_from([None, "0.9", "1.0", "1.5+cpu", "2.0"]),
    backend=st.sampled_from([None, "tensorflow 2.21.0"]),
    spelling=st.sampled_from(["native", "lookalike", "exact"]),
    layer=st.sampled_from([None, "layer()"]),
    output=st.sampled_from(["value", "input_grad"]),
    **OUTCOMES,
)


# What an entry explains


@pytest.mark.parametrize(("entry", "outcome"), [(ENTRY, OSError("no")), (WRONG, wrong())])
def test_an_unexplained_result_that_is_as_an_entry_says_is_explained_by_it(
    entry: Divergence, outcome: object
) -> None:
    assert not only(scripted(outcome)).explained
    found = scripted(outcome, entry)
    result = only(found)
    assert (result.explained, result.divergence, result.unseen) == (True, "backwards", ())
    assert result.reason == "known difference backwards: it reads from the wrong end (https://example.org/1)"
    assert found.verdict == "explained"
    assert Report([found.record]).divergences == {"backwards": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"frameworks": ("torch", "scripted+route")},
        {"version": SpecifierSet(">=1.1")},
        {"backend": "tensorflow"},
        {"case": {"op": "conv2d"}},
        {"case": {"op": "conv1d", "channels": 2}},
        {"spelling": ("exact",)},
        {"output": ("input_grad",)},
        {"machine": Machine(architecture=("no such machine",))},
    ],
)
def test_an_entry_about_something_else_changes_nothing(changes: Mapping[str, Any]) -> None:
    for outcome in (ValueError("no"), right()):
        other = replace(ENTRY, **changes)
        assert only(scripted(outcome, other)) == only(scripted(outcome))


@pytest.mark.parametrize(("entry", "outcome"), [(ENTRY, TypeError("no")), (WRONG, ValueError())])
def test_a_result_that_is_not_as_an_entry_says_stays_unexplained(entry: Divergence, outcome: object) -> None:
    result = only(scripted(outcome, entry))
    assert (result.explained, result.divergence, result.unseen) == (False, None, ("backwards",))
    assert result.reason == only(scripted(outcome)).reason


@examples(300)
@given(results, st.sampled_from([ENTRY, WRONG]), st.booleans())
def test_what_a_rule_explains_no_entry_touches_and_what_an_entry_explains_is_as_it_says(
    result: Result,
    entry: Divergence,
    certain: bool,  # noqa: FBT001 - hypothesis passes it by name
) -> None:
    entry = replace(entry, certain=certain)
    found = explain_known(CASE, result, [entry])
    assert explain_known(CASE, found, [entry]) == found
    assert not (found.unseen and found.divergence)
    if found.divergence:
        assert not result.explained or result.reason == entry.reason
        assert entry.seen(result)
        assert entry.is_met(CASE, result)
    else:
        assert edited(found, unseen=()) == result
    assert not found.unseen or (entry.is_due(CASE) and entry.is_met(CASE, result))


@examples(100)
@given(cases(), results)
def test_an_entry_whose_case_is_another_changes_no_result(case: Case, result: Result) -> None:
    entry = replace(ENTRY, case={"op": case.op, "filters": case.filters + 1})
    assert explain_known(case, result, [entry]) == result


def test_a_difference_that_a_rule_explains_is_no_known_one_though_it_look_the_same() -> None:
    window = edited(only(scripted(wrong())), explained=True, reason="by its rules it begins later")
    found = explain_known(CASE, window, [WRONG])
    assert (found.reason, found.divergence, found.unseen) == (window.reason, None, ("backwards",))


def test_the_first_of_two_entries_explains() -> None:
    other = replace(ENTRY, name="another")
    assert only(scripted(ValueError(), other, ENTRY)).divergence == "another"


def test_a_refusal_that_a_rule_foresees_does_not_count_against_an_entry() -> None:
    refused = edited(only(scripted(ValueError())), explained=True, reason="its rules say so")
    assert explain_known(CASE, refused, [ENTRY]) == refused


def test_a_refusal_is_known_within_the_versions_and_the_condition() -> None:
    def refusal(
        case: Case = CASE, kind: Kind = "native", *, entry: Divergence = ENTRY, version: str = "1.0"
    ) -> Refusal | None:
        return known_refusals(known_of("scripted", version, None, [entry]))(case, kind)

    known = refusal()
    assert known is not None
    assert (known.reason, known.errors, known.certain) == (ENTRY.reason, ENTRY.seen.error, True)
    assert refusal(version="2.0") is None
    assert refusal(entry=WRONG) is None
    assert refusal(Case("conv1d", (1, 2, 4), 1, 2)) is None
    assert refusal(kind="lookalike") is None


@pytest.mark.parametrize(
    "entry", [entry for entry in built_in() if entry.is_refusal], ids=lambda entry: entry.name
)
def test_a_known_refusal_of_a_users_file_counts_as_a_built_in_one_does(
    entry: Divergence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moved to a user's file, an entry gives the same record: layers, predictions, words, what is unseen."""
    if not installed_of(entry):
        pytest.skip(f"none of {', '.join(entry.frameworks)} is installed")
    case = Case.from_command(entry.example)
    whole = without_noise(run(case, installed_of(entry)))
    plant_known(monkeypatch, [other for other in built_in() if other != entry])
    assert without_noise(run(case, installed_of(entry), divergences=[entry])) == whole


def without_noise(found: CaseResult) -> dict[str, Any]:
    """The record without what a process says once, and without errors' words, which may count calls."""
    record = found.to_dict()
    for result in record["results"]:
        result |= {"warnings": [], "printed": "", "error": (result["error"] or "").partition(":")[0]}
    return record


# What is no longer seen


def test_an_entry_that_is_met_and_never_seen_is_stale_and_fails_the_sweep() -> None:
    gone = scripted(right(), WRONG)
    assert gone.verdict == "agree"
    report = Report([gone.record])
    assert (report.stale, report.outcome) == ({"backwards": 1}, Outcome.UNEXPLAINED)
    report.add(scripted(wrong(), WRONG).record)
    assert (report.stale, report.outcome) == ({}, Outcome.EXPLAINED)


@pytest.mark.parametrize("outcome", [right(), wrong()])
def test_a_known_refusal_that_is_gone_is_unexplained_and_stale(outcome: Array) -> None:
    result = only(scripted(outcome, ENTRY))
    assert (result.predicted, result.explained, result.unseen) == ("rejected", False, ("backwards",))
    assert "by its rules it would refuse: known difference backwards" in str(result.reason)


def test_an_entry_that_only_some_cases_show_is_never_stale() -> None:
    other = replace(CASE, seed=1).command
    found = only(scripted(right(), replace(ENTRY, certain=False, example=other)))
    assert (found.explained, found.unseen) == (True, ())


def test_an_entry_is_due_in_its_example_unless_nothing_known_decides_where_it_shows() -> None:
    uncertain = replace(ENTRY, certain=False)
    assert only(scripted(right(), uncertain)).unseen == ("backwards",)
    assert only(scripted(right(), replace(uncertain, undecided="some do"))).unseen == ()


def test_an_entry_is_due_in_its_example_however_the_layer_spells_it() -> None:
    uncertain = replace(ENTRY, certain=False)
    for spelt, due in (({"padding": "valid"}, True), ({"padding": "same"}, False), ({"stride": 2}, False)):
        meaning = replace(CASE, **spelt)
        result = edited(only(scripted(right())), relation="identical")
        assert explain_known(meaning, result, [uncertain]).unseen == (("backwards",) if due else ())


def test_a_layer_that_gives_nothing_to_compare_does_not_make_an_entry_stale() -> None:
    for relation in ("empty", "no verdict"):
        result = edited(only(scripted(right())), relation=relation)
        assert explain_known(CASE, result, [WRONG]) == result


def test_a_report_names_what_is_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = {"kind": "header", "schema": 1, "frameworks": [], "suites": []}
    record = {"kind": "record", "suite": "", "name": "", **scripted(right(), ENTRY).to_dict()}
    file = tmp_path / "record.jsonl"
    file.write_text(f"{json.dumps(header)}\n{json.dumps(record)}\n")
    assert run_cli(["report", str(file)]) == Outcome.UNEXPLAINED
    assert "stale: known difference backwards: due in 1 results, and seen in none" in capsys.readouterr().out
    assert run_cli(["report", str(file), "--json"]) == Outcome.UNEXPLAINED
    assert json.loads(capsys.readouterr().out)["stale"] == {"backwards": 1}


def test_a_crash_that_is_known_hides_nothing_else() -> None:
    crashed = edited(only(scripted(ValueError())), status="crashed", relation=None)
    known = explain_known(CASE, crashed, [replace(ENTRY, seen=Seen("crashed"))])
    assert known.divergence == "backwards"
    both = replace(scripted(wrong()), results=(known, only(scripted(wrong()))))
    assert Report([both.record]).outcome == Outcome.UNEXPLAINED


# Where


def test_a_machine_is_known_by_all_that_is_said_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "AMD64")
    monkeypatch.setattr(machine, "cpu_flags", lambda: frozenset({"avx2"}))
    monkeypatch.setenv("SWITCH", "1")
    monkeypatch.delenv("UNSET", raising=False)
    environment = {"SWITCH": ("0", "1"), "UNSET": ("",)}
    assert Machine(("x86_64", "amd64"), ("avx2",), environment=environment).is_this_one()
    assert not Machine(("x86_64",)).is_this_one()
    assert not Machine(cpu=("avx2", "avx512f")).is_this_one()
    assert Machine(without_cpu=("avx512f",)).is_this_one()
    assert not Machine(without_cpu=("avx512f", "avx2")).is_this_one()
    assert not Machine(environment={"SWITCH": ("0", "")}).is_this_one()
    assert not Machine(environment={"UNSET": ("1",)}).is_this_one()


def test_a_processor_is_asked_for_its_flags(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("processor : 0\nflags\t\t: fpu avx2\n\nprocessor : 1\nflags\t\t: fpu avx2\n")
    monkeypatch.setattr(machine, "_CPUINFO", file)
    assert machine.cpu_flags.__wrapped__() == {"fpu", "avx2"}
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "none")
    assert machine.cpu_flags.__wrapped__() == frozenset()


# The built-in entries


def applies_here(entry: Divergence) -> bool:
    """Whether the framework is installed in the version range, and this is such a machine."""
    found = map(find_framework, installed_of(entry))
    return any(entry.concerns(each.name, each.version(), each.backend()) for each in found)


def installed_of(entry: Divergence) -> list[str]:
    """The frameworks of an entry, with their routes, that can be run here; slow ones at night."""
    found = [each for each in routed(all_frameworks()) if each.name in entry.frameworks]
    return [
        each.name
        for each in found
        if each.why_unavailable() is None and ((each.seconds_per_case or 0) < 1 or share(2) == 1)
    ]


def routed(frameworks: Iterable[Framework]) -> Iterator[Framework]:
    """Frameworks, and each on its routes."""
    for each in frameworks:
        yield each
        yield from routed(each.routes.values())


@pytest.mark.parametrize("entry", built_in(), ids=lambda entry: entry.name)
def test_the_example_of_a_built_in_entry_is_explained_whether_or_not_this_machine_shows_it(
    entry: Divergence,
) -> None:
    """Whether it is still seen where it is due is for the sweep of the suite "known" to say, every night."""
    if not applies_here(replace(entry, machine=Machine())):
        pytest.skip(f"none of {', '.join(entry.frameworks)} is installed in its versions")
    found = run(Case.from_command(entry.example), installed_of(entry), grad=entry.output != ("value",))
    assert [(each.label, each.reason) for each in found.results if not each.explained] == []


def test_the_suite_of_known_differences_has_the_example_of_each() -> None:
    cases = suite("known").cases
    assert [(each.name, each.case.command) for each in cases] == [
        (entry.name, entry.example) for entry in built_in()
    ]


@pytest.mark.parametrize(("undecided", "outcome"), [(None, 1), ("some do and some do not", 0)])
def test_an_example_that_does_not_show_its_entry_fails_a_sweep_unless_nothing_known_decides_it(
    undecided: str | None, outcome: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    key = "" if undecided is None else f'undecided = "{undecided}"'
    file.write_text(
        f"""
[[divergence]]
name = "gone"
framework = "torch"
version = ""
why = "it was so once"
found = "by a test"
example = "parity run conv1d --input 1,1,4 --filters 1 --kernel 2"
{key or "certain = false"}
case.op = "conv1d"
seen.status = "ok"
seen.relation = ["flipped"]
"""
    )
    command = "run conv1d --input 1,1,4 --filters 1 --kernel 2 --frameworks torch --divergences".split()
    assert run_cli([*command, str(file)]) == outcome
    assert ("stale: known difference gone" in capsys.readouterr().out) == bool(outcome)
    other = [*command, str(file), "--seed", "1"]
    assert run_cli(other) == 0  # only some cases show it, and this is not the example


def test_a_built_in_entry_that_is_gone_would_be_noticed() -> None:
    """The same examples through a framework of the entry's name and version that follows its rules."""
    for entry in built_in():
        case = Case.from_command(entry.example)
        obedient = Result(
            framework=entry.frameworks[0],
            backend=entry.backend,
            spelling=entry.spelling[0],
            variant="".join(entry.variant[:1]),
            layer="layer()",
            output=entry.output[0],
            status="ok",
            relation="identical",
            explained=True,
        )
        here = replace(entry, machine=Machine())
        found = explain_known(case, obedient, [here])
        assert found.divergence is None
        assert found.unseen == (() if entry.undecided else (entry.name,))


def test_every_built_in_entry_is_about_a_framework_and_no_two_have_a_name() -> None:
    known = {each.name for each in routed(listed())}
    assert {name for entry in built_in() for name in entry.frameworks} <= known
    assert len({entry.name for entry in built_in()}) == len(built_in())


# A user's file

TEXT = """
[[divergence]]
name = "late"
framework = "late_kernels:late"
version = ""
why = "it is mine, and begins late"
found = "by reading it"
example = "parity run conv1d --input 1,1,4 --filters 1 --kernel 2"
case.op = "conv1d"
seen.status = "ok"
seen.relation = ["window"]
"""


def test_a_users_own_entry_explains_their_own_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "late_kernels.py").write_text(
        "import convmm, numpy as np\n"
        "def late(x, w, bias=None, **arguments):\n"
        "    return convmm.conv(np.pad(x[..., 1:], ((0, 0), (0, 0), (0, 1))), w, bias, **arguments)\n"
    )
    (tmp_path / "mine.toml").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    command = [*CASE.command.split()[1:], "--frameworks", "torch", "--impl", "late_kernels:late", "--json"]
    assert run_cli(command) == Outcome.UNEXPLAINED
    capsys.readouterr()
    assert run_cli([*command, "--divergences", "mine.toml"]) == Outcome.EXPLAINED
    assert json.loads(capsys.readouterr().out)["results"][-1]["divergence"] == "late"
    (tmp_path / "suite.toml").write_text(
        'description = "One."\n[[case]]\nname = "one"\n'
        'op = "conv1d"\ninput = [1, 1, 4]\nfilters = 1\nkernel = 2\n'
    )
    swept = ["sweep", "suite.toml", "--frameworks", "torch", "--impl", "late_kernels:late"]
    assert run_cli(swept) == Outcome.UNEXPLAINED
    assert run_cli([*swept, "--divergences", "mine.toml"]) == Outcome.EXPLAINED
    swept[-1] = "convmm:conv"
    gone = TEXT.replace("late_kernels:late", "convmm:conv")
    (tmp_path / "mine.toml").write_text(gone)
    capsys.readouterr()
    assert run_cli([*swept, "--divergences", "mine.toml"]) == Outcome.UNEXPLAINED
    assert "stale: known difference late" in capsys.readouterr().out


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("not toml", "no valid TOML"),
        ("", "key 'divergence' is missing"),
        ("divergence = [1]", "key 'divergence'=[1]: allowed is tables, each written as [[divergence]]"),
        (TEXT + "[other]\n", "key 'other' is unknown; allowed are divergence"),
        (TEXT + TEXT, "[[divergence]] 2 (late): key 'name'='late' is given twice"),
        (changed('"late"\nframework', '"torch-one-column-bfloat16"\nframework'), "is given twice"),
        (changed('why = "it is mine, and begins late"\n', ""), "1 (late): key 'why' is missing"),
        (changed("why", "because"), "1 (late): key 'because' is unknown"),
        (changed('"it is mine, and begins late"', '" "'), "key 'why'=' ': allowed is a text"),
        (changed('version = ""', 'version = "2.x"'), "key 'version'='2.x': allowed is a version range"),
        (changed('version = ""', "version = 2"), "key 'version'=2: allowed is a version range"),
        (changed('version = ""', 'version = ""\nbackend_version = "2"'), "key 'backend_version'"),
        (changed('found = "by reading it"\n', ""), "one of the keys 'reference' and 'found'"),
        (changed("found", "reference"), "key 'reference'='by reading it'"),
        (changed("conv1d --input", "conv9d --input"), "key 'example': op='conv9d'"),
        (changed("--kernel 2", "--kernel 2,2"), "key 'example': kernel"),
        (changed("--kernel 2", "--kernel 2 --stride 1"), "allowed is its canonical form, parity run conv1d"),
        (changed('case.op = "conv1d"', 'case.op = "conv2d"'), "a case that meets the entry's own condition"),
        (changed('case.op = "conv1d"', "case.ops = 1"), "1 (late): key 'ops' in 'case' is unknown"),
        (changed('case.op = "conv1d"', "case = 1"), "key 'case'=1"),
        (
            changed('seen.status = "ok"', 'seen.status = "fine"'),
            "in 'seen': key 'status'='fine': allowed is one of ok, rejected",
        ),
        (changed('seen.status = "ok"', 'seen.status = "rejected"'), "key 'status'='rejected'"),
        (changed('seen.status = "ok"', "seen.status = 1"), "in 'seen': key 'status'"),
        (changed('["window"]', '"window"'), "in 'seen': key 'relation'='window'"),
        (changed('["window"]', "[]"), "in 'seen': key 'relation'=[]"),
        (changed('["window"]', '["identical"]'), "key 'relation'=['identical']: allowed is what differs"),
        (
            changed("case.op", 'spelling = ["own"]\ncase.op'),
            "key 'spelling'=['own']: allowed is a list, each one of native, lookalike, exact",
        ),
        (changed("case.op", 'output = "value"\ncase.op'), "key 'output'='value': allowed is a list"),
        (changed("case.op", "certain = 1\ncase.op"), "key 'certain'=1"),
        (
            changed("case.op", "machine = 1\ncase.op"),
            "key 'machine'=1: allowed is a table with architecture, cpu",
        ),
        (changed("case.op", "machine.cpus = []\ncase.op"), "in 'machine': key 'cpus' is unknown"),
        (changed("case.op", "machine.environment = 1\ncase.op"), "key 'environment'=1"),
        (
            changed("case.op", "machine.environment.A = 1\ncase.op"),
            "in 'machine': in 'environment': key 'A'=1: allowed is a list, each a text",
        ),
    ],
)
def test_a_file_that_is_wrong_names_the_entry_and_the_key(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(RegistryError) as raised:
        load_registry(file)
    assert str(raised.value).startswith(f"{file}: ")
    assert named in str(raised.value)


def test_a_file_that_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (CASE.command.split()[1:], ["sweep"]):
        assert run_cli([*command, "--divergences", "nosuch.toml"]) == Outcome.WRONG_INPUT
        printed = capsys.readouterr()
        assert printed.out == ""
        assert len(printed.err.splitlines()) == 1
        assert "nosuch.toml: cannot be read" in printed.err


@pytest.mark.parametrize(
    ("relation", "seen"),
    [("unrelated", True), ("window", True), ("identical", False), ("no verdict", False), ("empty", False)],
)
def test_different_stands_for_every_difference(relation: str, seen: bool) -> None:  # noqa: FBT001 - a parameter
    result = Result(framework="torch", spelling="native", status="ok", relation=relation)
    assert Seen("ok", relation=("different",))(result) is seen
