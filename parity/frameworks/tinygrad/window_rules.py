"""Which windows tinygrad's layers have, by their own arguments."""

from __future__ import annotations

from typing import Any

from parity.frameworks.window_rule import Reads, WindowRule

_SOURCE = "https://docs.tinygrad.org/nn/, and measured"


def _last_first(value: Any, axis: int, rank: int) -> tuple[int, ...]:
    """Read one int, one for each axis, or for each axis the number before and after, the last axis first."""
    if isinstance(value, int):
        return value, value
    if len(value) == rank:
        return value[axis], value[axis]
    at = 2 * (rank - 1 - axis)
    return value[at], value[at + 1]


_PADS, _Q = Reads(("p", "r"), _last_first), Reads(("q",), otherwise=(0,))
_CONV, _TRANSPOSED = ("tinygrad.nn.Conv?d",), ("tinygrad.nn.ConvTranspose?d",)

WINDOWS = (
    WindowRule(_CONV, "padding='same'", {"padding": "same"}, "(e - 1)//2", "n", _SOURCE),
    WindowRule(_CONV, "padding=(…, p, r)", {"padding": _PADS}, "p", "(n + p + r - e)//s + 1", _SOURCE),
    WindowRule(
        _TRANSPOSED,
        "padding=(…, p, r), output_padding=q",
        {"padding": _PADS, "output_padding": _Q},
        "p",
        "L - p - r + q",
        _SOURCE,
    ),
)
