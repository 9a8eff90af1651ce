"""Which windows the functions of JAX and the layers of Flax have, by their own arguments."""

from __future__ import annotations

from parity.frameworks.window_rule import Reads, WindowRule, pair

_CONV = ("jax.lax.conv_general_dilated", "flax.linen.Conv", "flax.nnx.Conv")
_TRANSPOSED = ("jax.lax.conv_transpose", "flax.linen.ConvTranspose", "flax.nnx.ConvTranspose")
_PADS = Reads(("p", "r"), pair)
_OF_CONV = "https://docs.jax.dev/en/latest/_autosummary/jax.lax.conv_general_dilated.html"
_OF_TRANSPOSED = "https://docs.jax.dev/en/latest/_autosummary/jax.lax.conv_transpose.html"
_OF_FLAX = "https://flax.readthedocs.io/en/latest/api_reference/flax.linen/layers.html"

WINDOWS = (
    WindowRule(
        _CONV, "padding=((p, r), …)", {"padding": _PADS}, "p", "max((n + p + r - e)//s + 1, 0)", _OF_CONV
    ),
    WindowRule(_CONV, "padding='VALID'", {"padding": "VALID"}, "0", "max((n - e)//s + 1, 0)", _OF_CONV),
    WindowRule(
        _CONV, "padding='SAME'", {"padding": "SAME"}, "max((m - 1)*s + e - n, 0)//2", "ceil(n/s)", _OF_CONV
    ),
    WindowRule(
        _CONV,
        "padding='SAME_LOWER'",
        {"padding": "SAME_LOWER"},
        "(max((m - 1)*s + e - n, 0) + 1)//2",
        "ceil(n/s)",
        _OF_CONV,
    ),
    WindowRule(_CONV, "padding='CAUSAL'", {"padding": "CAUSAL"}, "e - 1", "(n - 1)//s + 1", _OF_FLAX),
    WindowRule(
        _CONV, "padding='CIRCULAR'", {"padding": "CIRCULAR"}, "(e - 1)//2", "(n - 1)//s + 1", _OF_FLAX
    ),
    WindowRule(_CONV, "padding='REFLECT'", {"padding": "REFLECT"}, "(e - 1)//2", "(n - 1)//s + 1", _OF_FLAX),
    WindowRule(
        _TRANSPOSED,
        "padding=((p, r), …), use_consistent_padding=True",
        {"padding": _PADS, "use_consistent_padding": True},
        "p",
        "L - p - r",
        _OF_TRANSPOSED,
    ),
    WindowRule(
        _TRANSPOSED,
        "padding=((p, r), …)",
        {"padding": _PADS, "use_consistent_padding": None},
        "e - 1 - p",
        "L - 2*(e - 1) + p + r",
        _OF_TRANSPOSED,
    ),
    WindowRule(_TRANSPOSED, "padding='SAME'", {"padding": "SAME"}, "max(e - s, 0)//2", "n*s", _OF_TRANSPOSED),
    WindowRule(
        _TRANSPOSED,
        "padding='VALID'",
        {"padding": "VALID"},
        "0",
        "(n - 1)*s + max(e, s)",
        _OF_TRANSPOSED,
    ),
)
