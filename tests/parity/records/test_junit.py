"""A recorded sweep as JUnit XML: what services read out of it, and how it gets onto the disk."""

import io
import os
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.sax.saxutils import XMLGenerator

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from parity.cli.exits import UNREADABLE
from parity.cli.main import run_cli
from parity.records.counts import Outcome
from parity.records.junit import write_document
from tests.support.recorded import Json, recorded, typed, write

OUTCOMES = {"failure": "failures", "error": "errors", "skipped": "skipped"}
ATTRIBUTES = {
    "testsuites": ({"name", "tests", "failures", "errors"}, set()),
    "testsuite": ({"name", "tests", "failures", "errors", "skipped"}, {"timestamp"}),
    "properties": (set(), set()),
    "property": ({"name", "value"}, set()),
    "testcase": ({"classname", "name"}, set()),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "skipped": ({"message"}, set()),
}
"""The required and the optional attributes of each element."""
CHILDREN = {
    "testsuites": ("testsuite",),
    "testsuite": ("properties", "testcase"),
    "properties": ("property",),
    "testcase": tuple(OUTCOMES),
}
"""What may stand in each element, in this order."""

EDITS: tuple[Json, ...] = (
    {},
    {"explained": False, "reason": "it begins elsewhere"},
    {"status": "crashed", "explained": False, "relation": None, "reason": None, "error": "signal 11"},
    {"status": "timeout", "explained": False, "relation": None, "reason": None, "error": None},
    {"status": "unsupported", "relation": None, "shape": None, "error": None},
    {"relation": "empty"},
)


def assert_valid(root: ET.Element) -> None:
    """Elements and attributes are those that Jenkins's schema has too, and the counts are right."""
    for element in root.iter():
        required, optional = ATTRIBUTES[element.tag]
        assert required <= set(element.keys()) <= required | optional
        places = [CHILDREN.get(element.tag, ()).index(child.tag) for child in element]
        assert places == sorted(places)
    for counted in (root, *root):
        assert int(counted.attrib["tests"]) == len(counted.findall(".//testcase"))
        for outcome, attribute in OUTCOMES.items():
            if attribute in ATTRIBUTES[counted.tag][0]:
                assert int(counted.attrib[attribute]) == len(counted.findall(f".//{outcome}"))
    assert all(len(test) <= 1 for test in root.iter("testcase"))


@st.composite
def sweeps(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> list[Json]:
    """The recorded sweep with every result edited in some way, and texts for its names and reasons."""
    lines = recorded()
    for record in lines[1:]:
        record |= {"name": draw(texts), "suite": draw(st.sampled_from(["first", "second", draw(texts)]))}
        for result in record["results"]:
            result.update(draw(st.sampled_from(EDITS)), reason=draw(st.none() | texts))
    return lines


def document(lines: list[Json]) -> ET.Element:
    """The document of these lines, as it is read."""
    file = io.BytesIO()
    write_document(file, *typed(lines))
    return ET.fromstring(file.getvalue())  # noqa: S314 - our own


@settings(deadline=None, max_examples=30)
@given(lines=sweeps(st.text(st.characters(exclude_categories=[]), max_size=5)), data=st.data())
def test_any_sweep_in_any_order_is_the_same_valid_document(lines: list[Json], data: st.DataObject) -> None:
    header, *records = lines
    root = document(lines)
    assert_valid(root)
    assert root.attrib["tests"] == str(len(records))
    assert len({suite.attrib["name"] for suite in root}) == len(root)
    shuffled = document([header, *data.draw(st.permutations(records))])
    assert ET.tostring(shuffled) == ET.tostring(document(lines))


@settings(deadline=None, max_examples=30)
@given(lines=sweeps(st.text("ab", min_size=1, max_size=5)))
def test_a_test_fails_and_breaks_as_the_sweep_does(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Json]
) -> None:
    folder = tmp_path_factory.mktemp("junit")
    out = folder / "out.xml"
    code = run_cli(["report", str(write(folder / "a.jsonl", lines)), "--junit", str(out)])
    root = ET.parse(out).getroot()  # noqa: S314 - our own
    failures, errors, tests = (int(root.attrib[name]) for name in ("failures", "errors", "tests"))
    skipped = sum(int(suite.attrib["skipped"]) for suite in root)
    expected = Outcome.EXPLAINED
    if failures:
        expected = Outcome.UNEXPLAINED
    elif errors:
        expected = Outcome.CRASHED
    elif skipped == tests:
        expected = Outcome.NOTHING_COMPARED
    assert code == expected


def one_edited(**keys: object) -> ET.Element:
    """The test of the first record, its PyTorch results edited."""
    header, record = recorded()[:2]
    for result in record["results"]:
        if result["framework"] == "torch":
            result.update(keys)
    (test,) = document([header, record]).iter("testcase")
    return test


def test_a_failure_says_the_first_reason_all_others_and_the_command() -> None:
    test = one_edited(explained=False, reason="another window")
    (failure,) = test
    assert (test.attrib["classname"], test.attrib["name"]) == ("first", "layer-1 conv2d")
    assert (failure.tag, failure.attrib["type"]) == ("failure", "unexplained")
    assert failure.attrib["message"] == "torch native: another window"
    assert str(failure.text).splitlines() == [
        "torch native: another window",
        "torch native input_grad: another window",
        "torch native weight_grad: another window",
        "parity run conv2d --input 1,2,5,5 --filters 2 --kernel 3 --grad --frameworks numpy,torch",
    ]


def test_a_crash_is_an_error_and_one_beside_an_unexplained_result_a_failure() -> None:
    crashed = {"status": "crashed", "explained": False, "reason": None, "error": "it ended with signal 11"}
    (error,) = one_edited(**crashed)
    assert (error.tag, error.attrib["type"]) == ("error", "crashed")
    assert error.attrib["message"] == "torch native: it ended with signal 11"
    header, record = recorded()[:2]
    record["results"][-1] |= {"explained": False, "reason": "it is flipped"}
    record["results"][-2] |= crashed
    (test,) = document([header, record]).iter("testcase")
    assert [outcome.tag for outcome in test] == ["failure"]
    assert test[0].attrib["message"] == "torch native weight_grad: it is flipped"
    assert "torch native input_grad: it ended with signal 11\n" in str(test[0].text)


def test_nothing_compared_is_skipped_and_a_pass_has_nothing_in_it() -> None:
    assert [outcome.tag for outcome in one_edited()] == []
    (skipped,) = one_edited(status="unsupported", relation=None)
    assert skipped.attrib == {"message": "nothing was compared"}


def test_the_versions_stand_in_the_properties() -> None:
    header, *_ = lines = recorded()
    for suite in document(lines):
        found = {each.attrib["name"]: each.attrib["value"] for each in suite.iter("property")}
        assert found["python"] == header["python"]
        assert found["frameworks.torch"].startswith(header["frameworks"][1]["version"])
        assert found["flags.KERAS_BACKEND"] == (header["flags"]["KERAS_BACKEND"] or "not set")


def test_what_xml_cannot_write_is_escaped() -> None:
    (failure,) = one_edited(explained=False, reason="\x1b[31mred\x00 <&> ]]> \uffff é")
    assert failure.attrib["message"] == r"torch native: \x1b[31mred\x00 <&> ]]> \uffff é"


def record_file(folder: Path) -> Path:
    return write(folder / "record.jsonl", recorded())


def test_a_file_is_replaced_whole_and_keeps_no_draft(tmp_path: Path) -> None:
    out = tmp_path / "out.xml"
    out.write_text("from last night")
    assert run_cli(["report", str(record_file(tmp_path)), "--junit", str(out)]) == Outcome.EXPLAINED
    assert_valid(ET.parse(out).getroot())  # noqa: S314 - our own
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out.xml", "record.jsonl"]


def test_behind_a_link_the_file_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "link.xml").symlink_to("out.xml")
    assert run_cli(["report", str(record_file(tmp_path)), "--junit", str(tmp_path / "link.xml")]) == 0
    assert (tmp_path / "link.xml").is_symlink()
    assert (tmp_path / "out.xml").is_file()


@pytest.mark.parametrize("name", ["no/folder.xml", "record.jsonl", "folder", "pipe", "long" * 100])
def test_where_nothing_can_be_written_one_sentence_says_so_and_nothing_is_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    file = record_file(tmp_path)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = sorted((each, each.stat().st_mtime_ns) for each in tmp_path.iterdir())
    code = run_cli(["report", str(file), "--junit", str(tmp_path / name)])
    printed = capsys.readouterr()
    assert (code, printed.out, len(printed.err.splitlines())) == (Outcome.WRONG_INPUT, "", 1)
    assert f"{name} cannot be written: " in printed.err
    assert sorted((each, each.stat().st_mtime_ns) for each in tmp_path.iterdir()) == before


def test_a_disk_that_is_full_leaves_the_old_file_and_no_draft(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(XMLGenerator, "endElement", full)
    out = tmp_path / "out.xml"
    out.write_text("from last night")
    code = run_cli(["report", str(record_file(tmp_path)), "--junit", str(out)])
    assert code == UNREADABLE
    assert "out.xml cannot be written: No space left on device" in capsys.readouterr().err
    assert out.read_text() == "from last night"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out.xml", "record.jsonl"]
