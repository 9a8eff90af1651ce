"""Keras 3, on whichever backend ``KERAS_BACKEND`` names: channels last, kernels (*kernel, C/groups, O).

What its "valid" and "same" mean is what convmm means by them. Its transposed layers' kernels are
(*kernel, O, C), and they know no groups. Sources: keras/src/layers/convolutional and
keras/src/backend/common/backend_utils.py (Keras 3.15), and runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from convmm.geometry import Axis, GeometryError
from parity.case import Case
from parity.distributions import installed_version, not_installed
from parity.layer import Layer, layer
from parity.quiet import quiet_stderr
from parity.spelling import (
    Kind,
    Refusal,
    Spelling,
    Unsupported,
    first_lookalike,
    windows_agree,
)
from parity.values import Array, Arrays

NAME = "keras"
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
    name = _backend_name()
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
    name = _backend_name()
    return f"{name} {installed_version(*_BACKENDS[name])}"


def spell(case: Case) -> list[Spelling | Unsupported]:
    """The layer whose "valid" or "same" means the case, and what people take for it."""
    if case.transposed and case.groups > 1:
        return [Unsupported(f"Keras's transposed layers have no groups, and this case has {case.groups}")]
    meanings = list(_meanings(case))
    natives = [_spelling("native", meaning) for meaning in meanings if windows_agree(case, meaning)]
    if not natives:
        taken = first_lookalike(case, meanings)
        return [Unsupported(_why_not(case)), *([_spelling("lookalike", taken)] if taken else [])]
    accepted = [native for native in natives if native.refusal is None]
    native = natives[0] if isinstance(case.padding, str) else (accepted or natives)[0]
    return [native, *_same_instead(native.meaning)]


def compute(spelling: Spelling, arrays: Arrays) -> Array:
    """Build the layer for the input, set its weights, and call it."""
    keras = _keras()
    built = spelling.layer.call()
    x = _channels_last(arrays.x)
    built.build(x.shape)
    # (O, C/groups, *kernel) to (*kernel, C/groups, O); transposed, (C, O, *kernel) to (*kernel, O, C)
    kernel = np.ascontiguousarray(np.moveaxis(arrays.w, (0, 1), (-1, -2)))
    built.set_weights([kernel] if arrays.bias is None else [kernel, arrays.bias])
    y = keras.ops.convert_to_numpy(built(keras.ops.convert_to_tensor(x, dtype=spelling.meaning.dtype)))
    return np.moveaxis(y, -1, 1)


def _keras() -> Any:  # the module
    os.environ.setdefault("KERAS_BACKEND", _backend_name())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its retracing and oneDNN notes are no news here
    with quiet_stderr():  # and some it writes before it reads that
        import keras  # noqa: PLC0415 - imported when first used

    return keras


def _backend_name() -> str:
    return os.environ.get("KERAS_BACKEND", "tensorflow")


def _meanings(case: Case) -> Iterator[Case]:
    """The layers that may mean the case, its own arguments first."""
    if isinstance(case.padding, str):
        yield case
    for mode in ("valid", "same"):
        yield from _valid(case, padding=mode, output_padding=None)
        if case.transposed:
            added = [_output_padding(axis, mode) for axis in case.geometry.axes]
            yield from _valid(case, padding=mode, output_padding=added)
    if case.op == "conv1d":
        yield from _valid(case, padding=((case.geometry.axes[0].extent - 1, 0),))


def _output_padding(axis: Axis, mode: str) -> int:
    """The output_padding that gives this axis its size."""
    return axis.fine - (axis.full if mode == "valid" else axis.full - axis.extent + axis.extent % 2)


def _same_instead(native: Case) -> list[Spelling]:
    """Beside a native "valid": what "same" gives with the same arguments, where that is another thing."""
    if native.padding != "valid":
        return []
    same = replace(native, padding="same")
    return [] if windows_agree(native, same) else [_spelling("lookalike", same)]


def _spelling(kind: Kind, meaning: Case) -> Spelling:
    return Spelling(kind, _layer(meaning), meaning, _refusal(meaning))


def _refusal(case: Case) -> Refusal | None:
    if max(case.stride) > 1 and max(case.dilation) > 1:
        return Refusal("Keras takes no stride together with a dilation", ("ValueError",))
    added = case.output_padding or (0,) * case.rank
    if any(q >= s for q, s in zip(added, case.stride, strict=True)):
        return Refusal("Keras takes no output_padding that is not below the stride", ("ValueError",))
    tensorflow = _backend_name() == "tensorflow"
    if tensorflow and case.transposed and case.dtype == "float64" and max(case.dilation) > 1:
        return Refusal(
            "TensorFlow's gradient kernels take no dilation in float64, where oneDNN has none, on a CPU",
            ("InvalidArgumentError",),
            certain=False,
        )
    if case.output_padding is None:
        return None
    short = any(axis.fine <= (axis.coarse - 1) * axis.stride for axis in case.geometry.axes)
    empty = 0 in case.output_shape  # then TensorFlow returns before it looks
    if tensorflow and case.padding == "same" and short and not empty:
        return Refusal(
            "TensorFlow's gradient kernel sees an output that 'same' would map to another input size",
            ("AbortedError", "InvalidArgumentError"),  # with oneDNN, and without
        )
    return None


def _layer(case: Case) -> Layer:
    """The Keras layer that a case of Keras's own padding is."""
    arguments: dict[str, Any] = {"filters": case.filters, "kernel_size": case.kernel, "strides": case.stride}
    arguments["padding"] = case.padding if isinstance(case.padding, str) else "causal"
    if case.output_padding is not None:
        arguments["output_padding"] = case.output_padding
    if set(case.dilation) != {1}:
        arguments["dilation_rate"] = case.dilation
    if case.groups > 1:
        arguments["groups"] = case.groups
    arguments |= {"use_bias": case.bias, "data_format": "channels_last", "dtype": case.dtype}
    return layer(f"keras.layers.Conv{case.rank}D{'Transpose' if case.transposed else ''}", **arguments)


def _why_not(case: Case) -> str:
    if not case.transposed:
        reads = ", ".join(
            f"{axis.before} before and {max(axis.after, 0)} after" for axis in case.geometry.axes
        )
        return f"neither 'valid' nor 'same' is this case's padding of {reads} on the axes in turn"
    wanted = ", ".join(
        f"begins at {axis.before} of a full response of {axis.full} and has {axis.fine} elements"
        for axis in case.geometry.axes
    )
    return f"neither 'valid' nor 'same' gives, with any output_padding, an output that {wanted}"


def _valid(case: Case, **arguments: Any) -> Iterator[Case]:
    """The case with these arguments, if it is one."""
    try:
        yield replace(case, **arguments)
    except GeometryError:
        return


def _channels_last(array: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(array, 1, -1))
