"""Records of the right outline and wrong inside: who reads them says so in one sentence, or can read them."""

from __future__ import annotations

import io
import json
import math
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from parity.cli.diff import show_diff
from parity.cli.exits import WRONG_INPUT
from parity.cli.main import run_cli
from parity.cli.report import show_report
from parity.records.counts import Report
from parity.records.diff import diff
from parity.records.junit import write_document
from parity.records.reader import RecordError, read_records
from tests.support.recorded import Json, recorded, write
from tests.support.strategies import examples

CHANGES: tuple[object, ...] = (
    "delete",
    *(None, True, 0, -1, 5, 10**30, 10**4299, 0.5, 1e300, math.nan, math.inf),
    *("", "x", "[/b]", "a'b", "\ud800", "\0", "conv2d"),
    *([], [[]], [None], [0.5], ["a", 1], {}, {"a": []}, {"op": []}),
)
"""What a place is given in the place of its value: values of every type, and of each something odd."""

Place = tuple[Any, ...]
"""The keys and indices that lead to a value."""


def places(value: object, path: Place = ()) -> list[Place]:
    """Every place in a JSON value, the whole of it first."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


@cache
def places_of(line: int) -> list[Place]:
    return places(recorded()[line])[1:]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A record's text with a few places of a line deleted, given another value or there twice, or torn.

    Shrinks towards one that is whole.
    """
    lines = recorded()[:4]
    for line in draw(st.lists(st.integers(0, len(lines) - 1), max_size=2)):
        mutate(lines, (line, *draw(st.sampled_from(places_of(line)))), draw(st.sampled_from(CHANGES)))
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    if draw(st.booleans()):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(start + 40, len(text))))
        spliced = draw(st.sampled_from([b"", text[start:end] * 2]) | st.binary(max_size=9))
        text = text[:start] + spliced + text[end:]
    return text if draw(st.booleans()) else text[: draw(st.integers(0, len(text)))]


def mutate(lines: list[Json], place: Place, value: object) -> list[Json]:
    """Change the value at a place, if an earlier change has left the place there."""
    *outer, last = place
    found: Any = lines
    with suppress(LookupError, TypeError):
        for key in outer:
            found = found[key]
        if value == "delete":
            del found[last]
        else:
            found[last] = value
    return lines


@settings(examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=mutated())
def test_a_record_that_was_mutated_is_read_or_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: bytes
) -> None:
    path, whole = tmp_path / "mutated.jsonl", write(tmp_path / "whole.jsonl", recorded()[:4])
    path.write_bytes(text)
    try:
        header, records = read_records(path)
        counted = Report(records, header)
        counted.to_dict(header)
        write_document(io.BytesIO(), header, records)
        show_report(header, counted)
        for old, new in ((path, whole), (whole, path)):
            show_diff(diff(old, new))
    except RecordError as error:
        assert str(error).startswith(str(path))  # noqa: PT017 - nothing else may be raised
    capsys.readouterr()


def test_a_name_that_rich_would_read_as_markup_is_printed_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = mutate(recorded()[:2], (1, "results", 0, "framework"), "[/b] :smile:")
    run_cli(["report", str(write(tmp_path / "a.jsonl", lines))])
    assert "[/b] :smile:" in capsys.readouterr().out


RESULT = (2, "results", 0)
WRONG: dict[str, tuple[Place, object, str]] = {
    "a header without a schema": ((0, "schema"), "delete", "line 1: schema None, known is 1"),
    "a header without a kind": ((0, "kind"), "delete", "line 1: allowed is a header"),
    "a header of another schema": ((0, "schema"), 2, "line 1: schema 2, known is 1"),
    "a version that is a number": ((0, "frameworks", 0, "version"), 3, "line 1: Expected `str | null`"),
    "a record without a kind": ((2, "kind"), "delete", "line 3: allowed is a record"),
    "a record without a schema": ((2, "schema"), "delete", "line 3: schema None, known is 1"),
    "a reference that is a number": ((2, "reference"), 5, "line 3: Expected `object | null`, got `int`"),
    "a verdict that there is not": ((2, "verdict"), "fine", "line 3: Invalid enum value 'fine'"),
    "a case that is a list": ((2, "case"), [], "line 3: Expected `object`, got `array`"),
    "a case without an input": ((2, "case", "input"), "delete", "line 3: in 'case': Object missing"),
    "a case without an op": ((2, "case", "op"), "delete", "line 3: in 'case': Object missing"),
    "an op that is a list": ((2, "case", "op"), ["conv2d"], "line 3: in 'case': Expected `str`"),
    "filters that are a text": ((2, "case", "filters"), "2", "line 3: in 'case': Expected `int`"),
    "a seed that is no number": ((2, "case", "seed"), math.nan, "line 3: no valid JSON"),
    "an infinite error": ((*RESULT, "max_abs_error"), math.inf, "line 3: no valid JSON"),
    "a command that no shell reads": ((2, "command"), "parity 'run", 'line 3: command "parity \'run"'),
}


@pytest.mark.parametrize("command", ["report", "report --json", "diff"])
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_one_sentence_with_the_file_and_the_line(
    wrong: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, value, said = WRONG[wrong]
    path = str(write(tmp_path / "a.jsonl", mutate(recorded()[:3], place, value)))
    assert run_cli([*command.split(), path, *([path] if command == "diff" else [])]) == WRONG_INPUT
    printed = capsys.readouterr()
    assert printed.err.startswith(f"parity: {path}, {said}")
    assert (printed.out, printed.err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    ("line", "written", "key"),
    [
        (1, '"kind": "header"', "kind"),
        (1, '"KERAS_BACKEND": null', "KERAS_BACKEND"),
        (2, '"verdict": "agree"', "verdict"),
        (2, '"op": "conv2d"', "op"),
        (2, '"status": "ok"', "status"),
        (2, r'"warnings": ["\ud800"]', "warnings"),
    ],
)
def test_a_key_that_is_given_twice_is_refused_by_name(
    tmp_path: Path, line: int, written: str, key: str
) -> None:
    lines = recorded()[:2]
    lines[0]["flags"]["KERAS_BACKEND"] = None
    lines[1]["results"][0]["warnings"] = ["\ud800"] if "ud800" in written else []
    path = write(tmp_path / "a.jsonl", lines)
    text = path.read_text()
    assert written in text
    path.write_text(text.replace(written, f"{written}, {written}", 1))
    with pytest.raises(RecordError, match=rf"a\.jsonl, line {line}: key '{key}' is given twice"):
        Report(read_records(path)[1])
