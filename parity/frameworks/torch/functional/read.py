"""Functions of ``torch.nn.functional`` as people write them, with arrays by the names of variables."""

from __future__ import annotations

from typing import Any

from convmm.geometry import shorten
from parity.cases.op import Op
from parity.frameworks.code.expression import Call
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.shapes import kernel_shape, literal_dtype
from parity.frameworks.torch.functional.write import function
from parity.frameworks.torch.read import DTYPES, one_for_all, padding_of

_OPS = {f"{op}{rank}d": f"{op}{rank}d" for op in ("conv", "conv_transpose") for rank in (1, 2, 3)}

CLASSES = dict.fromkeys(_OPS, "")
"""The functions that are read; the kernel's shape stands beside them."""

PREFIXES = ("F", "nn.functional", "torch.nn.functional", "functional", "torch")

_ARRAYS = ("input", "weight", "bias")
_CONV = (*_ARRAYS, "stride", "padding", "dilation", "groups")
_CONV_TRANSPOSE = (*_ARRAYS, "stride", "padding", "output_padding", "groups", "dilation")


def read(call: Call) -> Reading:
    """Read the convolution that a call computes.

    Raises:
        ExpressionError: an argument that is not the function's, out of its range, or of this tool's reach.
    """
    if call.prefix not in (*PREFIXES, ""):
        allowed = ", ".join(f"{prefix}.{call.name}" for prefix in PREFIXES)
        raise call.error(f"{shorten(call.path)}: allowed are {allowed}")
    op = _OPS[call.name]
    transposed, rank = Op.of(op)
    typed = call.bind(_CONV_TRANSPOSE if transposed else _CONV, arrays=_ARRAYS)
    for name in _ARRAYS[:2]:
        typed.required(name)
    bound = one_for_all(typed)
    first, second, *taps = kernel_shape(
        typed, "weight", "C,O/groups,*kernel" if transposed else "O,C/groups,*kernel", rank
    )
    groups = bound.number("groups", 1)
    arguments: dict[str, Any] = {
        "filters": second * groups if transposed else first,
        "kernel": tuple(taps),
        "stride": bound.numbers("stride", rank, default=1),
        "dilation": bound.numbers("dilation", rank, default=1),
        "padding": padding_of(bound, rank, transposed=transposed),
        "groups": groups,
        "bias": bound.value("bias") is not None,
        "dtype": DTYPES[literal_dtype(bound, DTYPES, "weight", "input")],
    }
    if transposed and "output_padding" in bound.arguments:
        arguments["output_padding"] = bound.numbers("output_padding", rank, minimum=0)
    keywords = {name: each.value for name, each in typed.arguments.items() if name not in _ARRAYS}
    channels = first if transposed else second * groups
    layer = function(op, keywords, has_bias=arguments["bias"])
    return Reading("torch+functional", op, channels, arguments, layer)
