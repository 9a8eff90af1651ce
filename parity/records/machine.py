"""The machine that a case was computed on, where that is another than the one that keeps the record."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from pathlib import Path

import msgspec


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """A machine of a cluster, and the environment that its worker has there.

    Attributes:
        host: its name in the network.
        processor: the model of its processor, or where the system does not say, its architecture.
        platform: as :func:`platform.platform` has it.
        python: version.
        threads: of its processors.
        flags: environment variables that change numbers, those that are set.
    """

    host: str
    processor: str
    platform: str
    python: str
    threads: int | None = None
    flags: dict[str, str] = {}

    @property
    def kind(self) -> str:
        """What may have a hand in a result, in a line: the name has none."""
        flags = (f"{name}={value}" for name, value in sorted(self.flags.items()))
        return ", ".join([self.processor, self.platform, f"Python {self.python}", *flags])


def this_machine(flags: Iterable[str]) -> Machine:
    """Describe the machine that this process runs on.

    Args:
        flags: names of environment variables that change numbers.
    """
    return Machine(
        host=platform.node(),
        processor=_model() or platform.machine(),
        platform=platform.platform(),
        python=platform.python_version(),
        threads=os.cpu_count(),
        flags={name: os.environ[name] for name in flags if name in os.environ},
    )


def _model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str | None:
    """Return the processor's model as Linux names it; None elsewhere, and where it has no name."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(filter(None, names), None)
