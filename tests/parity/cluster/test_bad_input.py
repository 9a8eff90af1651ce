"""A cluster that cannot do what is asked of it: a sentence that names who, and what is missing."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

import pytest

from parity.cli.main import run_cli
from tests.support.clusters import Cluster, ask, cluster_in, own_environment

OPTIONS = ("sweep", "small.toml", "--frameworks", "numpy", "--impl", "kernels:right", "--scheduler")

WITHOUT = """
import importlib.metadata
import sys

_version = importlib.metadata.version

def version(name):
    if name == "{name}":
        raise importlib.metadata.PackageNotFoundError(name)
    return _version(name)

importlib.metadata.version = version
"""
"""What a worker begins with that lacks a distribution."""


def refused(folder: Path, *arguments: str) -> str:
    """What is said of a command that is wrong, in a sentence."""
    code, _, said = ask(folder, *arguments)
    assert (code, said.count("\n")) == (2, 1), said
    assert not (folder / "out.jsonl").exists()
    return said.removeprefix("parity: ").removesuffix("\n")


def with_customized(folder: Path, text: str) -> str:
    """Where a worker finds modules that begins with some lines."""
    (folder / "first").mkdir()
    (folder / "first" / "sitecustomize.py").write_text(text)
    return own_environment(folder / "first")["PYTHONPATH"]


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1", "tls://127.0.0.1:1"])
def test_an_address_that_is_none_is_refused(address: str, folder: Path) -> None:
    said = refused(folder, *OPTIONS, address, "--output", "out.jsonl")
    assert said.startswith(f"scheduler '{address}': it cannot be asked: ")


def test_a_scheduler_that_is_not_there_is_waited_for_five_seconds(folder: Path) -> None:
    with socket.socket() as silent:  # which takes a connection, and says nothing
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        said = refused(folder, *OPTIONS, address, "--output", "out.jsonl")
        assert said.startswith(f"scheduler '{address}': ")
        assert 5 <= time.monotonic() - began < 40


def test_a_worker_is_no_scheduler(two: tuple[Path, Cluster]) -> None:
    folder, _ = two
    worker = re.findall(r"Start worker at: +(\S+)", (folder / "worker.log").read_text())[0]
    said = refused(folder, *OPTIONS, worker)
    assert said == f"scheduler '{worker}': it cannot be asked: OSError: there is a Worker"


def test_jobs_are_for_one_machine(folder: Path) -> None:
    for command in ("sweep", "fuzz"):
        code, _, said = ask(folder, command, "--scheduler", "tcp://127.0.0.1:1", "--jobs", "2")
        assert (code, said.split(":")[1]) == (2, " --jobs")


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (WITHOUT.format(name="convparity"), "has convparity not at all, and "),
        ("import sys; sys.modules['parity'] = None", "cannot import convparity: ModuleNotFoundError: "),
        ("import platform; platform.python_version = lambda: '3.99.1'", "has Python 3.99, and "),
        (WITHOUT.format(name="torch"), "framework 'torch' needs torch, which is not installed: pip install "),
        ("import os; os.chdir('/')", "impl 'kernels:right' cannot be imported: ModuleNotFoundError: "),
    ],
    ids=["no convparity", "not importable", "another Python", "no framework", "no function"],
)
def test_a_worker_that_lacks_something_is_named(text: str, missing: str, folder: Path) -> None:
    with cluster_in(folder, 1) as cluster:
        cluster.add(PYTHONPATH=with_customized(folder, text))
        log = (folder / "worker.log").read_text()
        worker = re.findall(r"Start worker at: +(\S+)", log)[1]
        options = [each.replace("numpy", "numpy,torch") for each in OPTIONS]
        said = refused(folder, *options, cluster.address, "--output", "out.jsonl")
    assert f"worker {worker}" in said
    assert missing in said


def test_a_scheduler_that_lacks_the_project_is_named(folder: Path) -> None:
    first = with_customized(folder, WITHOUT.format(name="convparity"))
    with cluster_in(folder, 1, PYTHONPATH=first) as cluster:
        said = refused(folder, *OPTIONS, cluster.address, "--output", "out.jsonl")
    assert "the scheduler has convparity not at all, and " in said


def test_a_scheduler_without_workers_is_waited_for_and_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr("parity.cluster.cluster.WITHOUT_WORKERS", 1)
    with cluster_in(folder, 0) as cluster:
        code = run_cli([*OPTIONS, cluster.address])
        said = capsys.readouterr().err.splitlines()
    assert code == 2
    assert said == [
        f"scheduler {cluster.address} has no worker: waiting 1 s at most",
        f"parity: scheduler '{cluster.address}': it has had no worker for 1 s",
    ]


def test_dask_has_to_be_installed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr("parity.cli.clusters.installed_version", lambda _: None)
    assert run_cli([*OPTIONS, "tcp://127.0.0.1:1"]) == 2
    assert "pip install 'convparity[distributed]'" in capsys.readouterr().err


def test_a_function_that_is_another_one_on_a_worker_is_named(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other" / "kernels.py").write_text((folder / "kernels.py").read_text() + "\n# edited\n")
    with cluster_in(folder, 1) as cluster:
        cluster.add(PYTHONPATH=with_customized(folder, f"import os; os.chdir({str(folder / 'other')!r})"))
        said = refused(folder, *OPTIONS, cluster.address, "--output", "out.jsonl")
    assert said.startswith("kernels:right is not the same everywhere: on worker tcp://")
