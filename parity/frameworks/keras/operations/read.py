"""Functions of ``keras.ops`` as people write them, with arrays by the names of variables."""

from __future__ import annotations

from typing import Any

from convmm.geometry import shorten
from parity.frameworks.code.expression import Call
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.shapes import kernel_shape, literal_dtype
from parity.frameworks.keras.operations.write import function

CLASSES = {"conv": "", "conv_transpose": ""}
"""The functions that are read; how many axes they have the kernel's shape says."""

PREFIXES = ("keras.ops", "ops", "keras.ops.nn", "keras.src.ops")

_ARRAYS = ("inputs", "kernel")
_CONV = (*_ARRAYS, "strides", "padding", "data_format", "dilation_rate")
_CONV_TRANSPOSE = (*_ARRAYS, "strides", "padding", "output_padding", "data_format", "dilation_rate")
_DTYPES = ("float16", "bfloat16", "float32", "float64")


def read(call: Call) -> Reading:
    """Read the convolution that a call computes.

    Raises:
        ExpressionError: an argument that is not the function's, out of its range, or of this tool's reach.
    """
    if call.prefix not in PREFIXES:
        raise call.error(f"{shorten(call.path)}: allowed are keras.ops.{call.name} and ops.{call.name}")
    transposed = call.name == "conv_transpose"
    bound = call.bind(_CONV_TRANSPOSE if transposed else _CONV, arrays=_ARRAYS)
    for name in _ARRAYS:
        bound.required(name)
    if bound.choice("data_format", (None, "channels_last", "channels_first"), None) == "channels_first":
        raise bound.refuse(
            "data_format", "data_format='channels_first': read is 'channels_last', which the proof is run in"
        )
    *taps, second, last = kernel_shape(bound, "kernel", "*kernel,O,C" if transposed else "*kernel,C/groups,O")
    rank = len(taps)
    filters, channels = (second, last) if transposed else (last, second)
    arguments: dict[str, Any] = {
        "filters": filters,
        "kernel": tuple(taps),
        "stride": bound.numbers("strides", rank, default=1),
        "padding": bound.choice("padding", ("valid", "same"), "valid"),
        "dilation": bound.numbers("dilation_rate", rank, default=1),
        "bias": False,
        "dtype": literal_dtype(bound, _DTYPES, "kernel", "inputs"),
    }
    if bound.value("output_padding") is not None:
        arguments["output_padding"] = bound.numbers("output_padding", rank, minimum=0)
    keywords = {name: each.value for name, each in bound.arguments.items() if name not in _ARRAYS}
    op = f"conv_transpose{rank}d" if transposed else f"conv{rank}d"
    return Reading("keras+ops", op, channels, arguments, function(call.name, keywords, has_bias=False))
