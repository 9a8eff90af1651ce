"""Devices to compute on beside the processor: whether there is one, told without a framework."""

from __future__ import annotations

import ctypes.util
import platform
from pathlib import Path

CPU, CUDA, MPS = "cpu", "cuda", "mps"


def why_no_device(device: str) -> str | None:
    """Return why there is no such device here, as the end of a sentence, or None where there may be one.

    Whether a framework can use it, the framework says when it is loaded.
    """
    if device == CUDA and not _has_nvidias_driver():
        return "needs an NVIDIA device and its driver, and there is none here"
    if device == MPS and (platform.system(), platform.machine()) != ("Darwin", "arm64"):
        return "needs a Mac with Apple's own processor, and this is none"
    return None


def _has_nvidias_driver() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or any(
        ctypes.util.find_library(name) for name in ("cuda", "nvcuda")
    )
