"""Keras 3, on whichever backend ``KERAS_BACKEND`` names: channels last, kernels (*kernel, C/groups, O).

What its "valid" and "same" mean is what convmm means by them. Its transposed layers' kernels are
(*kernel, O, C), and they know no groups. Sources: keras/src/layers/convolutional and
keras/src/backend/common/backend_utils.py (Keras 3.15), and runs.
"""

from __future__ import annotations

import logging
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
from parity.script import Conversion, Script
from parity.spelling import (
    Kind,
    Refusal,
    Spelling,
    Unsupported,
    first_lookalike,
    windows_agree,
)
from parity.values import Array, Arrays

# (O, C/groups, *kernel) to (*kernel, C/groups, O); a transposed layer: (C, O, *kernel) to (*kernel, O, C)
_MOVE = "np.moveaxis(kernel, (0, 1), (-1, -2))"
_TO_KERAS = Conversion((f"converted = [{_MOVE}, *bias]",))

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
    """The layer whose "valid" or "same" means the case, what people take for it, and an exact one."""
    if case.transposed and case.groups > 1:
        reason = f"Keras's transposed layers have no groups, and this case has {case.groups}"
        return [Unsupported(reason), *_exact(case)]
    meanings = list(_meanings(case))
    native = _native(case, meanings)
    if native is None:
        taken = first_lookalike(case, meanings)
        lookalike = [_spelling("lookalike", taken)] if taken else []
        return [Unsupported(_why_not(case)), *lookalike, *_exact(case)]
    return [native, *_same_instead(native.meaning), *(_exact(case) if native.refusal else [])]


def compute(spelling: Spelling, arrays: Arrays) -> Array:
    """Build the layer for the input, set its weights, and call it."""
    keras = _keras()
    built = spelling.layer.call()
    x = keras.ops.convert_to_tensor(_channels_last(arrays.x), dtype=spelling.meaning.dtype)
    if not built.built:
        built.build(x.shape)
    built.set_weights(spelling.convert([arrays.w] if arrays.bias is None else [arrays.w, arrays.bias]))
    return np.moveaxis(keras.ops.convert_to_numpy(built(x)), -1, 1)


def _keras() -> Any:  # the module
    os.environ.setdefault("KERAS_BACKEND", _backend_name())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its retracing and oneDNN notes are no news here
    with quiet_stderr():  # and some it writes before it reads that
        import keras  # noqa: PLC0415 - imported when first used
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # each case is a new shape: it warns of retracing

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


def _native(case: Case, meanings: list[Case]) -> Spelling | None:
    """The case's own arguments if they are Keras's; else a layer that means it, one that is accepted first."""
    natives = [_spelling("native", meaning) for meaning in meanings if windows_agree(case, meaning)]
    if isinstance(case.padding, str):
        return natives[0]
    return min(natives, key=lambda native: native.refusal is not None, default=None)


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
    return Spelling(kind, _layer(meaning), meaning, _refusal(meaning), _TO_KERAS)


def _refusal(case: Case) -> Refusal | None:
    if max(case.stride) > 1 and max(case.dilation) > 1:
        return Refusal("Keras takes no stride together with a dilation", ("ValueError",))
    if case.output_padding is None:
        return None
    if any(q >= s for q, s in zip(case.output_padding, case.stride, strict=True)):
        return Refusal("Keras takes no output_padding that is not below the stride", ("ValueError",))
    short = any(axis.fine <= (axis.coarse - 1) * axis.stride for axis in case.geometry.axes)
    empty = 0 in case.output_shape  # then TensorFlow returns before it looks
    if _backend_name() == "tensorflow" and case.padding == "same" and short and not empty:
        return Refusal(
            "TensorFlow sees an output that 'same' would map to another input size",
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


def _exact(case: Case) -> list[Spelling]:
    """Layers that compute the case: zeros or crops around one, a zero-stuffed kernel, a layer a group."""
    if 0 in case.output_shape:
        return []
    statements = _zero_stuffing(case)
    extents = tuple(axis.extent for axis in case.geometry.axes)
    plain = {"kernel": extents, "dilation": (1,) * case.rank} if statements else {}
    if not (case.transposed and case.groups > 1):
        convert = Conversion((*statements, *_TO_KERAS.statements))
        return [Spelling("exact", _stack(case, **plain), case, convert=convert)]
    channels = (case.input[0], case.input[1] // case.groups, *case.input[2:])
    one = _stack(case, **plain, input=channels, filters=case.filters // case.groups, groups=1)
    convert = Conversion((*statements, *_split_weights(case)))
    return [Spelling("exact", _grouped(case, one), case, convert=convert)]


def _stack(case: Case, **changes: Any) -> Layer:
    """A layer with these changes that computes the case's window, zeros and crops around it where needed."""
    wanted = case.geometry.axes
    same = replace(case, **changes, padding="same", output_padding=None)
    if case.transposed:
        return _cropped(wanted, same, replace(same, padding="valid"))
    if [(axis.before, axis.coarse) for axis in wanted] == [(a.before, a.coarse) for a in same.geometry.axes]:
        return _layer(same)
    pads = tuple((axis.before, max(axis.after, 0)) for axis in wanted)
    padded = [axis.fine + sum(pad) for axis, pad in zip(wanted, pads, strict=True)]
    valid = replace(same, input=(*same.input[:2], *padded), padding="valid")
    stack = [_around("ZeroPadding", case, pads), _layer(valid)]
    return layer("keras.Sequential", stack) if any(map(any, pads)) else stack[-1]


def _cropped(wanted: tuple[Axis, ...], same: Case, valid: Case) -> Layer:
    """The smaller output that holds the window, and what to crop of it.

    Where the window goes on after the full response has ended, zeros behind the input make the response
    longer.
    """
    for mode in (same, _long_enough(wanted, valid)):
        crops = tuple(
            (ours.before - its.before, its.before + its.fine - ours.before - ours.fine)
            for ours, its in zip(wanted, mode.geometry.axes, strict=True)
        )
        if all(crop >= 0 for pair in crops for crop in pair):
            break
    longer = tuple((0, its - axis.coarse) for its, axis in zip(mode.input[2:], wanted, strict=True))
    stack = [_layer(mode)]
    if any(after for _, after in longer):
        stack.insert(0, _around("ZeroPadding", mode, longer))
    if any(crop for pair in crops for crop in pair):
        stack.append(_around("Cropping", mode, crops))
    return layer("keras.Sequential", stack) if len(stack) > 1 else stack[0]


def _long_enough(wanted: tuple[Axis, ...], valid: Case) -> Case:
    """The "valid" layer of an input with so many zeros behind it that its output holds the window."""
    missing = [
        max(ours.before + ours.fine - its.fine, 0)
        for ours, its in zip(wanted, valid.geometry.axes, strict=True)
    ]
    sizes = [n - (-short // s) for n, short, s in zip(valid.input[2:], missing, valid.stride, strict=True)]
    return replace(valid, input=(*valid.input[:2], *sizes))


def _around(kind: str, case: Case, amounts: tuple[tuple[int, int], ...]) -> Layer:
    """A ZeroPadding or Cropping layer; those of one axis take a pair and know channels last only."""
    if case.rank == 1:
        return layer(f"keras.layers.{kind}1D", amounts[0], dtype=case.dtype)
    return layer(f"keras.layers.{kind}{case.rank}D", amounts, data_format="channels_last", dtype=case.dtype)


def _zero_stuffing(case: Case) -> tuple[str, ...]:
    """Statements that write a dilation into the kernel, where Keras takes none beside the stride."""
    if max(case.stride) == 1 or max(case.dilation) == 1:
        return ()
    extents = ", ".join(str(axis.extent) for axis in case.geometry.axes)
    steps = ", ".join(f"::{d}" for d in case.dilation)
    return (
        f"stuffed = np.zeros((*kernel.shape[:2], {extents}), kernel.dtype)",
        f"stuffed[:, :, {steps}] = kernel",
        "kernel = stuffed",
    )


def _split_weights(case: Case) -> tuple[str, ...]:
    """Statements that give each group's kernel and bias in turn."""
    if not case.bias:
        return (f"converted = [{_MOVE} for kernel in np.split(kernel, {case.groups})]",)
    return (
        f"groups = zip(np.split(kernel, {case.groups}), np.split(bias[0], {case.groups}))",
        f"converted = [array for kernel, part in groups for array in ({_MOVE}, part)]",
    )


def _grouped(case: Case, one: Layer) -> Script:
    """A layer a group, side by side."""
    shape = (*[None] * case.rank, case.input[1])
    return Script(
        f"import keras\n\ninputs = keras.Input({shape!r}, dtype={case.dtype!r})\n"
        f"groups = keras.ops.split(inputs, {case.groups}, axis=-1)\n"
        f"parts = [{one!r}(group) for group in groups]\n"
        f"layer = keras.Model(inputs, keras.layers.Concatenate(dtype={case.dtype!r})(parts))"
    )


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
