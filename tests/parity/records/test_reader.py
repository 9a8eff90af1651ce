"""Reading a recorded sweep: whole, cut off, and damaged."""

import io
import json
import tracemalloc
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from parity.records.reader import MOST_BYTES, RecordError, Whole, read_records, whole_lines
from tests.support.recorded import recorded, typed, write

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def test_what_was_written_is_read_each_time(tmp_path: Path) -> None:
    lines = recorded()
    header, records = read_records(write(tmp_path / "a.jsonl", lines))
    assert (header, list(records)) == typed(lines)
    assert list(records) == typed(lines)[1]


@in_one_folder
@given(data=st.data())
def test_a_file_cut_off_anywhere_gives_its_whole_lines(tmp_path: Path, data: st.DataObject) -> None:
    lines = recorded()
    path = write(tmp_path / "a.jsonl", lines)
    text = path.read_bytes()
    kept = text[: data.draw(st.integers(text.index(b"\n") + 1, len(text)))]
    path.write_bytes(kept)
    header, records = read_records(path)
    assert (header, list(records)) == typed(lines[: kept.count(b"\n")])
    assert (records.torn is None) == kept.endswith(b"\n")


@in_one_folder
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_by_name(tmp_path: Path, data: st.DataObject) -> None:
    path = write(tmp_path / "a.jsonl", recorded()[:3])
    text = path.read_bytes()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 20, len(text))))
    path.write_bytes(text[:start] + data.draw(st.binary(max_size=20)) + text[end:])
    try:
        _, records = read_records(path)
        list(records)
    except RecordError as error:
        assert str(path) in str(error)  # noqa: PT017 - undamaged enough to be read is allowed too


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("output", 1),
        ("bound_ratio", True),
        ("max_abs_error", "0.5"),
        ("offset", [0, None]),
        ("shape", "1x1"),
        ("layer", 3),
        ("explained", None),
        ("status", None),
    ],
)
def test_a_result_of_another_kind_is_refused_by_key(tmp_path: Path, key: str, value: object) -> None:
    lines = recorded()[:3]
    lines[2]["results"][1][key] = value
    _, records = read_records(write(tmp_path / "a.jsonl", lines))
    with pytest.raises(RecordError, match=rf"line 3: .* - at .*results.1..{key}"):
        list(records)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "no line"),
        (b'{"kind": "header", "schema": 1', "no line"),
        (b"\xff\xfe\n", "line 1: no valid UTF-8"),
        (b"[" * 100_000 + b"\n", "line 1: allowed is a header of a sweep"),
        (b"1" * 10_000 + b"\n", "line 1: allowed is a header of a sweep"),
        (b'{"kind": NaN}\n', "line 1: no valid JSON"),
        (b'{"kind": "header", "schema": 1, "frameworks": ["torch"], "suites": []}\n', r"\$\.frameworks\[0\]"),
        (b'{"kind": "header", "schema": 1, "frameworks": [], "suites": [1]}\n', r"`str`, got `int` .*suites"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: bytes, said: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(text)
    with pytest.raises(RecordError, match=said):
        read_records(path)


def test_a_folder_and_a_missing_file_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="allowed is a regular file, and this is a directory"):
        read_records(tmp_path)
    with pytest.raises(RecordError, match=r"none.jsonl cannot be read: No such file"):
        read_records(tmp_path / "none.jsonl")
    with pytest.raises(RecordError, match="cannot be read: File name too long"):
        read_records(tmp_path / ("n" * 300))


def test_half_a_character_is_read_as_one_that_can_be_printed(tmp_path: Path) -> None:
    lines = recorded()[:2]
    lines[1]["results"][0]["reason"] = "half \ud800, whole \N{GRINNING FACE}"
    path = write(tmp_path / "a.jsonl", lines)
    assert json.loads(path.read_text().splitlines()[1]) == lines[1]
    (record,) = read_records(path)[1]
    assert record.results[0].reason == "half ?, whole \N{GRINNING FACE}"


def test_a_line_without_an_end_is_read_to_a_limit_and_no_further(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", recorded()[:2])
    with path.open("r+b") as file:
        file.truncate(2**29)
    _, records = read_records(path)
    tracemalloc.start()
    try:
        with pytest.raises(RecordError, match=r"a\.jsonl, line 3: it has more than 64 MiB"):
            list(records)
        assert tracemalloc.get_traced_memory()[1] < 3 * MOST_BYTES
    finally:
        tracemalloc.stop()


@given(st.lists(st.sampled_from([b"\n", b"a", b"b" * 70_000])))
def test_the_whole_lines_of_a_file_are_all_before_what_follows_its_last_line_feed(parts: list[bytes]) -> None:
    text = b"".join(parts)
    length = text.rfind(b"\n") + 1
    beginning = None if length else text[: 2**16]
    assert whole_lines(Path("a.jsonl"), io.BytesIO(text)) == Whole(length, beginning=beginning)
