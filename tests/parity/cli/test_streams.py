"""What is printed, in whatever encoding a terminal or a pipe has, and whatever is in it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from rich.console import Console

from parity.cli import main, output, tables
from parity.cli.main import run_cli
from parity.cli.output import json_document
from parity.cli.streams import say
from parity.cli.tables import make_table, print_table

EVIL = "a\x1b[31m\x1b]0;t\x07\x9b2J\x08\u202e\u2066\u200b[/bold][red]"
SHOWN = r"a\x1b[31m\x1b]0;t\x07\x9b2J\x08\u202e\u2066\u200b[/bold][red]"

ENCODINGS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "no locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}

CASE = "conv1d --input 1,1,4 --filters 1 --kernel 2"


COMMANDS = [
    "--help",
    f"run {CASE} --frameworks numpy,torch --show-arrays",
    "sweep article --limit 1 --frameworks numpy,torch",
    "report record.jsonl",
    "diff record.jsonl other.jsonl",
    f"explain {CASE}",
    "sizes conv1d --kernel 2",
    "translate nn.Conv1d(1,1,1) --to numpy",
    "translate nn.Conv1d(…) --to numpy",
    "check conv1d --examples 1 --frameworks numpy",
    "fuzz --examples 1 --frameworks numpy,torch",
    "frameworks",
]


def inherited() -> dict[str, str]:
    """This process's environment, without what says an encoding."""
    said = {"PYTHONIOENCODING", "PYTHONUTF8", "LC_ALL", "LANG"}
    kept = {name: value for name, value in os.environ.items() if name not in said}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def record_of(name: str) -> str:
    """A record in which all that is free to be any text is this one."""
    header = {
        "kind": "header",
        "schema": 1,
        "frameworks": [{"framework": name, "version": name, "backend": name}],
        "suites": [name],
    }
    result = {
        "framework": name,
        "version": name,
        "backend": None,
        "spelling": "native",
        "layer": name,
        "status": "ok",
        "error": None,
        "shape": [1],
        "shape_equal": True,
        "allclose": False,
        "exact": False,
        "max_abs_error": 1.0,
        "bound_ratio": 2.0,
        "relation": "numeric",
        "offset": [0],
        "predicted": "identical",
        "explained": False,
        "reason": f"{name}… × →",
    }
    record = {
        "kind": "record",
        "schema": 1,
        "case": {"op": "conv1d", "input": [1, 1, 4], "filters": 1, "kernel": 2},
        "command": f"parity run {name}",
        "verdict": "unexplained",
        "suite": name,
        "name": name,
        "results": [result],
        "pairs": [],
    }
    return "".join(json.dumps(line) + "\n" for line in (header, record))


@pytest.mark.parametrize(
    ("arguments", "encoding"),
    [
        ("report record.jsonl", "latin-1"),
        ("report record.jsonl", "no locale"),
        ("translate nn.Conv1d(…) --to numpy", "no locale"),
        *((arguments, "ascii") for arguments in COMMANDS),
    ],
)
def test_a_stream_without_utf_8_has_all_in_plain_characters(
    tmp_path: Path, arguments: str, encoding: str
) -> None:
    (tmp_path / "record.jsonl").write_text(record_of("é…"))
    (tmp_path / "other.jsonl").write_text(record_of("ü·"))
    done = subprocess.run(
        [sys.executable, "-m", "parity", *arguments.split()],
        cwd=tmp_path,
        env={**inherited(), **ENCODINGS[encoding]},
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert done.returncode in {0, 1, 2, 4}
    assert done.stdout or done.returncode == 2
    if encoding == "latin-1":
        assert b"\xc2\xb7" not in done.stdout + done.stderr  # no UTF-8 among it
    else:
        assert (done.stdout + done.stderr).isascii()


def test_the_help_of_every_command_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    # click writes UTF-8 to a stream of ASCII
    for name in main.parity.list_commands(click.Context(main.parity)):
        run_cli([name, "--help"])
        assert capsys.readouterr().out.isascii()


def test_nothing_in_a_record_acts_on_the_terminal_that_it_is_reported_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record, xml = tmp_path / "record.jsonl", tmp_path / "out.xml"
    record.write_text(record_of(EVIL))
    run_cli(["report", str(record), "--junit", str(xml)])
    said = capsys.readouterr().out
    assert f"unexplained: {SHOWN}: {SHOWN} native: {SHOWN}… × →" in said
    for text in (said, xml.read_text(encoding="utf-8")):
        assert SHOWN in text
        assert all(each.isprintable() or each == "\n" for each in text)


def test_json_is_ascii_whatever_is_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = tmp_path / "record.jsonl"
    record.write_text(record_of(EVIL + "\x7f\U0001f44d"))
    run_cli(["report", str(record), "--json"])
    said = capsys.readouterr().out
    assert all(" " <= each <= "~" or each == "\n" for each in said)
    assert json.loads(said)["suites"] == [EVIL + "\x7f\U0001f44d"]


def test_a_line_of_json_is_ascii_too() -> None:
    text = '{"name":"é\u202e\x7f\U0001f44d"}'
    escaped = output._ascii(text)  # noqa: SLF001 - what each line goes through
    assert escaped.isascii()
    assert json.loads(escaped) == json.loads(text)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_cell_of_a_table_is_text_and_no_markup(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> None:
    written = io.StringIO()

    def console(**given: Any) -> Console:  # noqa: ANN401 - what rich takes
        return Console(**{**given, "width": 200}, file=written, force_terminal=terminal)

    monkeypatch.setattr(tables, "Console", console)
    table = make_table("name")
    table.add_row(EVIL)
    print_table(table)
    assert SHOWN in written.getvalue()


def test_our_own_lines_and_tabs_stay(capsys: pytest.CaptureFixture[str]) -> None:
    say("def convert(weights):\n\treturn weights")
    assert capsys.readouterr().out == "def convert(weights):\n\treturn weights\n"


def test_a_stream_handles_errors_as_its_user_has_said(tmp_path: Path) -> None:
    (tmp_path / "record.jsonl").write_text(record_of("é"))
    done = subprocess.run(
        [sys.executable, "-m", "parity", "report", "record.jsonl"],
        cwd=tmp_path,
        env={**inherited(), "PYTHONIOENCODING": "ascii:replace"},
        capture_output=True,
        check=False,
    )
    assert b"unexplained: ?: ? native" in done.stdout


def test_json_of_a_document_has_no_infinity() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        json_document({"x": float("inf")})
