"""Which windows TensorFlow's functions have, by their own arguments."""

from __future__ import annotations

from typing import Any

from parity.frameworks.window_rule import Reads, WindowRule

_CONV, _TRANSPOSED = ("tensorflow.nn.conv?d",), ("tensorflow.nn.conv?d_transpose",)
_SOURCE = "https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2"


def _inner(value: Any, axis: int, _rank: int) -> tuple[int, ...]:
    """Read one pair for each axis between those of the batch and the channels."""
    before, after = value[axis + 1]
    return before, after


def _size(value: Any, axis: int, _rank: int) -> tuple[int, ...]:
    """Read the sizes between those of the batch and the channels."""
    return (value[axis + 1],)


_PADS, _M = Reads(("p", "r"), _inner), Reads(("z",), _size)

WINDOWS = (
    WindowRule(_CONV, "padding='VALID'", {"padding": "VALID"}, "0", "(n - e)//s + 1", _SOURCE),
    WindowRule(
        _CONV, "padding='SAME'", {"padding": "SAME"}, "max((m - 1)*s + e - n, 0)//2", "ceil(n/s)", _SOURCE
    ),
    WindowRule(_CONV, "padding=[…, [p, r], …]", {"padding": _PADS}, "p", "(n + p + r - e)//s + 1", _SOURCE),
    WindowRule(
        _TRANSPOSED,
        "padding='VALID', output_shape=z",
        {"padding": "VALID", "output_shape": _M},
        "0",
        "z",
        _SOURCE,
    ),
    WindowRule(
        _TRANSPOSED,
        "padding='SAME', output_shape=z",
        {"padding": "SAME", "output_shape": _M},
        "max((ceil(m/s) - 1)*s + e - m, 0)//2",
        "z",
        _SOURCE,
    ),
    WindowRule(
        _TRANSPOSED,
        "padding=[…, [p, r], …], output_shape=z",
        {"padding": _PADS, "output_shape": _M},
        "p",
        "z",
        _SOURCE,
    ),
)
