"""A folder with suites and functions, in which a cluster and who asks it work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clusters import Cluster, cluster_in

KERNELS = """
import os
import signal
import time
from pathlib import Path

import convmm


def _of(x, w, bias, arguments):
    transposed = "output_padding" in arguments
    return (convmm.conv_transpose if transposed else convmm.conv)(x, w, bias, **arguments)


def right(x, w, bias=None, **arguments):
    return _of(x, w, bias, arguments)


def wrong(x, w, bias=None, **arguments):
    y = _of(x, w, bias, arguments)
    return y + 1 if arguments["stride"][0] > 1 else y


def slow(x, w, bias=None, **arguments):
    time.sleep(0.05)
    return _of(x, w, bias, arguments)


def slow_until_told(x, w, bias=None, **arguments):
    time.sleep(0 if os.path.exists("told") else 0.5)
    return _of(x, w, bias, arguments)


def deadly(x, w, bias=None, **arguments):
    if x.shape[-1] == 7:
        _kill_the_worker()
    return _of(x, w, bias, arguments)


def deadly_once(x, w, bias=None, **arguments):
    if x.shape[-1] == 7 and not Path("killed").exists():
        Path("killed").touch()
        _kill_the_worker()
    return _of(x, w, bias, arguments)


def crashes(x, w, bias=None, **arguments):
    if x.shape[-1] == 7:
        os._exit(3)
    return _of(x, w, bias, arguments)


def _kill_the_worker():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)
"""

SUITE = """
description = ""
[[product]]
name = "small"
op = ["conv1d", "conv_transpose1d"]
input = [[1, 1, 5], [1, 2, 6], [2, 1, 8]]
filters = [1, 2]
kernel = [1, 2, 3]
stride = [1, 2]
"""

DEADLY = """
description = ""
[[product]]
name = "deadly"
op = ["conv1d"]
input = [[1, 1, 5], [1, 1, 6], [1, 1, 7], [1, 1, 8]]
filters = [1]
kernel = [1, 2, 3]
stride = [1, 2, 3]
[[product]]
name = "harmless"
op = ["conv1d"]
input = [[1, 1, 9]]
filters = [1, 2, 3]
kernel = [1, 2, 3]
stride = [1, 2, 3]
"""


def prepare(folder: Path) -> Path:
    """Write them all."""
    (folder / "kernels.py").write_text(KERNELS)
    (folder / "small.toml").write_text(SUITE)
    (folder / "deadly.toml").write_text(DEADLY)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Such a folder."""
    return prepare(tmp_path)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Cluster]]:
    """A cluster of two workers, and the folder that it works in."""
    place = prepare(tmp_path_factory.mktemp("cluster"))
    with cluster_in(place, 2) as cluster:
        yield place, cluster
