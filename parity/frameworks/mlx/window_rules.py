"""Which windows MLX's layers and its one function have, by their own arguments."""

from __future__ import annotations

from typing import Any

from parity.frameworks.window_rule import Reads, WindowRule

_CONV = ("mlx.nn.Conv?d", "mlx.core.conv?d")
_TRANSPOSED = ("mlx.nn.ConvTranspose?d", "mlx.core.conv_transpose?d")
_P, _Q = Reads(("p",)), Reads(("q",), otherwise=(0,))
_SOURCE = "https://ml-explore.github.io/mlx/build/html/python/nn/layers.html; beyond it measured"
_GENERAL = "https://ml-explore.github.io/mlx/build/html/python/_autosummary/mlx.core.conv_general.html"


def _ends(value: Any, axis: int, _rank: int) -> tuple[int, ...]:
    """Read a list of the numbers before, and one of those after."""
    before, after = value
    return before[axis], after[axis]


_PADS = Reads(("p", "r"), _ends)
_LEFT = "(e - 1 - p if p >= 0 else e - 1 - p*s)"
_RIGHT = "(e - 1 - r if r >= 0 else e - 1 - r*s)"
_LOW = "(p if e - 1 - p >= 0 else e - 1 - (e - 1 - p)*s)"

WINDOWS = (
    WindowRule(_CONV, "padding=p", {"padding": _P}, "p", "(n + 2*p - e)//s + 1", _SOURCE),
    WindowRule(
        _TRANSPOSED,
        "padding=p, output_padding=q",
        {"padding": _P, "output_padding": _Q},
        _LOW,
        f"L - {_LOW} - (p - q if e - 1 - p + q >= 0 else e - 1 - (e - 1 - p + q)*s)",
        _SOURCE,
    ),
    WindowRule(
        ("mlx.core.conv_general",),
        "padding=([p…], [r…]), input_dilation=s",
        {"padding": _PADS, "flip": True},
        _LEFT,
        f"L - {_LEFT} - {_RIGHT}",
        _GENERAL,
    ),
    WindowRule(
        ("mlx.core.conv_general",),
        "padding=([p…], [r…])",
        {"padding": _PADS, "flip": None},
        "p",
        "(n + p + r - e)//s + 1",
        _GENERAL,
    ),
)
