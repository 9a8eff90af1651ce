"""What a library may choose its code by: the kind of machine, the processor's abilities, the environment."""

from __future__ import annotations

import functools
import os
import platform
from pathlib import Path

from msgspec import Struct

_CPUINFO = Path("/proc/cpuinfo")


class Machine(Struct, frozen=True, forbid_unknown_fields=True):
    """The machines, of which this may be one.

    Attributes:
        architecture: names of which ``platform.machine()`` is one, in lower case; empty for any.
        cpu: flags that the processor has, as Linux names them. Elsewhere it is taken to have none.
        without_cpu: flags of which the processor has none.
        environment: variable by the values that it may have; an empty one stands for no such variable.
    """

    architecture: tuple[str, ...] = ()
    cpu: tuple[str, ...] = ()
    without_cpu: tuple[str, ...] = ()
    environment: dict[str, tuple[str, ...]] = {}

    def is_this_one(self) -> bool:
        """Return whether this process runs on such a machine, in such an environment."""
        return (
            (not self.architecture or platform.machine().lower() in self.architecture)
            and (not self.cpu or set(self.cpu) <= cpu_flags())
            and (not self.without_cpu or not set(self.without_cpu) & cpu_flags())
            and all(os.environ.get(name, "") in values for name, values in self.environment.items())
        )


@functools.cache
def cpu_flags() -> frozenset[str]:
    """Return what this processor can do; empty where the system does not say."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    flags = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(flags, "").split())
