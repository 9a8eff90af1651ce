"""What SECURITY.md says is never executed is not: text that would leave a file behind leaves none."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from parity.cli.main import run_cli
from tests.support.project import ROOT
from tests.support.recorded import recorded, write

DOCUMENT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
CASE = "run conv1d --input 1,1,4 --filters 1 --kernel 2 --frameworks numpy".split()


class Payload:
    """What makes the file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (self.path,))  # type: ignore[return-value]


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """The file that executed text leaves behind."""
    return tmp_path / "left-behind"


def code(left: Path) -> str:
    return f"__import__('pathlib').Path({str(left)!r}).touch()"


def test_the_payloads_would_work(left: Path) -> None:
    exec(code(left))  # noqa: S102 - that it works is what is asserted
    assert left.exists()
    left.unlink()
    pickle.loads(pickle.dumps(Payload(left)))  # noqa: S301 - the same
    assert left.exists()


@pytest.mark.parametrize(
    "expression",
    [
        "nn.Conv2d(3, 8, {code})",
        "nn.Conv2d(3, 8, 3, bias={code})",
        "{code}",
        "nn.Sequential({code}, nn.Conv2d(3, 8, 3))",
        "nn.Conv2d(*{code})",
        "nn.Conv2d(3, 8, 3) if {code} else 0",
        "(lambda: {code})()",
        "nn.Conv2d(3, 8, [x for x in [{code}]])",
        "nn.Conv2d(3, 8, f'{{{code}}}')",
        "keras.layers.Conv2D(8, 3, activation=lambda x: {code})",
        "getattr(nn, {code})",
    ],
)
@pytest.mark.parametrize("command", ["translate", "run"])
def test_an_expression_is_read_and_not_executed(
    left: Path, capsys: pytest.CaptureFixture[str], command: str, expression: str
) -> None:
    text = expression.format(code=code(left))
    options = ["--to", "keras"] if command == "translate" else ["--frameworks", "numpy"]
    assert run_cli([command, text, "--input", "1,3,8,8", *options]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert not left.exists()


@pytest.mark.parametrize("key", ["layer", "op", "name", "note"])
def test_a_suite_is_read_and_not_executed(left: Path, tmp_path: Path, key: str) -> None:
    suite = tmp_path / "suite.toml"
    fields = {"name": "a", "op": "conv1d", "input": [1, 1, 4], "filters": 1, "kernel": 2, key: code(left)}
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
    suite.write_text("\n".join(['description = "x"', "[[case]]", *lines]))
    run_cli(["sweep", str(suite), "--frameworks", "numpy"])
    assert not left.exists()


def test_known_differences_are_read_and_not_executed(left: Path, tmp_path: Path) -> None:
    file = tmp_path / "known.toml"
    entry = dict.fromkeys(("name", "why", "example", "framework"), code(left))
    lines = [f"{key} = {json.dumps(text)}" for key, text in entry.items()]
    file.write_text("\n".join(["[[divergence]]", *lines]))
    assert run_cli([*CASE, "--divergences", str(file)]) == 2
    assert not left.exists()


def test_a_record_is_read_and_not_executed(left: Path, tmp_path: Path) -> None:
    lines = recorded()
    for line in lines[1:]:
        line["command"] = f"parity run {json.dumps(code(left))}"
        for result in line["results"]:
            result |= {"layer": code(left), "reason": code(left), "framework": code(left)}
    record = write(tmp_path / "record.jsonl", lines)
    written = ["--html", str(tmp_path / "page.html"), "--junit", str(tmp_path / "x.xml")]
    run_cli(["report", str(record), *written])
    run_cli(["diff", str(record), str(record)])
    resumed = ["--output", str(record), "--resume", "--frameworks", "numpy"]
    run_cli(["sweep", "article", "--limit", "1", *resumed])
    assert not left.exists()


@pytest.mark.parametrize("option", ["--x", "--w", "--bias"])
def test_an_array_of_objects_is_refused_and_not_unpickled(
    left: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    file = tmp_path / "objects.npy"
    np.save(file, np.array([Payload(left)], dtype=object), allow_pickle=True)
    assert run_cli([*CASE, option, str(file)]) == 2
    capsys.readouterr()
    assert not left.exists()


def test_every_way_in_stands_in_the_document() -> None:
    for way in ("--impl", "--contestant", "MODEL", ".pt2", ".keras", ".onnx", ".tflite", ".npy"):
        assert way in DOCUMENT
    for never in ("translate", "suite", "--divergences", "record"):
        rows = [line for line in DOCUMENT.splitlines() if line.startswith("|") and never in line]
        assert any("| no" in row for row in rows), never
