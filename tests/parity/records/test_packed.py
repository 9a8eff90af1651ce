"""Records that are packed: written line by line, cut off anywhere, gone on with, damaged, wrongly named."""

from __future__ import annotations

import errno
import gzip
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
import zlib
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from parity.cli.main import run_cli
from parity.records import writer
from parity.records.counts import Outcome
from parity.records.header import Header
from parity.records.packing import packing_of
from parity.records.reader import MOST_BYTES, RecordError, read_records
from parity.records.result import Record
from parity.records.writer import RecordFile
from tests.support.recorded import recorded, typed, write

zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

PACKED = (".jsonl.gz", ".jsonl.zst")
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
packed = pytest.mark.parametrize("suffix", PACKED)


def sweep() -> tuple[Header, list[Record]]:
    header, records = typed(recorded())
    return header, 3 * records


def go_on(path: Path, *, lines: int | None = None) -> int:
    """Go on with a record until it has all lines, or so many more; return how many it had."""
    header, records = sweep()
    with RecordFile(path, resume=True) as file:
        there = list(file.begin(header) or ())
        assert there == records[: len(there)]
        for record in records[len(there) :][:lines]:
            file.write(record)
    return len(there)


def pack(suffix: str, text: bytes) -> bytes:
    """Pack a text as somebody else does, in one frame."""
    found: bytes = gzip.compress(text) if suffix.endswith("gz") else zstd.compress(text)
    return found


@packed
def test_a_packed_record_is_small_and_says_the_same_as_text(tmp_path: Path, suffix: str) -> None:
    path, text = tmp_path / f"a{suffix}", tmp_path / "a.jsonl"
    go_on(path)
    go_on(text)
    assert 10 * path.stat().st_size < text.stat().st_size
    unpack = gzip.decompress if suffix.endswith("gz") else zstd.decompress
    assert unpack(path.read_bytes()) == text.read_bytes()
    assert (read_records(path)[0], list(read_records(path)[1])) == sweep()


@packed
def test_each_line_can_be_read_as_soon_as_it_is_written(tmp_path: Path, suffix: str) -> None:
    header, records = sweep()
    path = tmp_path / f"a{suffix}"
    with RecordFile(path) as file:
        file.begin(header)
        for number, record in enumerate(records, 1):
            file.write(record)
            assert list(read_records(path)[1]) == records[:number]


@packed
@pytest.mark.parametrize("frame", [1, 9000, 2**22])
@in_one_folder
@given(data=st.data())
def test_a_record_cut_off_anywhere_is_read_and_gone_on_with(
    tmp_path: Path, suffix: str, frame: int, data: st.DataObject
) -> None:
    header, records = sweep()
    path = tmp_path / f"a{suffix}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "_FRAME", frame)
        path.unlink(missing_ok=True)
        go_on(path)
        whole = path.read_bytes()
        kept = whole[: data.draw(st.integers(0, len(whole)))]
        path.write_bytes(kept)
        try:
            found = list(read_records(path)[1])
        except RecordError as error:
            assert "it has no line" in str(error)  # noqa: PT017 - torn in the header
            found = []
        assert go_on(path, lines=1) == len(found)
        assert go_on(path) == min(len(found) + 1, len(records))
    assert (read_records(path)[0], list(read_records(path)[1])) == (header, records)


@packed
def test_a_frame_without_an_end_is_said_and_a_whole_record_says_nothing(
    tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"a{suffix}"
    go_on(path)
    assert run_cli(["report", str(path)]) == Outcome.EXPLAINED
    assert capsys.readouterr().err == ""
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    assert run_cli(["report", str(path)]) == Outcome.EXPLAINED
    said = "its last frame has no end; its whole lines were read; the sweep was interrupted"
    assert capsys.readouterr().err == f"{path}: {said}\n"
    path.write_bytes(whole)
    assert run_cli(["diff", str(path), str(path)]) == Outcome.EXPLAINED
    assert capsys.readouterr().err == ""


@packed
def test_a_frame_without_an_end_is_given_one_where_no_line_is_left(
    tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"a{suffix}"
    go_on(path)
    path.write_bytes(path.read_bytes()[:-3])
    assert go_on(path) == len(sweep()[1])
    assert run_cli(["report", str(path)]) == Outcome.EXPLAINED
    assert capsys.readouterr().err == ""


@packed
def test_reading_changes_nothing_and_a_refused_sweep_leaves_a_torn_frame(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    go_on(path)
    path.write_bytes(path.read_bytes()[:-30])
    before = path.read_bytes()
    header, _ = sweep()
    other = Header(suites=header.suites, frameworks=header.frameworks[:1])
    with RecordFile(path, resume=True) as file, pytest.raises(RecordError, match="cannot be resumed"):
        file.begin(other)
    assert path.read_bytes() == before


@packed
def test_what_others_packed_is_read_and_gone_on_with(tmp_path: Path, suffix: str) -> None:
    header, *lines = write(tmp_path / "a.jsonl", recorded()).read_bytes().splitlines(keepends=True)
    path, records = tmp_path / f"a{suffix}", typed(recorded())[1]
    path.write_bytes(pack(suffix, header + lines[0]) + pack(suffix, b"") + pack(suffix, lines[1]))
    assert list(read_records(path)[1]) == records[:2]
    assert go_on(path, lines=1) == 2
    assert list(read_records(path)[1]) == records[:3]
    path.write_bytes(pack(suffix, header + lines[0] + lines[1][:-9]))  # torn, and then packed
    assert go_on(path, lines=1) == 1
    assert list(read_records(path)[1]) == records[:2]


def test_frames_that_zstd_skips_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.zst"
    skipped = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"notes"
    path.write_bytes(skipped + pack(".zst", write(tmp_path / "a.jsonl", recorded()).read_bytes()) + skipped)
    assert list(read_records(path)[1]) == typed(recorded())[1]


@packed
@pytest.mark.parametrize("content", [b"a", b'{"schema":1,"kind":"header"}\n', b"\0" * 100])
def test_what_is_not_packed_under_such_a_name_is_said_and_left_alone(
    tmp_path: Path, suffix: str, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    by = "gzip" if suffix.endswith("gz") else "zstd"
    said = f"parity: {path}, line 1: it is damaged, or not packed by {by}: "
    for line in (["report", str(path)], ["diff", str(path), str(path)]):
        assert run_cli(line) == Outcome.WRONG_INPUT
        assert capsys.readouterr().err.startswith(said)
    assert run_cli(f"sweep article --frameworks numpy --resume --output {path}".split()) == 2
    assert f"{path} cannot be resumed: it is damaged, or not packed by {by}: " in capsys.readouterr().err
    assert path.read_bytes() == content


@packed
def test_what_is_packed_under_the_name_of_a_text_is_said(
    tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(pack(suffix, b"anything"))
    assert run_cli(["report", str(path)]) == Outcome.WRONG_INPUT
    by, end = ("gzip", ".gz") if suffix.endswith("gz") else ("zstd", ".zst")
    said = f"line 1: it is packed by {by}; allowed is a name that ends with {end}"
    assert said in capsys.readouterr().err


@packed
def test_what_is_damaged_in_the_middle_is_refused_by_line(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "_FRAME", 1)
        go_on(path)
    frames = path.read_bytes()
    begins = packing_of(path)
    assert begins is not None
    third = frames.index(begins.begins, frames.index(begins.begins, 1) + 1)
    path.write_bytes(frames[:third] + b"garbage" + frames[third:])
    _, records = read_records(path)
    with pytest.raises(RecordError, match=rf"a\{suffix}, line 3: it is damaged, or not packed by"):
        list(records)
    path.write_bytes(frames[:-1] + bytes([frames[-1] ^ 1]))  # the sum that is checked
    with pytest.raises(RecordError, match="it is damaged"):
        list(read_records(path)[1])


@packed
@in_one_folder
@given(data=st.data())
def test_a_damaged_record_is_read_or_refused_by_name(
    tmp_path: Path, suffix: str, data: st.DataObject
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(pack(suffix, write(tmp_path / "a.jsonl", recorded()[:3]).read_bytes()))
    packed = path.read_bytes()
    start = data.draw(st.integers(0, len(packed)))
    end = data.draw(st.integers(start, min(start + 20, len(packed))))
    path.write_bytes(packed[:start] + data.draw(st.binary(max_size=20)) + packed[end:])
    try:
        list(read_records(path)[1])
    except RecordError as error:
        assert str(path) in str(error)  # noqa: PT017 - undamaged enough to be read is allowed too
    before = path.read_bytes()
    with suppress(RecordError), RecordFile(path, resume=True) as file:
        file.begin(sweep()[0])
        return  # it was begun anew, or is gone on with
    assert path.read_bytes() == before


@packed
def test_a_second_header_is_refused_by_line(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    text = write(tmp_path / "a.jsonl", recorded()).read_bytes()
    path.write_bytes(2 * pack(suffix, text))
    with pytest.raises(RecordError, match="line 8: allowed is a record of a sweep"):
        list(read_records(path)[1])


@packed
def test_a_line_that_unpacks_to_gigabytes_is_read_to_a_limit_only(tmp_path: Path, suffix: str) -> None:
    path, piece = tmp_path / f"a{suffix}", b"0" * 2**20
    many = zlib.compressobj(wbits=31) if suffix.endswith("gz") else zstd.ZstdCompressor()
    with path.open("wb") as file:
        file.write(pack(suffix, write(tmp_path / "a.jsonl", recorded()[:2]).read_bytes()))
        for _ in range(2**9):
            file.write(many.compress(piece))
        file.write(many.flush())
    assert path.stat().st_size < 2**20
    _, records = read_records(path)
    tracemalloc.start()
    try:
        with pytest.raises(RecordError, match="line 3: it has more than 64 MiB"):
            list(records)
        with RecordFile(path, resume=True) as record, pytest.raises(RecordError, match="longer than any"):
            record.begin(sweep()[0])
        assert tracemalloc.get_traced_memory()[1] < 3 * MOST_BYTES
    finally:
        tracemalloc.stop()


@packed
def test_a_full_disk_costs_the_line_that_was_to_be_written(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, records = sweep()
    path = tmp_path / f"a{suffix}"
    real = os.write

    def half(file: int, data: bytes) -> int:
        if len(data) < 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, bytes(data)[: len(data) // 2])

    with pytest.raises(RecordError, match="cannot be written: No space left"), RecordFile(path) as file:  # noqa: PT012 - the file is closed, too
        file.begin(header)
        for record in records[:4]:
            file.write(record)
        monkeypatch.setattr(os, "write", half)
        file.write(records[4])
    monkeypatch.undo()
    assert list(read_records(path)[1]) == records[:4]
    before = path.read_bytes()
    with pytest.raises(RecordError, match="No space left"), RecordFile(path, resume=True) as file:  # noqa: PT012 - as above
        file.begin(header)
        monkeypatch.setattr(os, "write", lambda file, data: (real if data == before else half)(file, data))
        file.write(records[4])
    monkeypatch.undo()
    assert list(read_records(path)[1]) == records[:4]  # what was in the torn frame is there again
    assert go_on(path) == 4


@packed
def test_a_line_that_was_not_written_is_in_no_sum_of_its_frame(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    header, records = sweep()
    path = tmp_path / f"a{suffix}"
    with RecordFile(path) as file:
        file.begin(header)
        file.write(records[0])
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(RecordError, match="No space left"):
            file.write(records[1])
        monkeypatch.undo()  # there is space again when the file is closed
    assert list(read_records(path)[1]) == records[:1]
    assert go_on(path) == 1


SUITE = """
description = "Small cases."
[[product]]
name = "small"
op = ["conv1d", "conv_transpose1d"]
input = [[1, 2, 5], [2, 1, 7]]
filters = [1, 2]
kernel = [1, 2, 3]
stride = [1, 2, 3]
"""


def killed(path: Path, suite: Path, count: int) -> bool:
    """Go on with a sweep, kill it when so many cases are recorded, and return whether it was killed."""
    command = f"sweep {suite} --frameworks numpy,torch --output {path} --resume --jobs 1".split()
    running = subprocess.Popen(
        [sys.executable, "-m", "parity", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while running.poll() is None and recorded_in(path) < count:
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    return running.wait() == -signal.SIGKILL


def recorded_in(path: Path) -> int:
    try:
        return len(list(read_records(path)[1]))
    except RecordError:  # it is not there, or has no line
        return 0


@packed
def test_a_killed_sweep_is_gone_on_with_and_differs_in_nothing_from_one_in_text(
    tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = tmp_path / "small.toml"
    suite.write_text(SUITE, encoding="utf-8")
    path, text = tmp_path / f"killed{suffix}", tmp_path / "whole.jsonl"
    assert killed(path, suite, 5)
    assert 5 <= recorded_in(path) < 72
    killed(path, suite, 30)
    sweep = f"sweep {suite} --frameworks numpy,torch --jobs 1".split()
    assert run_cli([*sweep, "--output", str(text)]) == Outcome.EXPLAINED
    assert run_cli([*sweep, "--output", str(path), "--resume", "--baseline", str(text)]) == Outcome.EXPLAINED
    capsys.readouterr()
    assert run_cli(["diff", str(text), str(path), "--json"]) == Outcome.EXPLAINED
    found = json.loads(capsys.readouterr().out)
    assert (found["compared"], found["changed"], found["repeated_new"]) == (72, 0, 0)
    assert run_cli(["report", str(path), "--html", str(tmp_path / "a.html")]) == Outcome.EXPLAINED


@packed
def test_a_closed_frame_that_cannot_be_written_is_an_error(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    header, records = sweep()
    path = tmp_path / f"a{suffix}"
    with pytest.raises(RecordError, match="No space left"), RecordFile(path) as file:  # noqa: PT012 - as above
        file.begin(header)
        file.write(records[0])
        monkeypatch.setattr(os, "write", full)
    monkeypatch.undo()
    assert list(read_records(path)[1]) == records[:1]
