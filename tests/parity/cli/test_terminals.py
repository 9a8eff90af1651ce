"""What is printed on a real terminal, of any width."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.style import Style

from parity.cli.main import run_cli
from parity.cli.styled import styled
from parity.cli.tables import NARROW
from tests.support.recorded import recorded, write
from tests.support.terminals import on_terminal, plain

CASE = "conv_transpose2d --input 1,1,2,2 --filters 1 --kernel 2 --padding same --frameworks numpy,torch"
WIDTHS = (60, 80, 100, 120)


@pytest.mark.parametrize("columns", WIDTHS)
def test_relation_status_and_spelling_are_whole_at_any_width(columns: int) -> None:
    lines = plain(on_terminal("run", *CASE.split(), columns=columns)).splitlines()
    assert not any(line.endswith("…") for line in lines)
    if columns >= NARROW:
        rows = [line.split() for line in lines if line.startswith(" torch")]
        assert [row[2:4] for row in rows] == [["native", "unsupported"], ["exact", "ok"]]
        assert "identical" in rows[1]
        return
    labels = [number for number, line in enumerate(lines) if line.startswith("torch ") and ":" not in line]
    assert [lines[number].split()[-1] for number in labels] == ["native", "exact"]
    native, exact = (" ".join(lines[number + 1 : number + 4]) for number in labels)
    assert native.startswith("    status: unsupported")
    assert exact.startswith("    status: ok, ")
    assert " relation: identical" in exact


@pytest.mark.parametrize("columns", WIDTHS)
def test_no_line_of_a_table_is_wider_than_the_terminal_or_cut(columns: int, tmp_path: Path) -> None:
    file = str(write(tmp_path / "record.jsonl", recorded()))
    for command in (("report", file), ("frameworks",), ("sizes", "conv2d", "--kernel", "3,2")):
        shown = plain(on_terminal(*command, columns=columns))
        assert not any(line.rstrip().endswith("…") for line in shown.splitlines())
        drawn = [line for line in shown.splitlines() if "──" in line]
        assert all(cell_len(line.rstrip()) <= columns for line in drawn)


def test_columns_without_content_are_left_out_on_a_terminal(tmp_path: Path) -> None:
    file = str(write(tmp_path / "record.jsonl", recorded()))
    shown = plain(on_terminal("report", file, columns=200))
    head = next(line for line in shown.splitlines() if line.lstrip().startswith("framework "))
    assert "agree" in head
    assert "failed" not in head


def test_colours_stand_beside_words_on_a_terminal_unless_the_user_wants_none() -> None:
    arguments = ("run", *CASE.split())
    lit = on_terminal(*arguments, columns=80)
    assert "\x1b[32mexplained\x1b[0m" in lit
    without = on_terminal(*arguments, columns=80, env={"NO_COLOR": "1"})
    assert "\x1b[32m" not in without
    assert plain(lit) == plain(without)
    dumb = on_terminal(*arguments, columns=80, env={"TERM": "dumb"})
    assert "\x1b" not in dumb


def test_code_on_a_terminal_is_lit_and_the_same_text() -> None:
    arguments = ("translate", "nn.Conv1d(3, 8, 3)", "--to", "numpy")
    lit = on_terminal(*arguments, columns=60)
    assert "\x1b[" in lit
    compile(plain(lit), "translation", "exec")


def test_a_layer_that_ran_is_lit_and_the_same_text(capsys: pytest.CaptureFixture[str]) -> None:
    case = "conv1d --input 1,1,4 --filters 1 --kernel 2 --frameworks numpy,torch"
    run_cli(["run", *case.split()])
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("torch native: ")]
    lit = on_terminal("run", *case.split(), columns=80)
    assert line in plain(lit).splitlines()
    assert line not in lit


@pytest.mark.parametrize(
    "address", ["https://github.com/keras-team/keras/issues/13231", "https://example.org/a?b=1&c=~d"]
)
@pytest.mark.parametrize("around", ["({})", "{}.", "see {}, and", "{}"])
def test_an_address_is_linked_without_what_is_around_it(address: str, around: str) -> None:
    shown = styled(around.format(address))
    assert shown.plain == around.format(address)
    styles = [span.style for span in shown.spans if isinstance(span.style, Style)]
    assert [style.link for style in styles] == [address]


@pytest.mark.parametrize(
    ("line", "lit"),
    [
        ("verdict: agree", ["agree"]),
        ("verdict: unexplained", ["unexplained"]),
        ("tests/agree.py: no-agree", []),
        ("relation: window at 1,1", ["window"]),
    ],
)
def test_only_whole_words_of_judgment_are_coloured(line: str, lit: list[str]) -> None:
    shown = styled(line)
    assert [shown.plain[span.start : span.end] for span in shown.spans] == lit
