"""The processes of frameworks that a process has."""

from __future__ import annotations

from contextlib import suppress

import psutil


def workers_of(process: psutil.Process) -> set[int]:
    """The process ids of the workers that a process has started and that have not ended."""
    return {each.pid for each in process.children() if _is_worker(each)}


def _is_worker(process: psutil.Process) -> bool:
    with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
        return "spawn_main" in " ".join(process.cmdline())
    return False
