"""The pages of known differences: current, complete, and each with a script that shows what it says."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
from dataclasses import replace
from types import ModuleType

import pytest

from parity.frameworks.known.divergences import Divergence, Seen
from parity.frameworks.known.registry import built_in
from parity.frameworks.numpy import NumPy
from parity.frameworks.precision import accumulator_unknown
from parity.frameworks.spelling import Spelling
from parity.fuzz.script import standalone
from tests.support.documents import blocks
from tests.support.project import ROOT
from tests.support.scripts import ending
from tests.support.strategies import share

PAGES = "docs/findings/known"
OWN_WORDS = {"parity", "convmm", "convparity", "fuzz", "sweep", "native", "lookalike"}
"""What a reader of a report, who knows nothing of this project, would not understand."""

ENTRIES = pytest.mark.parametrize("entry", built_in(), ids=lambda entry: entry.name)


def _loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write", ROOT / "docs" / "findings" / "write.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


findings = _loaded()


def test_the_pages_are_those_of_the_entries_and_of_what_the_scripts_said() -> None:
    seen = json.loads(findings.SEEN.read_text(encoding="utf-8"))
    pages = findings.pages(seen)
    assert set(pages) == {"README.md", *(f"{entry.name}.md" for entry in built_in())}
    assert {file.name: file.read_text(encoding="utf-8") for file in findings.PAGES.iterdir()} == pages
    assert set(seen) <= {entry.name for entry in built_in()}
    listed = re.findall(r"^\| \[([\w-]+)\]\(\1\.md\)", pages["README.md"], flags=re.MULTILINE)
    assert sorted(listed) == sorted(entry.name for entry in built_in())


@ENTRIES
def test_a_report_is_of_the_framework_alone_and_says_where_it_goes(entry: Divergence) -> None:
    page = (findings.PAGES / f"{entry.name}.md").read_text(encoding="utf-8")
    report, line, beside = page.partition(findings.LINE)
    assert line
    words = set(re.findall(r"[\w-]+", report))
    assert words & (OWN_WORDS | {each.name for each in built_in()}) == set()
    assert entry.source in beside or findings.tracker(entry) in beside
    assert entry.example in beside


@ENTRIES
def test_a_script_needs_its_framework_and_numpy_only(entry: Divergence) -> None:
    [block] = blocks(f"{PAGES}/{entry.name}.md", "python")
    assert block.text.strip() == findings.script(entry).strip()
    imported = {line.split()[1].partition(".")[0] for line in block.text.splitlines() if "import " in line}
    assert "numpy" in imported
    assert imported & {"parity", "convmm", "tests"} == set()


@ENTRIES
def test_of_a_right_implementation_a_script_says_that_nothing_is_wrong(entry: Divergence) -> None:
    """The same script, with the core's layer in the place of the framework's."""
    _, layer = findings.subject(entry)
    [right] = NumPy().spell(layer.meaning)
    assert isinstance(right, Spelling)
    mode = accumulator_unknown(layer.meaning.dtype)
    text = standalone(layer.meaning, right, entry.output[0], NumPy(), mode, ["right"])
    assert text is not None
    assert ending(text) is None


def _fitting() -> list[Divergence]:
    """Entries whose scripts fit this machine; by day, few."""
    return [entry for entry in built_in() if findings.fits(entry)][:: share(12)]


@pytest.mark.parametrize("entry", _fitting() or [None], ids=lambda entry: entry.name if entry else "none")
def test_a_script_shows_the_difference_where_the_machine_fits(entry: Divergence | None) -> None:
    if entry is None:
        pytest.skip("no framework is installed in versions that a known difference is of")
    [block] = blocks(f"{PAGES}/{entry.name}.md", "python")
    done = findings.run(block.text)
    # Where only some cases show it, what was in memory or the processor may decide about this one.
    nothing = not entry.certain and findings.ended(done) == "nothing is wrong"
    assert findings.shows(entry, done) or nothing, done.stderr[-2000:]


ENTRY = next(entry for entry in built_in() if entry.name == "tensorflow-one-column-float32")
RAISED = 'Traceback (most recent call last):\n  File "<stdin>"\n'


@pytest.mark.parametrize(
    ("seen", "status", "printed", "error", "how"),
    [
        (Seen("ok", relation=("different",)), 1, "expected: 1", "AssertionError: off by up to 2", None),
        (Seen("ok", relation=("empty",)), 1, "expected: 1", "AssertionError: the shapes differ", None),
        (Seen("invalid"), 1, "", "AssertionError: it returned dtype float32", None),
        (Seen("rejected", error=("AbortedError",)), 1, "", "errors_impl.AbortedError: no\n\n  more", None),
        (Seen("rejected", error=("RuntimeErrorInLoad",)), 1, "", "RuntimeError: no", None),
        (Seen("rejected", error=("KeyError",)), 1, "", "KeyError", None),
        (Seen("crashed"), -6, "", "", "the process ended by SIGABRT"),
        (Seen("crashed"), 0, "", "", "the process ended, with exit status 0"),
    ],
)
def test_what_a_script_shows_is_told_from_all_else(
    seen: Seen, status: int, printed: str, error: str, how: str | None
) -> None:
    entry = replace(ENTRY, seen=seen)
    done = subprocess.CompletedProcess([], status, printed, f"{RAISED}{error}\n" if error else "")
    assert findings.ended(done) == (how or error.replace("\n\n", "\n"))
    assert findings.shows(entry, done)
    others = [
        subprocess.CompletedProcess([], 0, "expected: 1", ""),
        subprocess.CompletedProcess([], 1, "", f"{RAISED}ModuleNotFoundError: No module named 'keras'\n"),
        subprocess.CompletedProcess([], 1, "", f"{RAISED}NameError: name 'x' is not defined\n"),
        subprocess.CompletedProcess([], 1, "", "no traceback at all"),
    ]
    assert not any(findings.shows(entry, other) for other in others)
    assert findings.ended(others[0]) == "nothing is wrong"


def test_what_a_script_raised_is_told_in_a_few_lines_without_the_machines_paths() -> None:
    message = "\x1b[1mit is\x1b[0m in /opt/env/lib/site-packages/keras/a.py and /tmp/abc/layer.onnx\n"
    trace = f"warning\n{RAISED}    raise it\nValueError: {message}" + "again\n" * 9
    told = findings.ended(subprocess.CompletedProcess([], 1, "", trace)).splitlines()
    assert len(told) == findings.MOST_LINES
    assert told[0] == "ValueError: it is in .../site-packages/keras/a.py and .../layer.onnx"


def test_what_was_seen_names_no_folder_of_a_machine() -> None:
    said = json.loads(findings.SEEN.read_text(encoding="utf-8"))
    assert said
    assert [name for name, seen in said.items() if findings.MACHINES_OWN.search(seen["ended"])] == []


def test_a_page_says_since_when_it_is_so_as_far_as_that_is_known() -> None:
    seen = {"ended": "AssertionError: off by `up` to | 1", "with": "keras 3.15.1 on tensorflow 2.21.0, x86"}
    told = {
        "Since: not known.": (replace(ENTRY, since=None), None),
        "Since: not known; first seen with keras 3.15.1 on tensorflow 2.21.0.": (
            replace(ENTRY, since=None),
            seen,
        ),
        "Since: TensorFlow 2.3 &#38; later.": (replace(ENTRY, since="TensorFlow 2.3 & later"), seen),
    }
    for text, (entry, said) in told.items():
        page = findings.page(entry, built_in(), said)
        assert text in page
        assert (f"```text\n{seen['ended']}\n```" in page) is (said is not None)


def test_the_environment_of_a_script_is_the_entrys_and_nothing_of_this_process_stays_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    entry = next(each for each in built_in() if each.backend == "jax")
    before = dict(os.environ)
    assert 'KERAS_BACKEND="jax"' in findings.script(entry)
    assert findings.environment(ENTRY) == {"KERAS_BACKEND": "tensorflow", "TF_ENABLE_ONEDNN_OPTS": "1"}
    assert dict(os.environ) == before
    without = next(each for each in built_in() if each.name == "tensorflow-conv3d-same-late-without-onednn")
    assert findings.environment(without) == {"KERAS_BACKEND": "tensorflow", "TF_ENABLE_ONEDNN_OPTS": "0"}


def test_an_entry_without_a_layer_of_its_example_is_named() -> None:
    with pytest.raises(LookupError, match="tensorflow-one-column-float32: no layer"):
        findings.subject(replace(ENTRY, variant=("no such",)))
