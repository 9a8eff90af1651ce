"""Arrays of a user's own on the command line."""

from __future__ import annotations

import itertools
import json
import os
import shlex
from pathlib import Path

import numpy as np
import pytest

from parity import Case, run
from parity.cli.exits import UNREADABLE, WRONG_INPUT
from parity.cli.main import run_cli

pytestmark = pytest.mark.usefixtures("shared_processes")

CASE = Case("conv1d", (1, 1, 3), 2, 2, bias=True)
SIZES = ["--input", "1,1,3", "--filters", "2", "--kernel", "2"]
X = np.array([[[1.5, -2, 3]]], np.float32)
W = np.array([[[1, 2]], [[3, 4]]], np.float32)
MINE = ["--impl", "convmm:conv1d"]  # of one framework alone nothing is compared
BIAS = np.array([10, 20], np.float32)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, array in {"x": X, "w": W, "b": BIAS}.items():
        np.save(f"{name}.npy", array)
    return tmp_path


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    """The record of a run with its arrays."""
    assert run_cli(["run", *arguments, "--frameworks", "numpy", *MINE, "--json", "--show-arrays"]) == 0
    record: dict[str, object] = json.loads(capsys.readouterr().out)
    return record


def test_a_run_takes_any_of_the_arrays_from_files(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = shown(capsys, "conv1d", *SIZES, "--bias")["arrays"]
    mine = {"x": X.tolist(), "w": W.tolist(), "bias": BIAS.tolist()}
    options = {"x": ["--x", "x.npy"], "w": ["--w", "w.npy"], "bias": ["--bias", "b.npy"]}
    assert isinstance(drawn, dict)
    for count in range(4):
        for names in itertools.combinations(options, count):
            words = [word for name in names for word in options[name]]
            found = shown(capsys, "conv1d", "--bias", *SIZES, *words)
            assert found["arrays"] == {**drawn, **{name: mine[name] for name in names}}


def test_the_arrays_in_python_are_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    found = shown(capsys, "conv1d", *SIZES, "--x", "x.npy", "--bias", "b.npy")
    again = run(CASE, ["numpy"], impl="convmm:conv1d", x=X, bias="b.npy", isolated=False).to_dict()
    assert found["own_arrays"] == again["own_arrays"]
    assert found["command"] == again["command"]
    assert found["verdict"] == again["verdict"] == "agree"


def test_the_printed_command_gives_the_same_record(capsys: pytest.CaptureFixture[str]) -> None:
    os.rename("b.npy", "conv1d")  # noqa: PTH104 - a name that is also an operation's
    found = shown(capsys, "conv1d", *SIZES, "--w=w.npy", "--bias=conv1d", "--x", "x.npy", "--seed", "3")
    command = str(found["command"])
    words = shlex.split(command)
    assert words[:2] == ["parity", "run"]
    assert [words[words.index(f"--{name}") + 1] for name in ("x", "w", "bias")] == [
        "x.npy",
        "w.npy",
        "./conv1d",
    ]
    again = shown(capsys, *words[2:])
    assert again == found


@pytest.mark.parametrize("bias", [["--bias"], ["--bias", "b.npy"], ["--bias=b.npy"]], ids=" ".join)
def test_a_bias_stands_alone_or_before_a_file_in_any_order(
    bias: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pieces = [["conv1d"], bias, SIZES[:2], SIZES[2:]]
    found = [shown(capsys, *itertools.chain(*order))["arrays"] for order in itertools.permutations(pieces)]
    assert len(found) == 24
    assert all(each == found[0] for each in found)
    assert isinstance(found[0], dict)
    assert (found[0]["bias"] == BIAS.tolist()) == (bias != ["--bias"])
    assert found[0]["bias"] is not None


def test_the_bias_that_is_given_last_counts(capsys: pytest.CaptureFixture[str]) -> None:
    for words, is_mine in ((["--bias", "--bias", "b.npy"], True), (["--bias", "b.npy", "--bias"], False)):
        arrays = shown(capsys, *words, "conv1d", *SIZES)["arrays"]
        assert isinstance(arrays, dict)
        assert (arrays["bias"] == BIAS.tolist()) is is_mine


def test_explain_takes_them_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["explain", "--bias", "conv1d", *SIZES, "--x", "x.npy", "--w", "w.npy"]) == 0
    assert "1. input, 1x1x3: the input x\n  1.5  -2   3\n" in capsys.readouterr().out
    np.save("x.npy", np.array([[[np.nan, np.inf, -np.inf]]], np.float32))
    assert run_cli(["explain", "conv1d", *SIZES, "--x", "x.npy", "--bias", "b.npy"]) == 0
    assert "1. input, 1x1x3: the input x\n   nan  inf -inf\n" in capsys.readouterr().out


def test_a_self_check_takes_none(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "conv1d", *SIZES, "--frameworks", "numpy", "--self-check", "--x", "x.npy"]
    assert run_cli(arguments) == WRONG_INPUT
    assert capsys.readouterr().err == "parity: --x is not allowed with --self-check\n"


def not_an_array(name: str) -> None:
    """Make a file of this kind."""
    path = Path(name)
    whole = Path("x.npy").read_bytes()
    if name == "text":
        path.write_text("1 2 3", encoding="utf-8")
    elif name == "archive":
        with path.open("wb") as file:
            np.savez(file, X)
    elif name == "objects":
        with path.open("wb") as file:
            np.save(file, np.array([[[None, 1, 2]]], object), allow_pickle=True)
    elif name == "folder":
        path.mkdir()
    elif name == "pipe":
        os.mkfifo(name)
    elif name == "device":
        path.symlink_to(os.devnull)
    elif name != "missing":
        cut = {"empty": 0, "header": 20, "truncated": len(whole) - 1}[name]
        path.write_bytes(whole[:cut])


@pytest.mark.parametrize("command", ["run", "explain"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("text", "and this is none"),
        ("archive", "and this is none"),
        ("empty", "and this is none"),
        ("header", "and this is no whole one: EOF"),
        ("truncated", "and this is no whole one: mmap length is greater than file size"),
        ("objects", "and this is no whole one: Array can't be memory-mapped: Python objects in dtype."),
        ("folder", "and this is a directory"),
        ("pipe", "allowed is a regular file, and this is a pipe"),
        ("device", "allowed is a regular file, and this is a device"),
        ("missing", "cannot be read: No such file or directory"),
    ],
)
@pytest.mark.parametrize("option", ["x", "w", "bias"])
def test_what_is_no_array_is_one_sentence(
    capsys: pytest.CaptureFixture[str], command: str, name: str, said: str, option: str
) -> None:
    not_an_array(name)
    assert run_cli([command, "conv1d", *SIZES, f"--{option}", name]) == WRONG_INPUT
    printed = capsys.readouterr()
    assert printed.err.startswith(f"parity: {option}='{name}'")
    assert said in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)


def test_an_array_of_another_shape_or_dtype_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("x.npy", X.astype(np.float64))
    assert run_cli(["run", "conv1d", *SIZES, "--x", "x.npy"]) == WRONG_INPUT
    assert capsys.readouterr().err == (
        "parity: x='x.npy' has shape (1, 1, 3) and dtype float64: allowed are the case's own, (1, 1, 3), "
        "(N,C,*spatial), and float32\n"
    )


def test_a_file_that_cannot_be_read_is_no_wrong_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("parity.cases.files.open_regular", refuse)  # root may open every file
    assert run_cli(["run", "conv1d", *SIZES, "--x", "x.npy"]) == UNREADABLE
    assert capsys.readouterr().err == "parity: x='x.npy' cannot be read: Permission denied\n"
