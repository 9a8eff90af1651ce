"""A record is gone on with by the same code, mode and known differences only; what has changed is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from parity.cases.case import Case
from parity.cli.main import run_cli
from parity.records.header import Header
from parity.records.reader import read_records

SUITE = """
[[product]]
name = "small"
op = ["conv1d"]
input = [[1, 1, 5]]
filters = [1]
kernel = [1, 2]
"""

KERNELS = """
import convmm

def conv(x, w, bias=None, **arguments):
    return convmm.conv(x, w, bias, **arguments)

def grad(dy, x, w, **arguments):
    dx = convmm.conv_input_grad(dy, w, x.shape[2:], **arguments)
    return dx, convmm.conv_weight_grad(x, dy, w.shape[2:], **arguments), dy.sum((0, 2))
"""

KNOWN = """
[[divergence]]
name = "mine"
framework = "kernels:conv"
version = ""
case = {{ op = "conv1d", filters = 7 }}
seen = {{ status = "rejected", error = ["ValueError"] }}
why = "{why}"
found = "by hand"
example = "{example}"
"""
EXAMPLE = Case("conv1d", (1, 1, 4), 7, 1).command
IMPL = ["--impl", "kernels:conv"]
GRAD = ["--grad", "--impl-grad", "kernels:grad"]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a suite, a function and a file of known differences, to work in."""
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(f'description = ""\n{SUITE}')
    Path("kernels.py").write_text(KERNELS)
    Path("mine.toml").write_text(KNOWN.format(why="it is so", example=EXAMPLE))


def record(*more: str) -> int:
    return run_cli("sweep small.toml --frameworks numpy --output out.jsonl".split() + list(more))


def keep_header_alone() -> None:
    """Cut the record: where there is no case in it, no command says what was asked."""
    Path("out.jsonl").write_text(Path("out.jsonl").read_text().splitlines(keepends=True)[0])


def edit_kernels(name: str = "kernels.py") -> None:
    Path(name).write_text(Path(name).read_text() + "\n# edited\n")


def refused(capsys: pytest.CaptureFixture[str], *more: str) -> str:
    """What is said of a record that is not gone on with, and stays as it is."""
    before = Path("out.jsonl").read_bytes()
    capsys.readouterr()
    assert record("--resume", *more) == 2
    assert Path("out.jsonl").read_bytes() == before
    said = capsys.readouterr().err
    assert said.startswith("parity: out.jsonl cannot be resumed: ")
    return said


def test_the_same_is_gone_on_with() -> None:
    more = [*IMPL, *GRAD, "--mode", "tf32", "--divergences", "mine.toml"]
    assert record(*more) == 0
    keep_header_alone()
    assert record("--resume", *more) == 0
    assert len(Path("out.jsonl").read_text().splitlines()) == 3


def test_an_edited_function_is_another(capsys: pytest.CaptureFixture[str]) -> None:
    record(*IMPL)
    edit_kernels()
    assert "resumed: the source of kernels:conv was sha256:" in refused(capsys, *IMPL)


def test_an_edited_gradient_is_another(capsys: pytest.CaptureFixture[str]) -> None:
    Path("gradients.py").write_text(KERNELS)
    grad = ["--grad", "--impl-grad", "gradients:grad"]
    record(*IMPL, *grad)
    edit_kernels("gradients.py")
    assert "resumed: the source of the gradients of kernels:conv was" in refused(capsys, *IMPL, *grad)


def test_a_module_of_the_same_name_in_another_folder_is_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record(*IMPL)
    Path("other").mkdir()
    for name in ("small.toml", "kernels.py", "out.jsonl"):
        Path("other", name).write_text(Path(name).read_text())
    monkeypatch.chdir("other")
    assert record("--resume", *IMPL) == 0  # the code is the same
    edit_kernels()
    assert "the source of kernels:conv was" in refused(capsys, *IMPL)


def test_a_function_is_looked_for_where_it_is_defined(capsys: pytest.CaptureFixture[str]) -> None:
    Path("defined.py").write_text(KERNELS)
    Path("kernels.py").write_text("from defined import *")
    record(*IMPL)
    edit_kernels("defined.py")
    assert "the source of kernels:conv was" in refused(capsys, *IMPL)


def test_another_mode_is_said_even_where_no_case_is_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    record(*IMPL)
    keep_header_alone()
    assert "the mode of kernels:conv was any-sums and is tf32\n" in refused(capsys, *IMPL, "--mode", "tf32")


def test_known_differences_are_told_by_their_content(capsys: pytest.CaptureFixture[str]) -> None:
    given = [*IMPL, "--divergences", "mine.toml"]
    record(*given)
    Path("mine.toml").write_text(KNOWN.format(why="it is otherwise", example=EXAMPLE))
    assert "the content of --divergences mine.toml was sha256:" in refused(capsys, *given)
    keep_header_alone()
    assert refused(capsys, *IMPL).endswith("… and is not recorded\n")


def test_a_diff_says_it_in_the_same_words(capsys: pytest.CaptureFixture[str]) -> None:
    given = [*IMPL, "--divergences", "mine.toml"]
    record(*given, "--mode", "float32-sums")
    Path("out.jsonl").rename("old.jsonl")
    edit_kernels()
    Path("mine.toml").write_text(KNOWN.format(why="it is otherwise", example=EXAMPLE))
    record(*given)
    capsys.readouterr()
    assert run_cli(["diff", "old.jsonl", "out.jsonl"]) == 0
    told = [line.partition("sha256")[0] for line in capsys.readouterr().out.splitlines()[:-1]]
    assert told == [
        "environment: the content of --divergences mine.toml: ",
        "environment: the mode of kernels:conv: float32-sums -> any-sums",
        "environment: the source of kernels:conv: ",
    ]
    assert run_cli(["diff", "old.jsonl", "out.jsonl", "--json"]) == 0
    moved = {each["part"]: each for each in json.loads(capsys.readouterr().out)["environment"]}
    assert moved["switches.kernels:conv.mode"]["new"] == "any-sums"
    assert len(moved["divergences.mine.toml"]["new"]) == len("sha256:") + 64


def test_without_known_differences_a_header_says_nothing_of_them() -> None:
    record(*IMPL)
    header, _ = read_records(Path("out.jsonl"))
    assert isinstance(header, Header)
    assert b"divergences" not in Path("out.jsonl").read_bytes().splitlines()[0]
