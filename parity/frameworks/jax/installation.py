"""JAX's import, its switches, and its caches of compiled code."""

from __future__ import annotations

import itertools
import os
from typing import Any

from packaging.version import Version

from parity.frameworks.attempt import one_line
from parity.frameworks.devices import CPU, CUDA, why_no_device
from parity.frameworks.distributions import installed_version, not_installed
from parity.frameworks.table import FrameworkError

_CALLS = itertools.count(1)

_KEPT = 20
"""Calls whose compiled code is kept.

JAX compiles each operation for each shape, and keeps some 3 MB of an eager layer. Forgotten after every call,
a layer's gradients and other spellings are compiled again; after 20 a process stays below 130 MB of them.
"""

_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false"


def has_consistent_padding() -> bool:
    """Return whether ``jax.lax.conv_transpose`` has ``use_consistent_padding``, as it has from 0.9 on."""
    return Version(installed_version("jax") or "0") >= Version("0.9")


def load() -> Any:
    """Import jax, and let it compute in float64."""
    import jax  # noqa: PLC0415 - imported when first used

    jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - a switch's name and value
    return jax


def why_no_jax(device: str, *distributions: str, extra: str) -> str | None:
    """Return what of these is not installed for this device, or that there is none, or None."""
    missing = next((each for each in distributions if not installed_version(each)), None)
    if missing:
        return not_installed(missing, f"'convparity[{extra}]'")
    if device == CUDA and not installed_version("jax-cuda13-plugin", "jax-cuda12-plugin"):
        return not_installed("JAX's plugin for CUDA", "'jax[cuda13]'")
    return why_no_device(device)


def pin(threads: int, device: str = CPU) -> dict[str, Any]:
    """Set the device, the processor's threads, and IEEE precision; XLA reads its flags when it compiles.

    Raises:
        FrameworkError: JAX finds no such device.
    """
    jax = load()
    if threads == 1:
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{flags} {_ONE_THREAD}".strip()
    os.environ["NPROC"] = str(threads)
    jax.config.update("jax_platforms", device)
    if device != CPU:
        try:
            jax.devices()
        except RuntimeError as error:
            raise FrameworkError(f"JAX finds no device {device!r} here: {one_line(error)}") from None
    jax.config.update("jax_default_matmul_precision", "highest")
    return {
        "threads": threads,
        "matmul_precision": jax.config.jax_default_matmul_precision,
        "enable_x64": jax.config.jax_enable_x64,
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
    }


def forget() -> None:
    """Count a call, and drop compiled code once in a while."""
    if next(_CALLS) % _KEPT == 0:
        load().clear_caches()
