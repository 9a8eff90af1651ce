"""What Keras's arguments mean, what it refuses, and the layer that a case of its own padding is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from convmm.geometry import Axis, GeometryError, Ints, Padding
from parity.cases.case import Case
from parity.frameworks.code.layer import Layer, layer
from parity.frameworks.code.script import Conversion
from parity.frameworks.interface import Refuses
from parity.frameworks.keras.installation import tensorflow_kernels
from parity.frameworks.spelling import Kind, Refusal, Spelling, wanted_windows, windows_agree

# (O, C/groups, *kernel) to (*kernel, C/groups, O); transposed, (C, O, *kernel) to (*kernel, O, C)
MOVE = "np.moveaxis(kernel, (0, 1), (-1, -2))"
TO_KERAS = Conversion((f"converted = [{MOVE}, *bias]",))
MOVE_BACK = "kernel = np.moveaxis(kernel, (-1, -2), (0, 1))"
CHANNELS_LAST, CHANNELS_FIRST = "channels_last", "channels_first"
"""Keras's names of the two orders of axes, ``data_format``: of the data, not of the kernels."""

FROM_KERAS = Conversion((MOVE_BACK, "converted = [kernel, *bias]"))


def meanings(case: Case) -> Iterator[Case]:
    """Yield the layers that may mean the case, its own arguments first."""
    if isinstance(case.padding, str):
        yield case
    for mode in ("valid", "same"):
        yield from _valid(case, mode)
        if case.transposed:
            added = [_output_padding(axis, mode) for axis in case.geometry.axes]
            yield from _valid(case, mode, added)
    if case.op == "conv1d":
        yield from _valid(case, ((case.geometry.axes[0].extent - 1, 0),))


def find_native(
    case: Case, meanings: list[Case], refuses: Refuses, data_format: str = CHANNELS_LAST
) -> Spelling | None:
    """Return the case with Keras's own arguments; else a layer that means it, an accepted one first."""
    agreeing = (meaning for meaning in meanings if windows_agree(case, meaning))
    natives = [spelling("native", meaning, refuses, data_format) for meaning in agreeing]
    if isinstance(case.padding, str):
        return natives[0]
    return min(natives, key=lambda native: native.refusal is not None, default=None)


def _output_padding(axis: Axis, mode: str) -> int:
    """Return the output_padding that gives this axis its size."""
    return axis.fine - (axis.full if mode == "valid" else axis.full - axis.extent + axis.extent % 2)


def same_instead(native: Case, refuses: Refuses, data_format: str = CHANNELS_LAST) -> list[Spelling]:
    """Return what "same" gives beside a native "valid" of equal arguments, where that is another thing."""
    if native.padding != "valid":
        return []
    given = _valid(native, "same", native.output_padding)
    others = [same for same in given if not windows_agree(native, same)]
    return [spelling("lookalike", same, refuses, data_format) for same in others]


def spelling(kind: Kind, meaning: Case, refuses: Refuses, data_format: str = CHANNELS_LAST) -> Spelling:
    """Return the layer of this meaning, with what Keras does with it."""
    refusal = _refusal(meaning, data_format) or format_refusal(meaning, data_format) or refuses(meaning, kind)
    layer = keras_layer(meaning, data_format)
    return Spelling(kind, layer, meaning, refusal, TO_KERAS, FROM_KERAS, no_backward(meaning))


def _refusal(case: Case, data_format: str) -> Refusal | None:
    if max(case.stride) > 1 and max(case.dilation) > 1:
        return Refusal("Keras takes no stride together with a dilation", ("ValueError",))
    if any(q >= s for q, s in zip(case.output_padding or (), case.stride, strict=False)):
        return Refusal("Keras takes no output_padding that is not below the stride", ("ValueError",))
    zero = refusal_of_zeros(case, data_format)
    if zero is not None:
        return zero
    kernels = tensorflow_kernels(case.dtype) if case.transposed else frozenset()
    if "its own" in kernels and max(case.dilation) > 1:
        reason = "TensorFlow's own kernels dilate no transposed layer"
        return Refusal(reason, ("InvalidArgumentError",), certain="oneDNN" not in kernels)
    return None


def format_refusal(case: Case, data_format: str) -> Refusal | None:
    """Return what TensorFlow refuses of this format on the CPU, whatever the other arguments."""
    kernels = tensorflow_kernels(case.dtype)
    if data_format == CHANNELS_LAST or "its own" not in kernels or _is_by_xla(case, data_format):
        return None
    error = "InvalidArgumentError" if case.transposed else "UnimplementedError"
    reason = "TensorFlow's own kernels for the CPU take channels last only"
    return Refusal(reason, (error,), certain="oneDNN" not in kernels and 0 not in case.output_shape)


def _is_by_xla(case: Case, data_format: str) -> bool:
    """Return whether Keras on TensorFlow leaves this layer to XLA, which takes both formats."""
    three_first = case.rank == 3 and data_format == CHANNELS_FIRST  # noqa: PLR2004 - axes
    return not case.transposed and (case.groups > 1 or three_first)


def refusal_of_zeros(case: Case, data_format: str) -> Refusal | None:
    """Return what Keras and TensorFlow raise for a layer of no filters, input channels, or input elements."""
    if not case.filters:
        return Refusal("Keras takes no layer without filters", ("ValueError",))
    if not case.input[1] and not case.transposed and tensorflow_kernels(case.dtype):
        errors = ("InvalidArgumentError", "ZeroDivisionError", "StagingError", "ValueError")
        return Refusal("TensorFlow convolves no input without channels", errors)
    dilated_same = case.padding == "same" and max(case.dilation) > 1
    by_xla = tensorflow_kernels(case.dtype) and _is_by_xla(case, data_format)
    if 0 in case.input[2:] and dilated_same and by_xla:
        reason = "for XLA, TensorFlow takes one from an axis without elements where 'same' is dilated"
        return Refusal(reason, ("ValueError",))
    return None


def no_backward(case: Case) -> str | None:
    """Return what is not asked of TensorFlow 2.21: a process that has ended has no error to record."""
    if max(case.kernel) > 1 or max(case.stride) == 1 or "oneDNN" not in tensorflow_kernels(case.dtype):
        return None
    return (
        "not run: with oneDNN, TensorFlow's weight gradient of a one-tap kernel with a stride spoils memory "
        "and may end the process; TF_ENABLE_ONEDNN_OPTS=0 avoids it"
    )


def unfolds(case: Case) -> bool:
    """Return whether TensorFlow may hold all that the taps read: oneDNN's transposed layers do not."""
    return not (case.transposed and tensorflow_kernels(case.dtype) == {"oneDNN"})


def refuses_dilation(case: Case) -> bool:
    """Return whether the case's dilation is better written into the kernel."""
    if max(case.dilation) == 1:
        return False
    return max(case.stride) > 1 or (case.transposed and "its own" in tensorflow_kernels(case.dtype))


def keras_layer(case: Case, data_format: str = CHANNELS_LAST) -> Layer:
    """Return the Keras layer that a case of Keras's own padding is."""
    arguments: dict[str, Any] = {"filters": case.filters, "kernel_size": case.kernel, "strides": case.stride}
    arguments["padding"] = case.padding if isinstance(case.padding, str) else "causal"
    if case.output_padding is not None:
        arguments["output_padding"] = case.output_padding
    if set(case.dilation) != {1}:
        arguments["dilation_rate"] = case.dilation
    if case.groups > 1:
        arguments["groups"] = case.groups
    arguments |= {"use_bias": case.bias, "data_format": data_format, "dtype": case.dtype}
    return layer(f"keras.layers.Conv{case.rank}D{'Transpose' if case.transposed else ''}", **arguments)


def why_not(case: Case) -> str:
    """Return why no arguments of Keras mean the case."""
    wanted = wanted_windows(case)
    if not case.transposed:
        return f"neither 'valid' nor 'same' is this case's padding of {wanted}"
    return f"neither 'valid' nor 'same' gives, with any output_padding, an output that {wanted}"


def _valid(case: Case, padding: Padding, output_padding: Ints | None = None) -> Iterator[Case]:
    """Yield the case with this padding, if it is one."""
    try:
        yield case.padded(padding, output_padding)
    except GeometryError:
        return
