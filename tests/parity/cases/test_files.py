"""What is read is a regular file: nothing waits at a pipe, reads a device, or takes in what has no end."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from parity.cases.files import read_regular, replacing
from parity.cases.toml import LONGEST
from parity.cli.exits import WRONG_INPUT
from parity.cli.main import run_cli

CASE = "run conv1d --input 1,1,4 --filters 1 --kernel 2 --frameworks numpy".split()
READERS = {
    "--divergences of run": [*CASE, "--divergences"],
    "--divergences of sweep": ["sweep", "--divergences"],
    "a suite": ["sweep"],
    "a record": ["report"],
    "an array": [*CASE, "--x"],
}


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)


IRREGULAR: dict[str, Callable[[Path], object]] = {
    "directory": Path.mkdir,
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "socket": make_socket,
}


@pytest.mark.parametrize("kind", IRREGULAR)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_regular_file_is_refused_at_once_in_a_sentence(
    reader: str,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    IRREGULAR[kind](Path("found"))
    assert run_cli([*READERS[reader], "found"]) == WRONG_INPUT
    printed = capsys.readouterr()
    said = f"allowed is a regular file, and this is a {kind}"
    if reader == "a suite":  # whose name may be a path or not
        said = "allowed are article"
    assert said in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)


def test_a_pipe_that_takes_a_files_place_as_it_is_opened_is_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    file.touch()
    os.mkfifo(pipe)
    seen = file.stat()
    monkeypatch.setattr(Path, "stat", lambda _: seen)

    def refused() -> None:
        with pytest.raises(OSError, match="this is a pipe"):
            read_regular(pipe)

    waiting = threading.Thread(target=refused, daemon=True)
    waiting.start()
    waiting.join(20)
    assert not waiting.is_alive()


@pytest.mark.parametrize("reader", ["--divergences of run", "a suite"])
def test_a_toml_file_beyond_the_limit_is_not_read_to_its_end(
    reader: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "long.toml"
    with file.open("wb") as sparse:
        sparse.truncate(2**40)
    assert run_cli([*READERS[reader], str(file)]) == WRONG_INPUT
    said = capsys.readouterr().err
    assert said == f"parity: {file}: cannot be read: allowed are at most {LONGEST} bytes\n"


@pytest.mark.parametrize("text", [f"a = {'1' * 5000}", "a = " + "[" * 5000])
def test_toml_that_python_cannot_take_in_is_no_valid_toml(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "odd.toml"
    file.write_text(text)
    for reader in ("--divergences of run", "a suite"):
        assert run_cli([*READERS[reader], str(file)]) == WRONG_INPUT
        assert capsys.readouterr().err.startswith(f"parity: {file}: no valid TOML: ")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with replacing(path) as file:
        file.write(b"first")
    with pytest.raises(TypeError), replacing(path) as file:
        file.writelines([b"half", None])  # type: ignore[list-item]
    assert path.read_bytes() == b"first"
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_the_file_that_is_read_is_not_replaced(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"kept")
    (tmp_path / "link").symlink_to("source")
    with pytest.raises(OSError, match="another file"), replacing(tmp_path / "link", source):
        raise AssertionError("it was opened")
    assert source.read_bytes() == b"kept"
