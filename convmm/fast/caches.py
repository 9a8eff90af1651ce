"""How much cache the system says that a processor has to itself."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable
from pathlib import Path

_PROCESSORS = Path("/sys/devices/system/cpu")
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}
_SC_LEVEL2_CACHE_SIZE = 191  # of glibc's bits/confname.h, which Python has no name for


def second_level() -> int | None:
    """Return the bytes of second-level cache for one processor, or None where the system does not say.

    A cache that several processors share counts as that part of it. Linux is asked in /sys about the first
    processor that this process may run on, or else its C library (glibc's sysconf), macOS by sysctl about its
    fast cores. Every failure to read, and every answer that is no positive number, is as no answer.
    """
    for ask in (_of_linux, _of_glibc, _of_macos):
        with contextlib.suppress(OSError, ValueError, AttributeError, ArithmeticError):
            size = ask()
            if size > 0:
                return size
    return None


def _of_linux() -> int:
    caches = _PROCESSORS / f"cpu{min(os.sched_getaffinity(0))}" / "cache"
    for cache in sorted(caches.glob("index*")):
        if _read(cache / "level") == "2" and _read(cache / "type") != "Instruction":
            size = _read(cache / "size")  # such as 1024K
            unit = _UNITS.get(size[-1:], 1)
            return int(size.rstrip("KMG")) * unit // _sharing(_read(cache / "shared_cpu_list"))
    return 0


def _read(file: Path) -> str:
    return file.read_text(encoding="ascii").strip()


def _sharing(processors: str) -> int:
    """Return how many processors a list such as 0-3,8 names."""
    spans = (span.partition("-") for span in processors.split(","))
    return sum(int(last or first) - int(first) + 1 for first, _, last in spans)


def _of_glibc() -> int:
    is_glibc = (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    return os.sysconf(_SC_LEVEL2_CACHE_SIZE) if is_glibc else 0


def _of_macos() -> int:
    ask: Callable[..., int] = ctypes.CDLL(None).sysctlbyname

    def number(name: str) -> int:
        value, size = ctypes.c_uint64(0), ctypes.c_size_t(8)  # 4 bytes are read as well
        failed = ask(name.encode(), ctypes.byref(value), ctypes.byref(size), None, ctypes.c_size_t(0))
        return 0 if failed else value.value

    whole, cores = number("hw.perflevel0.l2cachesize"), number("hw.perflevel0.cpusperl2")
    return whole // cores if whole and cores else number("hw.l2cachesize")
