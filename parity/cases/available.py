"""How much memory there is to be had: of the machine, and of the control groups that this process is in."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil


class _Files(NamedTuple):
    """What a kind of control groups calls its files; and in ``memory.stat``, what can be given back."""

    limit: str
    usage: str
    given_back: str


_BY_KIND = {
    "cgroup2": _Files("memory.max", "memory.current", "inactive_file"),
    "cgroup": _Files("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}
"""By the file system's type; "cgroup" is version 1."""


def available() -> int:
    """Return the bytes that can be had without swapping, and without reaching the limit of a container."""
    left = [_left(folder, files) for folder, files in control_groups()]
    return max(min([psutil.virtual_memory().available, *left]), 0)


@functools.cache
def control_groups(root: Path = Path("/")) -> tuple[tuple[Path, _Files], ...]:
    """Return the folders of this process's control groups that count memory, with those around them.

    Args:
        root: of the file system that has ``proc`` and what is mounted.
    """
    found: list[tuple[Path, _Files]] = []
    with suppress(OSError):  # no Linux
        mounts = dict(_mounts((root / "proc/self/mountinfo").read_text(encoding="utf-8")))
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            number, controllers, path = line.split(":", 2)
            kind = "cgroup2" if number == "0" else "cgroup"
            if kind in mounts and (number == "0" or "memory" in controllers.split(",")):
                mounted = root / mounts[kind].lstrip("/")
                inner = mounted / path.lstrip("/")  # of a container's mount it may be another's name
                around = [each for each in (inner, *inner.parents) if each.is_relative_to(mounted)]
                found += [(each, _BY_KIND[kind]) for each in around]
    return tuple(found)


def _mounts(text: str) -> Iterator[tuple[str, str]]:
    """Yield where control groups that count memory are mounted, by their kind."""
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = (*after.split(" ", 2), "", "")[:3]
        if kind == "cgroup2" or (kind == "cgroup" and "memory" in options.split(",")):
            yield kind, before.split(" ")[4]


def _left(folder: Path, files: _Files) -> int:
    """Return the bytes below a group's limit, the files that are cached for it given back."""
    try:
        limit, usage = ((folder / name).read_text(encoding="ascii") for name in (files.limit, files.usage))
        if limit.strip() == "max":
            return _NO_LIMIT
        lines = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
        stat = dict(line.split() for line in lines)
        return int(limit) - int(usage) + int(stat.get(files.given_back, 0))
    except (OSError, ValueError):  # no such folder, or no such file in it, as at the root
        return _NO_LIMIT


_NO_LIMIT = 2**63
