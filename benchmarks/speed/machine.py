"""What times depend on beside the code: the processor, its caches, and what else it does."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from convmm.fast import caches, processors

_CPUINFO = Path("/proc/cpuinfo")


def processor() -> str:
    """Return the processor's name, and family and model, as Linux or macOS say; or else its architecture."""
    if platform.system() == "Darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    try:
        lines = _CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    each = (line.partition(":") for line in reversed(lines))  # so that the first processor's stay
    said = {name.strip(): value.strip() for name, _, value in each}
    if "model name" not in said:
        return platform.machine()
    return f"{said['model name']} (family {said.get('cpu family')}, model {said.get('model')})"


def environment(packages: Sequence[str]) -> dict[str, Any]:
    """Return the machine, how busy it is (the mean of a minute), and versions of NumPy and some packages."""
    size = caches.second_level()
    return {
        "machine": platform.platform(),
        "processor": processor(),
        "processors": processors.count(),
        "second_level_cache": size,
        "load": os.getloadavg()[0],
        "versions": {package: version(package) for package in ("numpy", *packages)},
        "blas": [library for library in threadpool_info() if library["user_api"] == "blas"],
    }


def described(environment: dict[str, Any]) -> str:
    """Return in a line what :func:`environment` says."""
    size = environment["second_level_cache"]
    cache = "unknown" if size is None else f"{size / 2**20:g} MiB"
    names = ("internal_api", "version", "architecture")
    blas = {" ".join(str(each.get(name)) for name in names) for each in environment["blas"]}
    versions = [f"{package} {number}" for package, number in environment["versions"].items()]
    return (
        f"{environment['processor']}, {environment['processors']} to run on, "
        f"second-level cache {cache} each, load {environment['load']:.1f}; "
        f"{', '.join([*versions, *sorted(blas)])}"
    )
