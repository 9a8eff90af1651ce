"""In which precision Keras's backends compute half types. Found by runs of some thousand random layers."""

from __future__ import annotations

from parity.cases.case import Case
from parity.frameworks.keras.installation import backend_name, tensorflow_kernels
from parity.frameworks.known.machine import cpu_flags
from parity.frameworks.precision import (
    Mode,
    accumulated_by_tap,
    accumulated_in_float32,
    accumulator_unknown,
    flushing,
)

_ONEDNN_TAKES = {"bfloat16": "avx512f", "float16": "avx512_fp16"}
"""The processor's flag by which TensorFlow leaves a half type to oneDNN."""


def mode(case: Case) -> Mode:
    """Return the mode of :func:`_sums`, with subnormal numbers flushed where the backend does that."""
    return _flushed(case, _sums(case))


def mode_of_gradients(case: Case) -> Mode:
    """Return that half types may be summed up in themselves, flushed where the backend does that."""
    return _flushed(case, accumulator_unknown(case.dtype))


def _flushed(case: Case, mode: Mode) -> Mode:
    """Return a mode with subnormal numbers flushed, but on PyTorch.

    TensorFlow and JAX have their threads flush them; PyTorch leaves it to the instructions for bfloat16.
    """
    return mode if backend_name() == "torch" and case.dtype != "bfloat16" else flushing(mode)


def _sums(case: Case) -> Mode:
    """Return that half types are summed up in float32 and rounded, and the bias added in the half type.

    But TensorFlow's own kernels of transposed layers and of three axes keep sums in the half type, and
    PyTorch's transposed ones add up their taps' sums in it.
    """
    if case.transposed and backend_name() == "torch":
        return accumulated_by_tap(case.dtype)
    if (case.transposed or case.rank == 3) and _may_be_tensorflows_own(case.dtype):  # noqa: PLR2004 - axes
        return accumulator_unknown(case.dtype)
    return accumulated_in_float32(case.dtype, bias_apart=True)


def _may_be_tensorflows_own(dtype: str) -> bool:
    kernels = tensorflow_kernels(dtype)
    if "oneDNN" in kernels and _ONEDNN_TAKES.get(dtype) in cpu_flags():
        return False
    return "its own" in kernels
