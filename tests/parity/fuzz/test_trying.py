"""What of the machine a finding depends on, tried with a library that chooses by a variable."""

from __future__ import annotations

import os
import platform
from dataclasses import replace
from pathlib import Path

import pytest

from parity.cases.case import Case
from parity.cases.selection import Selection
from parity.frameworks.choice import Choice, Level
from parity.frameworks.known.machine import Machine
from parity.frameworks.known.registry import load_registry
from parity.frameworks.table import find_framework
from parity.frameworks.task import here
from parity.fuzz import trying
from parity.fuzz.causes import causes_of
from parity.fuzz.contest import Contest
from parity.fuzz.entry import draft_entry, machine_of
from parity.fuzz.finding import Finding
from parity.fuzz.trying import Tried, try_out
from parity.running import run_with
from tests.support.library import CODES, FLAGS, LEVELS, VARIABLE, Library
from tests.support.searching import search_in

LIBRARY = Library()
CONTEST = Contest([LIBRARY], here)
ALL_CODES = 2 ** len(CODES) - 1
DEFAULT = 2 ** CODES.index("")
HERE = (platform.machine().lower(),)


def finding_of(stride: int) -> Finding:
    """What the library does wrong here, said of the case with this stride."""
    shown = run_with(Case("conv1d", (1, 1, 1), 1, 1, stride=DEFAULT), [LIBRARY])
    [(cause, result)] = causes_of(shown).items()
    return Finding(cause, replace(shown.case, stride=(stride,)), result, dtypes=["float32"])


def tried_with(stride: int) -> dict[str, bool]:
    return {code: bool(stride >> bit & 1) for bit, code in enumerate(CODES)}


@pytest.fixture(autouse=True)
def _a_processor_that_has_no_code_for_the_last_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "cpu_flags", lambda: FLAGS)
    monkeypatch.delenv(VARIABLE, raising=False)


def expected(shows: dict[str, bool]) -> Machine:
    """The condition by its definition: where it shows, and the lowest code that does."""
    if all(shows.values()) or not shows[""]:
        return Machine(architecture=HERE)
    seen = {**shows, "BEYOND": shows["FASTEST"]}  # to this processor the same
    values = tuple(value for level in LEVELS if seen[level.values[0]] for value in level.values)
    lowest = next(level for level in LEVELS if seen[level.values[0]])
    return Machine(HERE, (lowest.flag,) if lowest.flag else (), environment={VARIABLE: values})


def test_a_finding_is_tried_at_every_level_and_said_to_need_those_that_show_it() -> None:
    """All the sets of codes that a kernel may be wrong in, at once: each stride is a finding of its own."""
    before = dict(os.environ)
    strides = range(1, ALL_CODES + 1)
    all_tried = try_out([finding_of(stride) for stride in strides], CONTEST, LIBRARY.choices())
    assert dict(os.environ) == before
    for stride, tried in zip(strides, all_tried, strict=True):
        shows = tried_with(stride)
        assert tried.to_dict() == {"here": shows[""], "shows": {VARIABLE: shows}}
        assert tried.machine == expected(shows)


def test_what_the_variable_is_here_is_tried_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "FAST")
    said: list[str] = []
    findings = [finding_of(2 ** CODES.index("FAST")), finding_of(DEFAULT)]
    in_fast, by_default = try_out(findings, CONTEST, LIBRARY.choices(), said.append)
    assert said == ["", f"{VARIABLE}=SLOW", f"{VARIABLE}=FASTEST", f"{VARIABLE}="]
    assert in_fast.machine == Machine(HERE, ("fast",), environment={VARIABLE: ("FAST",)})
    assert not by_default.here
    assert by_default.machine == Machine(HERE)
    assert by_default.words == [
        "In a process of its own it did not show, so that nothing of the machine could be tried."
    ]


def test_a_search_tries_its_findings_and_says_what_came_of_it(tmp_path: Path) -> None:
    search = search_in(CONTEST, 20, Selection(["conv1d"], ["float32"], ["integers"]), database=tmp_path)
    [finding] = search.findings
    assert finding.case == Case("conv1d", (1, 1, 1), 1, 1)
    assert machine_of(finding) == {"architecture": HERE, "environment": {VARIABLE: ("", "DEFAULT")}}
    assert search.trying is None
    text = draft_entry(finding, LIBRARY, "by a test")
    assert text is not None
    assert (
        f"\n# Tried with {VARIABLE}: it shows at none set, and not at SLOW, FAST, FASTEST.\n"
        f'machine.architecture = ["{HERE[0]}"]\n'
        f'machine.environment = {{ {VARIABLE} = ["", "DEFAULT"] }}\n'
    ) in text
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    [entry] = load_registry(file)
    assert entry.machine == expected(tried_with(DEFAULT))


def test_where_every_level_shows_it_the_machine_is_only_named() -> None:
    level = Level(("ANY",))
    assert Tried(here=True, shows={Choice("SWITCH", (level,)): {level: True}}).machine == Machine(HERE)


def test_frameworks_with_onednn_name_its_levels_where_it_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    for machine, torch, keras in (
        ("AMD64", ["ONEDNN_MAX_CPU_ISA"], ["ONEDNN_MAX_CPU_ISA", "TF_ENABLE_ONEDNN_OPTS"]),
        ("arm64", [], []),
    ):
        monkeypatch.setattr(platform, "machine", lambda machine=machine: machine)
        choices = [find_framework(name).choices() for name in ("torch", "keras")]
        named = [[each.variable for each in chosen] for chosen in choices]
        assert named == [torch, keras]
