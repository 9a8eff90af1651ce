"""The page about clusters: its commands are run, and its scripts with a cluster of this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.clusters import Cluster, own_environment, records_in
from tests.support.documents import blocks, commands

PAGE = "docs/how-to/cluster.md"

SHELL = """
trap 'kill $(jobs -p); wait' EXIT
parity() { PYTHON -m parity "$@"; }
dask() { exec PYTHON -m dask "$@"; } # in the place of the shell behind "&", which is to be killed
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def test_the_commands_for_one_machine_end_well(tmp_path: Path) -> None:
    [block] = blocks(PAGE, "sh")
    install, *lines = commands(block.text)
    assert install.startswith("pip install ")
    port = free_port()
    reached = f"until (: > /dev/tcp/127.0.0.1/{port}) 2> /dev/null; do sleep 0.2; done"
    lines = [SHELL.replace("PYTHON", sys.executable), lines[0], reached, *lines[1:]]
    done = subprocess.run(
        ["/bin/bash", "-e", "-c", "\n".join(lines).replace("8786", str(port))],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=own_environment(),
    )
    assert done.returncode == 0, done.stderr
    assert len(records_in(tmp_path / "cluster.jsonl")) == 16


@pytest.mark.parametrize(
    ("module", "name"), [("dask_jobqueue", "SLURMCluster"), ("dask_kubernetes.operator", "KubeCluster")]
)
def test_a_script_sweeps_on_the_cluster_that_it_makes(
    module: str, name: str, two: tuple[Path, Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cluster = two

    class Deployed:
        """What deploys a cluster where there are machines; it has the address of one that is here."""

        scheduler_address = cluster.address

        def __init__(self, **_: object) -> None: ...

        def scale(self, *, jobs: int) -> None: ...

        def wait_for_workers(self, number: int) -> None: ...

    for part in (module.partition(".")[0], module):
        monkeypatch.setitem(sys.modules, part, ModuleType(part))
    setattr(sys.modules[module], name, Deployed)
    place = folder / name
    (place / "bin").mkdir(parents=True)
    program = place / "bin" / "parity"
    run = f'{sys.executable} -m parity "$@" --frameworks numpy,torch --limit 4'
    program.write_text(f"#!/bin/sh\nexec {run}\n")
    program.chmod(0o755)
    (place / "mysuite.toml").write_text((folder / "small.toml").read_text())
    monkeypatch.chdir(place)
    monkeypatch.setenv("PATH", f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", own_environment()["PYTHONPATH"])
    [block] = [each for each in blocks(PAGE, "python") if f"import {name}" in each.text]
    exec(block.text, {})  # noqa: S102 - it is this project's own
    assert len(records_in(place / "cluster.jsonl")) == 4
