"""The names of what processes leave in the folder of their run."""

from __future__ import annotations

from pathlib import Path

TEMPORARY = "temporary"

OURS = (".log", ".ready", ".worn")
"""How the names of files end that are ours."""


def log_of(folder: Path, process: int | None) -> Path:
    """Name the file of what a process wrote; it is there as soon as the process has begun."""
    return folder / f"{process}.log"


def ready_of(folder: Path, process: int | None) -> Path:
    """Name the file that is there as soon as a process has imported its framework."""
    return folder / f"{process}.ready"


def temporary_of(folder: Path) -> Path:
    """Name the folder of the temporary files of all processes, frameworks' own included."""
    return folder / TEMPORARY


def worn_of(folder: Path, process: int | None) -> Path:
    """Name the file that is there where a process has ended for a new one to take its place."""
    return folder / f"{process}.worn"
