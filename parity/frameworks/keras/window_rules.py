"""Which windows Keras's layers and functions have, by their own arguments."""

from __future__ import annotations

from parity.frameworks.window_rule import Reads, WindowRule

_CONV = (
    "keras.layers.Conv?D",
    "keras.layers.DepthwiseConv?D",
    "keras.layers.SeparableConv?D",
    "keras.ops.conv",
    "keras.ops.depthwise_conv",
    "keras.ops.separable_conv",
)
_TRANSPOSED = ("keras.layers.Conv?DTranspose", "keras.ops.conv_transpose")
_Q = Reads(("q",))
_DOCUMENTED = "https://keras.io/api/layers/convolution_layers/convolution2d/"
_MEASURED = "measured: of odd kernels the documentation says it, of even ones the size is for output_padding"

WINDOWS = (
    WindowRule(_CONV, "padding='valid'", {"padding": "valid"}, "0", "(n - e)//s + 1", _DOCUMENTED),
    WindowRule(
        _CONV,
        "padding='same'",
        {"padding": "same"},
        "max((m - 1)*s + e - n, 0)//2",
        "ceil(n/s)",
        "https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2",
    ),
    WindowRule(_CONV, "padding='causal'", {"padding": "causal"}, "e - 1", "(n - 1)//s + 1", _DOCUMENTED),
    WindowRule(
        _TRANSPOSED,
        "padding='valid'",
        {"padding": "valid", "output_padding": None},
        "0",
        "(n - 1)*s + max(e, s)",
        "https://keras.io/api/layers/convolution_layers/convolution2d_transpose/",
    ),
    WindowRule(
        _TRANSPOSED,
        "padding='valid', output_padding=q",
        {"padding": "valid", "output_padding": _Q},
        "0",
        "L + q",
        "https://keras.io/api/layers/convolution_layers/convolution2d_transpose/",
    ),
    WindowRule(
        _TRANSPOSED,
        "padding='same'",
        {"padding": "same", "output_padding": None},
        "max(L - m, 0)//2",
        "n*s",
        "https://keras.io/api/layers/convolution_layers/convolution2d_transpose/",
    ),
    WindowRule(
        _TRANSPOSED,
        "padding='same', output_padding=q",
        {"padding": "same", "output_padding": _Q},
        "max(L - m, 0)//2",
        "(n - 1)*s + e%2 + q",
        _MEASURED,
    ),
)
