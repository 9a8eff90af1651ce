"""Workers that are killed at random cost nothing but time; the nightly profile runs 20,000 cases so."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.support.clusters import (
    ask,
    begin,
    by_place,
    cluster_in,
    kill_worker_of,
    records_in,
    until,
)
from tests.support.strategies import share

KILLS = 3 if share(2) > 1 else 40

SUITE = """
description = ""
[[product]]
name = "many"
op = ["conv1d", "conv_transpose1d"]
input = {inputs}
filters = [1, 2, 3, 4, 5]
kernel = [1, 2, 3, 4, 5]
stride = [1, 2, 3, 4]
seed = {seeds}
"""


def cases() -> int:
    """How many there are: 200 for each seed, and 20,000 at night."""
    return 20_000 // share(50)


def test_workers_killed_at_random_lose_no_case_and_double_none(folder: Path) -> None:
    seeds = list(range(cases() // 200))
    (folder / "many.toml").write_text(SUITE.format(inputs=[[1, 1, 8]], seeds=seeds))
    options = ("sweep", "many.toml", "--frameworks", "numpy", "--impl", "kernels:right", "--output")
    with cluster_in(folder, 2, nanny=True) as cluster:
        nannies = [each for each in cluster.processes if each is not cluster.scheduler]
        asker = begin(folder, *options, "there.jsonl", "--scheduler", cluster.address)
        until(lambda: (folder / "there.jsonl").exists() and len(records_in(folder / "there.jsonl")) > 0)
        kill_now_and_then(nannies, asker)
        _, said = asker.communicate(timeout=3600)
        assert asker.returncode == 0, said
    assert ask(folder, *options, "here.jsonl", "--jobs", "1")[0] == 0
    found = by_place(records_in(folder / "there.jsonl"))
    assert len(found) == cases()
    assert found == by_place(records_in(folder / "here.jsonl"))


def kill_now_and_then(nannies: list[subprocess.Popen[bytes]], asker: subprocess.Popen[Any]) -> None:
    """Kill a worker, and after a while another one, or the same."""
    drawn = random.Random(0)  # noqa: S311 - no secret
    for _ in range(KILLS):
        if asker.poll() is None:
            kill_worker_of(drawn.choice(nannies))
            time.sleep(drawn.uniform(0.1, 3))
