"""Which Keras is installed, on which backend it runs, and its import."""

from __future__ import annotations

import functools
import logging
import os
import platform
from typing import Any

from parity.frameworks.choice import WITH_ONEDNN, Choice, of_onednn
from parity.frameworks.distributions import installed_version, not_installed
from parity.frameworks.keras.quiet import quiet_stderr

EXTRA = "tensorflow"

_BACKENDS = {
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "torch": ("torch",),
    "jax": ("jax",),
    "openvino": ("openvino",),
}


def why_unavailable() -> str | None:
    """Return that Keras or its backend is not installed, or that it has no such backend; else None."""
    if not installed_version("keras"):
        return not_installed("keras", f"'convparity[{EXTRA}]'")
    name = backend_name()
    if name not in _BACKENDS:
        return f"cannot run with KERAS_BACKEND={name!r}: allowed are {', '.join(_BACKENDS)}"
    if installed_version(*_BACKENDS[name]):
        return None
    return not_installed(name, f"'convparity[{EXTRA}]'" if name == EXTRA else name)


def runs_tensorflow() -> bool:
    """Return whether Keras is here and runs on TensorFlow."""
    return why_unavailable() is None and backend_name() == "tensorflow"


def version() -> str:
    """Return Keras's version."""
    return str(installed_version("keras"))


def backend() -> str | None:
    """Return the backend's name and version; None for one that is not installed, or that Keras has not."""
    name = backend_name()
    version = installed_version(*_BACKENDS.get(name, ()))
    return f"{name} {version}" if version else None


@functools.cache
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
    """Return the backend that Keras runs on."""
    return os.environ.get("KERAS_BACKEND", "tensorflow")


def choices() -> tuple[Choice, ...]:
    """Return oneDNN's on the backends that have it, and TensorFlow's own."""
    return {"tensorflow": of_onednn(WITH_ONEDNN), "torch": of_onednn()}.get(backend_name(), ())


def tensorflow_kernels(dtype: str) -> frozenset[str]:
    """Return whose kernels TensorFlow may compute a layer with: "oneDNN" or "its own"; none elsewhere.

    oneDNN is in the builds for x86 and on unless ``TF_ENABLE_ONEDNN_OPTS`` is 0. It has no float64, and
    the half types on some processors only. TensorFlow's own kernels accept less.
    """
    return _kernels(dtype, backend_name(), os.environ.get("TF_ENABLE_ONEDNN_OPTS"))


@functools.cache
def _kernels(dtype: str, backend: str, onednn: str | None) -> frozenset[str]:
    if backend != "tensorflow":
        return frozenset()
    built_in = platform.machine().lower() in {"x86_64", "amd64"}
    if not built_in or onednn == "0" or dtype == "float64":
        return frozenset({"its own"})
    return frozenset({"oneDNN"} if dtype == "float32" else {"oneDNN", "its own"})
