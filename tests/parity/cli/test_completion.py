"""What a shell is told that a word may become."""

from __future__ import annotations

import pytest

from parity.cli.main import run_cli

CASE = "--input 1,1,4 --filters 1 --kernel 2"


def completed(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Ask as bash does for the last word of a line, which may be empty, and return the words told."""
    monkeypatch.setenv("_PARITY_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    assert run_cli([]) == 0
    out = capsys.readouterr().out.splitlines()
    return [word for kind, _, word in (told.partition(",") for told in out) if kind == "plain"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("parity sw", ["sweep"]),
        ("parity sweep gr", ["grid"]),
        ("parity sweep --frameworks to", ["torch"]),
        ("parity run conv2d --frameworks numpy,torch,ke", ["numpy,torch,keras"]),
        ("parity run conv_transpose1", ["conv_transpose1d"]),
        (f"parity run conv1d {CASE} --dtype bf", ["bfloat16"]),
        ("parity sweep --ops conv1d,conv_transpose1", ["conv1d,conv_transpose1d"]),
        ("parity fuzz --dtypes float16,float", ["float16,float32", "float16,float64"]),
        ("parity translate x --to fl", ["flax"]),
        ("parity check conv1d --frameworks tin", ["tinygrad"]),
    ],
)
def test_a_word_is_completed(
    line: str, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert completed(line, monkeypatch, capsys) == words


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_ask(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_PARITY_COMPLETE", f"{shell}_source")
    assert run_cli([]) == 0
    assert f"_PARITY_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_a_command_without_any_argument_is_wrong_and_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["run"]) == 2
    assert "OP" in capsys.readouterr().err
