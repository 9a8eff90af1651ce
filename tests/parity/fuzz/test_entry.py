"""Drafts of entries for a file of known differences: valid, and about the finding."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity import run
from parity.cases.case import DTYPES, VALUES, Case
from parity.frameworks.function import implementation
from parity.frameworks.interface import Framework
from parity.frameworks.known.divergences import Divergence
from parity.frameworks.known.registry import layers_of, load_registry
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import find_framework
from parity.fuzz.causes import Cause
from parity.fuzz.entry import draft_entry
from parity.fuzz.finding import Finding
from parity.strategies import cases
from tests.support.results import result_of
from tests.support.searching import PLAIN, search
from tests.support.strategies import examples

ENDINGS = [
    ("ok", None),
    ("rejected", "ValueError: no"),
    ("invalid", "no"),
    ("crashed", "SIGSEGV"),
    ("timeout", None),
]


def read(text: str | None) -> Divergence:
    """The one entry of a file that a user puts it in."""
    assert text is not None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "mine.toml")
        file.write_text(text, encoding="utf-8")
        [entry] = load_registry(file)
    return entry


@examples(100)
@given(
    case=cases(dtypes=DTYPES, values=VALUES),
    found=st.sampled_from([find_framework("torch"), find_framework("keras"), implementation("mine:f")]),
    ending=st.sampled_from(ENDINGS),
)
def test_a_draft_is_an_entry_that_the_finding_meets_and_shows(
    case: Case, found: Framework, ending: tuple[str, str | None]
) -> None:
    status, error = ending
    for each in layers_of(found, case):
        if isinstance(each, Spelling):
            relation = "unrelated" if status == "ok" else None
            versions: dict[str, Any] = {"version": found.version(), "backend": found.backend()}
            about = (found.name, each.kind, str(each.layer), status)
            result = result_of(*about, **versions, error=error, relation=relation, reason='"so"\\')
            finding = Finding(Cause.of(case, result), case, result, dtypes=[case.dtype])
            entry = read(draft_entry(finding, found, "by a test"))
            assert entry.is_met(each.meaning, result)
            assert entry.is_seen(result)


@pytest.mark.parametrize("function", ["wrong_groups", "wrong_dilation", "wrong_same"])
def test_with_the_draft_the_finding_is_explained_and_a_right_result_is_no_other(function: str) -> None:
    own = implementation(f"tests.support.coincidences:{function}")
    for finding in search(function, 100, PLAIN, seed=6).findings:
        entry = read(draft_entry(finding, own, "by a test"))
        [result] = run(finding.case, [], impl=own, divergences=[entry]).results
        assert result.explained
        assert result.divergence == entry.name
        plainest = Case("conv1d", (1, 1, 1), 1, 1)
        [right] = run(plainest, [], impl=own, divergences=[entry]).results
        assert right.divergence is None


def test_a_draft_says_what_could_not_be_simpler() -> None:
    own = implementation("tests.support.coincidences:wrong_dilation")
    case = Case("conv2d", (1, 1, 1, 1), 1, 1, stride=(1, 3), dilation=(1, 2), dtype="float64")
    [result] = run(case, [], impl=own).results
    finding = Finding(Cause.of(case, result), case, result, dtypes=["float64"])
    entry = read(draft_entry(finding, own, "by a test"))
    assert entry.case == {
        "op": "conv2d",
        "dtype": ["float64"],
        "last_axes": [{"stride": {"min": 3}, "dilation": {"min": 2}}],
    }


def test_no_entry_is_drafted_where_the_rules_are_wrong() -> None:
    case = Case("conv1d", (1, 1, 1), 1, 1)
    layer = str(layers_of(find_framework("torch"), case)[0].layer)  # type: ignore[union-attr] # it spells this case
    result = result_of(
        "torch", "native", layer, "ok", version="2.0", relation="identical", reason="it computed"
    )
    finding = Finding(Cause.of(case, result), case, result, dtypes=["float32"])
    assert draft_entry(finding, find_framework("torch"), "by a test") is None
