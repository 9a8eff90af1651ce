"""JSON that is printed piece by piece is what json.dumps writes."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, example, given, settings

from parity.cli import output
from parity.cli.output import json_document, json_line
from parity.records import disk
from parity.records.disk import Listing

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(value=st.dictionaries(st.text(max_size=3), values, max_size=3), printed=st.sampled_from([1, 2**16]))
@example(value={}, printed=1)
@example(value={"a": [[], {}, [[1]]]}, printed=1)
def test_what_is_printed_in_pieces_is_what_is_written_whole(
    value: dict[str, Any], printed: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "_PRINTED", printed)
    json_document(value)
    assert capsys.readouterr().out == json.dumps(value, indent=2).replace("\x7f", r"\u007f") + "\n"
    json_line(value)
    assert capsys.readouterr().out == json.dumps(value).replace("\x7f", r"\u007f") + "\n"


@pytest.mark.parametrize("most", [1, 100])
def test_what_is_on_the_disk_is_printed_as_a_list(
    most: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "MOST_ROWS", most)
    found: Listing[list[int]] = Listing(list[int])
    for number in range(4):
        found.add((number,), [number])
    nothing: Listing[int] = Listing(int)
    json_document({"some": found.part(), "none": nothing.part()})
    assert capsys.readouterr().out == json.dumps({"some": [[0], [1], [2], [3]], "none": []}, indent=2) + "\n"
