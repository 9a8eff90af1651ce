"""Frameworks that other distributions offer: found by their entry point, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FRAMEWORK = """
from dataclasses import dataclass

import numpy as np

from parity.frameworks.code.layer import Name, layer
from parity.frameworks.interface import Framework
from parity.frameworks.spelling import Spelling, Unsupported


def dots(x, w, bias=None):
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2], axis=2)
    y = np.einsum("nctk,ock->not", windows, w)
    return y if bias is None else y + bias[:, None]


@dataclass(frozen=True)
class Dots(Framework):
    name = "dots"

    def version(self):
        return "1.2"

    def spell(self, case):
        if case.op != "conv1d" or (case.stride, case.dilation, case.groups) != ((1,), (1,), 1):
            return [Unsupported("dots are of one axis, without a stride, a dilation or groups")]
        if case.explicit["padding"] != ((0, 0),):
            return [Unsupported("dots take no padding")]
        return [Spelling("native", layer("functools.partial", Name("dots_framework.dots")), meaning=case)]
"""


@pytest.fixture
def offered(tmp_path: Path) -> Path:
    """A folder with an installed distribution that offers a framework, and two that cannot be made."""
    (tmp_path / "dots_framework.py").write_text(FRAMEWORK, encoding="utf-8")
    metadata = tmp_path / "dots-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: dots\nVersion: 1.2\n", encoding="utf-8")
    points = "dots = dots_framework:Dots\nbroken = no_such_module:Framework\nother = dots_framework:Dots\n"
    (metadata / "entry_points.txt").write_text(f"[convparity.frameworks]\n{points}", encoding="utf-8")
    return tmp_path


def ran(offered: Path, *arguments: str) -> tuple[int, Any, str]:
    done = subprocess.run(
        [sys.executable, "-m", "parity", *arguments],
        env={**os.environ, "PYTHONPATH": str(offered)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


CASE = "conv1d --input 2,3,6 --filters 2 --kernel 3 --bias".split()


def test_a_framework_that_a_distribution_offers_runs_beside_the_others(offered: Path) -> None:
    code, record, _ = ran(offered, "run", *CASE, "--frameworks", "dots,torch", "--json")
    assert code == 0
    relations = {(each["framework"], each["version"]): each["relation"] for each in record["results"]}
    assert relations["dots", "1.2"] == "identical"
    code, record, _ = ran(offered, "run", *CASE, "--stride", "2", "--frameworks", "dots", "--json")
    assert (code, record["results"][0]["status"]) == (4, "unsupported")


def test_one_that_cannot_be_made_costs_one_sentence_and_no_other_framework(offered: Path) -> None:
    code, listed, err = ran(offered, "frameworks", "--json")
    assert (code, err) == (0, "")
    assert {each["framework"]: each["installed"] for each in listed if each["framework"] != "keras"} == {
        "numpy": True,
        "torch": True,
        "dots": True,
        "broken": False,
        "other": False,
    }
    for name, why in (("broken", "ModuleNotFoundError"), ("other", "Framework of this name")):
        code, _, err = ran(offered, "run", *CASE, "--frameworks", name)
        assert (code, len(err.splitlines())) == (2, 1)
        assert f"framework '{name}'" in err
        assert why in err
