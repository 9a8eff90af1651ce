"""The speed benchmark measures, and only what agrees."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_the_benchmark_prints_ratios_and_writes_what_was_measured(tmp_path: Path) -> None:
    record = tmp_path / "new folder" / "speed.json"
    command: list[str | Path] = [
        sys.executable,
        BENCHMARKS / "convmm_speed.py",
        "--only",
        "dcgan 32-64",
        "--rounds",
        "1",
    ]
    options: list[str | Path] = [
        "--threads",
        "1",
        "--dtype",
        "float64",
        "--against",
        "steps",
        "--json",
        record,
    ]
    printed = subprocess.run([*command, *options], capture_output=True, text=True, check=True).stdout
    written = json.loads(record.read_text())
    for processes in ("own", "one"):
        [row] = written[processes]["rows"]
        assert row["layer"]["name"] == "dcgan 32-64 64-3"
        for part in ("forward", "input grad", "weight grad"):
            limit = row[part]["limit"]
            assert limit["median"] == row[part]["seconds"]["limit"] / row[part]["seconds"]["convmm"]
            assert 0 < limit["low"] <= limit["high"]
        assert row["forward"]["steps"]["median"] < 1  # its matrix has three million elements
    assert {"batch", "channels product", "pixels"} == written["exponents"].keys()
    assert printed.count("| float64 conv_transpose, forward |") == 2
    assert printed.startswith(written["processor"])


def test_large_records_are_read_and_compared_and_what_it_takes_is_printed() -> None:
    pytest.importorskip("pyarrow")
    command: list[str | Path] = [sys.executable, BENCHMARKS / "record_scale.py", "--records", "300"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line for line in printed if not line.endswith("MiB") and "written in" not in line] == []
    commands = [line.replace(",", " ").split()[0] for line in printed[3:]]
    assert commands == [*["report"] * 6, *["diff"] * 3, "export"]


def test_the_documentation_says_which_route_each_layer_takes() -> None:
    command: list[str | Path] = [sys.executable, BENCHMARKS / "convmm_speed.py", "--routes"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed in (BENCHMARKS.parent / "docs" / "explanation" / "speed.md").read_text(encoding="utf-8")
    assert {"tiles", "phases", "scatter", "patches", "weights"} <= set(re.findall(r"\w+", printed))


def test_a_contender_that_computes_something_else_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    contenders: Any = importlib.import_module("speed.contenders")
    layers: Any = importlib.import_module("speed.layers")
    measure: Any = importlib.import_module("speed.measure")
    sides: Any = importlib.import_module("speed.sides")

    def flipped(layer: Any, operands: Any) -> Any:  # noqa: ANN401 - of the modules above
        return contenders.ours(layer, operands._replace(w=np.flip(operands.w, -1)))

    monkeypatch.setitem(contenders.CONTENDERS, "flipped", flipped)
    layer = layers.Layer("small", (1, 8, 12, 12), 8, 3)
    each = {name: sides.Here(name) for name in ("limit", "convmm", "flipped")}
    with pytest.raises(ValueError, match="flipped computes another forward of small than convmm"):
        measure.measure(layer, "float64", 1, each, "wall")
    monkeypatch.setitem(contenders.CONTENDERS, "flipped", contenders.ours)
    assert measure.measure(layer, "float64", 3, each, "wall")["forward"]["flipped"]["median"] > 0


def test_a_contender_in_a_process_of_its_own_says_what_went_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    layers: Any = importlib.import_module("speed.layers")
    sides: Any = importlib.import_module("speed.sides")
    apart = sides.Apart("convmm", 1)
    try:
        with pytest.raises(ValueError, match="spans 9 elements"):
            apart.prepare(layers.Layer("too large a kernel", (1, 8, 5, 5), 8, 9), "float32")
        layer = layers.Layer("small", (1, 8, 12, 12), 8, 3)
        assert apart.prepare(layer, "float32") == ["forward", "input grad", "weight grad"]
        assert apart.result("forward").shape == layer.y
        assert apart.turn("forward", "wall") > 0
    finally:
        apart.end()


def test_the_gain_of_threads_and_small_calls_are_measured_beside_busy_processes() -> None:
    command: list[str | Path] = [sys.executable, BENCHMARKS / "convmm_threads.py"]
    options = ["--rounds", "4", "--busy", "0", "1"]
    printed = subprocess.run([*command, *options], capture_output=True, text=True, check=True).stdout
    assert re.findall(r"(\d) busy processes beside", printed) == ["0", "1"]
    gains = re.findall(r"2x40x44 +float(?:32|64)((?: +[\d.]+){8})\n", printed)
    assert len(gains) == 2 * 2 * 2
    assert all(float(number) > 0 for line in gains for number in line.split())
    microseconds = re.findall(r"3x3 1-1, 5x5((?: +[\d.]+){6})\n", printed)
    assert [len(line.split()) for line in microseconds] == [6, 6]
