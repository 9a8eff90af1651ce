"""Which windows torch's layers and functions have, by their own arguments."""

from __future__ import annotations

from parity.frameworks.window_rule import Reads, WindowRule

_CONV = ("torch.nn.Conv?d", "torch.nn.functional.conv?d")
_TRANSPOSED = ("torch.nn.ConvTranspose?d", "torch.nn.functional.conv_transpose?d")
_P, _Q = Reads(("p",)), Reads(("q",), otherwise=(0,))
_DOCUMENTED = "https://docs.pytorch.org/docs/stable/generated/torch.nn.{}.html"
_OF_CONV, _OF_TRANSPOSED = (_DOCUMENTED.format(name) for name in ("Conv2d", "ConvTranspose2d"))

WINDOWS = (
    WindowRule(_CONV, "padding=p", {"padding": _P}, "p", "(n + 2*p - e)//s + 1", _OF_CONV),
    WindowRule(_CONV, "padding='valid'", {"padding": "valid"}, "0", "(n - e)//s + 1", _OF_CONV),
    WindowRule(_CONV, "padding='same'", {"padding": "same"}, "(e - 1)//2", "n", _OF_CONV),
    WindowRule(
        _TRANSPOSED,
        "padding=p, output_padding=q",
        {"padding": _P, "output_padding": _Q},
        "p",
        "L - 2*p + q",
        _OF_TRANSPOSED,
    ),
)
