"""Which windows the nodes of ONNX have, by their attributes, and of ConvTranspose by engine."""

from __future__ import annotations

from parity.frameworks.window_rule import Reads, WindowRule, halves

_CONV, _TRANSPOSED = ("onnx.Conv",), ("onnx.ConvTranspose",)
_OF_CONV = "https://onnx.ai/onnx/operators/onnx__Conv.html"
_OF_TRANSPOSED = "https://onnx.ai/onnx/operators/onnx__ConvTranspose.html"
_MEASURED = "measured: the operator's text leaves it open, or says another thing"
_PADS, _Z = Reads(("p", "r"), halves, (0, 0)), Reads(("z",))
_Q = {"output_padding": Reads(("q",), otherwise=(0,))}
_LOWER = "(max((m - 1)*s + e - n, 0) + 1)//2"

_CONVOLUTIONS = (
    WindowRule(
        _CONV,
        "pads=[p…, r…]",
        {"pads": _PADS, "auto_pad": None},
        "p",
        "(n + p + r - e)//s + 1",
        _OF_CONV,
    ),
    WindowRule(_CONV, "auto_pad='VALID'", {"auto_pad": "VALID"}, "0", "(n - e)//s + 1", _OF_CONV),
    WindowRule(
        _CONV,
        "auto_pad='SAME_UPPER'",
        {"auto_pad": "SAME_UPPER"},
        "max((m - 1)*s + e - n, 0)//2",
        "ceil(n/s)",
        _OF_CONV,
    ),
    WindowRule(_CONV, "auto_pad='SAME_LOWER'", {"auto_pad": "SAME_LOWER"}, _LOWER, "ceil(n/s)", _OF_CONV),
)

BY_PADS = (
    *_CONVOLUTIONS,
    WindowRule(
        _TRANSPOSED,
        "pads=[p…, r…], output_padding=q",
        {"pads": _PADS, "auto_pad": None, "output_shape": None, **_Q},
        "p",
        "L + q - p - r",
        _OF_TRANSPOSED,
    ),
    WindowRule(
        _TRANSPOSED,
        "auto_pad='VALID', output_padding=q",
        {"auto_pad": "VALID", "output_shape": None, **_Q},
        "0",
        "L + q",
        _OF_TRANSPOSED,
    ),
)
"""What all engines agree on."""


def _same(upper: str, lower: str, size: str, source: str = _MEASURED) -> tuple[WindowRule, ...]:
    """Return the rules of SAME_* without an output_shape."""
    return tuple(
        WindowRule(
            _TRANSPOSED,
            f"auto_pad={name!r}, output_padding=q",
            {"auto_pad": name, "output_shape": None, **_Q},
            begin,
            size,
            source,
        )
        for name, begin in (("SAME_UPPER", upper), ("SAME_LOWER", lower))
    )


def _sized(begins: dict[str | None, str]) -> tuple[WindowRule, ...]:
    """Return the rules of nodes with an output_shape, by their auto_pad."""
    return tuple(
        WindowRule(
            _TRANSPOSED,
            "output_shape=z, output_padding=q" if name is None else f"output_shape=z, auto_pad={name!r}",
            {"output_shape": _Z, "auto_pad": name, "pads": _PADS, **_Q},
            begin,
            "z",
            _MEASURED,
        )
        for name, begin in begins.items()
    )


_HALF, _REST = "max(L + q - z, 0)//2", "(max(L + q - z, 0) + 1)//2"
_SHORT = _same("max(L + q - n*s, 0)//2", "(max(L + q - n*s, 0) + 1)//2", "min(n*s, L + q)")

RUNTIME = (*BY_PADS, *_SHORT, *_sized({None: _REST, "SAME_UPPER": _HALF}))
"""ONNX Runtime's, from 1.15 on: before, SAME_UPPER and SAME_LOWER were exchanged."""

OPENVINO = (*BY_PADS, *_SHORT, *_sized({None: _REST, "SAME_UPPER": _REST}))

REFERENCE = (
    *BY_PADS,
    *_same("(L + q - n*s)//2", "L + q - n*s - (L + q - n*s)//2", "n*s"),
    *_sized({None: "p", "SAME_UPPER": "(L + q - z)//2"}),
)

TRACT = (
    *BY_PADS,
    *_same("(e - s + q)//2", "e - s + q - (e - s + q)//2", "n*s - q"),
    *_sized({None: "p"}),
)
