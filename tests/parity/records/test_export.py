"""A record as a table: every result a row, with every value that the record has of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from parity.cli.exits import UNREADABLE
from parity.cli.main import run_cli
from parity.records import export as exporting
from parity.records.counts import Outcome
from parity.records.reader import read_records
from parity.records.result import Repeats
from tests.support.recorded import Json, recorded, write

parquet = pytest.importorskip("pyarrow.parquet")


def table(folder: Path, lines: list[Json]) -> Any:  # noqa: ANN401 - pyarrow has no types
    """The table of these lines."""
    out = folder / "out.parquet"
    exporting.export(write(folder / "a.jsonl", lines), out)
    return parquet.read_table(out)


def test_each_result_is_a_row_with_all_that_the_record_says_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_AT_ONCE", 4)  # so that there are several groups of rows
    lines = recorded()
    lines[2]["results"][1] |= {"error": "ValueError: é…", "notes": ["a", "b"], "finite_share": 0.5}
    lines[2]["results"][1]["errors"] = {"shape": [1, 2], "block": [1, 1], "levels": "AAA="}
    rows = table(tmp_path, lines).to_pylist()
    expected = [(record, result) for record in lines[1:] for result in record["results"]]
    assert len(rows) == len(expected)
    for row, (record, result) in zip(rows, expected, strict=True):
        assert {name: row[name] for name in result} == result
        for name in ("suite", "name", "command", "verdict"):
            assert row[name] == record[name]
        for name in ("op", "input", "filters", "groups", "bias", "dtype", "values", "seed", "dilation"):
            assert row[name] == record["case"][name]
        assert row["reference_shape"] == record["reference"]["shape"]


def test_the_header_stands_in_the_files_metadata(tmp_path: Path) -> None:
    lines = recorded()
    assert json.loads(table(tmp_path, lines).schema.metadata[b"convparity"]) == lines[0]


def test_numbers_for_all_axes_and_names_of_paddings_have_columns_of_one_type(tmp_path: Path) -> None:
    header, record = recorded()[:2]
    cases: list[Json] = [
        {"kernel": 3, "padding": 1},
        {"padding": [2, [0, 1]], "padding_mode": "reflect", "output_padding": [1, 0]},
        {"padding": "same"},
    ]
    records = [{**record, "case": record["case"] | case} for case in cases]
    rows = table(tmp_path, [header, *records]).to_pylist()
    first, second, third = rows[:: len(record["results"])]
    assert (first["kernel"], first["padding"], first["padding_name"]) == ([3, 3], [[1, 1], [1, 1]], None)
    assert (second["padding"], second["padding_mode"]) == ([[2, 2], [0, 1]], "reflect")
    assert (second["output_padding"], first["output_padding"]) == ([1, 0], None)
    assert (third["padding"], third["padding_name"], third["padding_mode"]) == (None, "same", "zeros")


def test_what_a_result_has_of_its_own_kind_is_kept(tmp_path: Path) -> None:
    lines = recorded()[:2]
    repeats = Repeats(runs=5, distinct={"1": 1, "2": 3}, same=False)
    lines[1]["results"][0]["repeats"] = msgspec.to_builtins(repeats)
    lines[1]["own_arrays"] = {"x": "sha256:00"}
    row, *_ = table(tmp_path, lines).to_pylist()
    assert row["repeats"] == {"runs": 5, "distinct": [("1", 1), ("2", 3)], "same": False}
    assert row["own_arrays"] == [("x", "sha256:00")]


def test_a_record_without_a_case_is_a_table_of_the_same_columns(tmp_path: Path) -> None:
    empty, full = (table(tmp_path, recorded()[:count]) for count in (1, 3))
    assert (empty.num_rows, empty.schema) == (0, full.schema)


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_the_command_says_how_much_there_is_and_what_is_torn(
    tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = write(tmp_path / "a.jsonl", recorded())
    file, out = tmp_path / f"b{suffix}", tmp_path / "out.parquet"
    assert run_cli(f"sweep article --frameworks numpy,torch --output {file}".split()) in tuple(Outcome)
    capsys.readouterr()
    assert run_cli(["export", str(file), str(out)]) == 0
    count = sum(len(each.results) for each in read_records(file)[1])
    assert capsys.readouterr() == (f"{count} results of 16 cases in {out}\n", "")
    assert parquet.read_metadata(out).num_rows == count
    text.write_bytes(text.read_bytes()[:-9])
    assert run_cli(["export", str(text), str(out)]) == 0
    assert capsys.readouterr().err.startswith(f"{text}: the last line is torn and was dropped")


@pytest.mark.parametrize("name", ["out.csv", "parquet", "no/out.parquet", "a.parquet", "folder.parquet"])
def test_where_nothing_can_be_written_a_sentence_says_so_and_nothing_is_touched(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder.parquet").mkdir()
    file = write(tmp_path / "a.parquet", recorded())
    before = sorted((each, each.stat().st_mtime_ns) for each in tmp_path.iterdir())
    assert run_cli(["export", str(file), str(tmp_path / name)]) == Outcome.WRONG_INPUT
    printed = capsys.readouterr()
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    named = name.endswith(".parquet")
    assert name in printed.err
    assert ("cannot be written: " if named else "allowed is a name that ends with .parquet") in printed.err
    assert sorted((each, each.stat().st_mtime_ns) for each in tmp_path.iterdir()) == before


def test_a_full_disk_leaves_the_old_file_and_no_draft(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet.ParquetWriter, "write_batch", full)
    file, out = write(tmp_path / "a.jsonl", recorded()), tmp_path / "out.parquet"
    out.write_text("from last night")
    assert run_cli(["export", str(file), str(out)]) == UNREADABLE
    assert capsys.readouterr().err == f"parity: {out} cannot be written: No space left on device\n"
    assert out.read_text() == "from last night"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.jsonl", "out.parquet"]


def test_a_record_that_is_wrong_leaves_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = recorded()
    file = write(tmp_path / "a.jsonl", [*lines[:3], lines[0]])
    assert run_cli(["export", str(file), str(tmp_path / "out.parquet")]) == Outcome.WRONG_INPUT
    assert "line 4: allowed is a record of a sweep" in capsys.readouterr().err
    lines[1]["case"]["seed"] = 2**70
    file = write(tmp_path / "a.jsonl", lines)
    assert run_cli(["export", str(file), str(tmp_path / "out.parquet")]) == Outcome.WRONG_INPUT
    assert f"{file}: no table has what is in it: " in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["a.jsonl"]


def test_without_pyarrow_it_is_said_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "find_spec", lambda _: None)
    file = write(tmp_path / "a.jsonl", recorded())
    assert run_cli(["export", str(file), str(tmp_path / "out.parquet")]) == Outcome.WRONG_INPUT
    said = "parity: export: needs pyarrow, which is not installed: pip install 'convparity[export]'\n"
    assert capsys.readouterr().err == said
