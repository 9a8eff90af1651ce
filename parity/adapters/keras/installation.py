"""Which Keras is installed, on which backend it runs, and its import."""

from __future__ import annotations

import logging
import os
import platform
from typing import Any

from parity.distributions import installed_version, not_installed
from parity.quiet import quiet_stderr

EXTRA = "tensorflow"

_BACKENDS = {
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "torch": ("torch",),
    "jax": ("jax",),
    "openvino": ("openvino",),
}


def missing() -> str | None:
    """That Keras or its backend is not installed, or that it has no such backend."""
    if not installed_version("keras"):
        return not_installed("keras", f"'convparity[{EXTRA}]'")
    name = backend_name()
    if name not in _BACKENDS:
        return f"cannot run with KERAS_BACKEND={name!r}: allowed are {', '.join(_BACKENDS)}"
    if installed_version(*_BACKENDS[name]):
        return None
    return not_installed(name, f"'convparity[{EXTRA}]'" if name == EXTRA else name)


def version() -> str:
    """Keras's version."""
    return str(installed_version("keras"))


def backend() -> str | None:
    """The backend's name and version."""
    name = backend_name()
    return f"{name} {installed_version(*_BACKENDS[name])}"


def load() -> Any:  # the module
    """Import Keras on its backend."""
    os.environ.setdefault("KERAS_BACKEND", backend_name())
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its retracing and oneDNN notes are no news here
    with quiet_stderr():  # and some it writes before it reads that
        import keras  # noqa: PLC0415 - imported when first used
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # each case is a new shape: it warns of retracing

    return keras


def backend_name() -> str:
    """The backend that Keras runs on."""
    return os.environ.get("KERAS_BACKEND", "tensorflow")


def computes_in_tensorflow(*, onednn: bool | None = None) -> bool:
    """Whether TensorFlow computes, with oneDNN's kernels or without where that is asked.

    oneDNN is in the builds for x86 and on unless ``TF_ENABLE_ONEDNN_OPTS`` is 0; the kernels that
    TensorFlow has of its own accept less.
    """
    if backend_name() != "tensorflow":
        return False
    has = platform.machine().lower() in {"x86_64", "amd64"} and os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0"
    return onednn is None or onednn == has
