"""What a user's function is handed, and may return: arrays of NumPy, or tensors of another library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from parity.cases.arrays import Array, numpy_dtype
from parity.frameworks.attempt import attempt, describe
from parity.frameworks.interface import NoOutputError


def _to_torch(array: Array) -> Any:
    torch = import_module("torch")
    if array.dtype.name == "bfloat16":  # which NumPy's own dtypes, that torch takes, are not
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def _to_jax(array: Array) -> Any:
    jax = import_module("jax")
    jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - JAX's own form; else float64 becomes float32
    return import_module("jax.numpy").asarray(array)


def _to_tensorflow(array: Array) -> Any:
    return import_module("tensorflow").constant(array)


NUMPY = "numpy"

ARRAYS: Mapping[str, Callable[[Array], Any]] = {
    NUMPY: lambda array: array,
    "torch": _to_torch,
    "jax": _to_jax,
    "tensorflow": _to_tensorflow,
}
"""What ``--arrays`` takes, and how a C-contiguous NumPy array becomes such a tensor, of the same dtype."""


def as_returned(value: object) -> object:
    """Return the NumPy array of a tensor: of whatever has DLPack's protocol; all else as it is.

    Raises:
        NoOutputError: a tensor of which no array can be made.
    """
    if issubclass(type(value), np.ndarray) or not hasattr(type(value), "__dlpack__"):
        return value
    is_torchs = type(value).__module__.partition(".")[0] == "torch"
    found, _ = attempt(partial(_of_torch if is_torchs else _of_any, value))
    if isinstance(found, BaseException):
        kind = type(value).__name__
        raise NoOutputError(f"of the {kind} that it returned no array can be made: {describe(found)}")
    return found


def _of_torch(tensor: Any) -> Array:
    found = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
    if str(found.dtype) == "torch.bfloat16":
        as_ints = found.view(import_module("torch").int16).numpy()
        return as_ints.view(numpy_dtype("bfloat16"))  # type: ignore[no-any-return] # of a module without types
    return found.numpy()  # type: ignore[no-any-return] # the same


def _of_any(tensor: Any) -> Array:
    """Ask the library itself, which knows bfloat16; without a word from it, take the protocol's."""
    return np.asarray(tensor) if hasattr(type(tensor), "__array__") else np.from_dlpack(tensor)
