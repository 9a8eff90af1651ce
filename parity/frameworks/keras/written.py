"""Keras layers that their user has made, as code."""

from __future__ import annotations

import sys
from typing import Any

_ARGUMENTS = (
    "filters",
    "depth_multiplier",
    "kernel_size",
    "strides",
    "padding",
    "output_padding",
    "data_format",
    "dilation_rate",
    "groups",
    "activation",
    "use_bias",
    "cropping",
)
"""Those of a layer's arguments that say what it computes of given weights."""


def owns(thing: object) -> bool:
    """Return whether it is a layer; where Keras is not imported there is none."""
    keras: Any = sys.modules.get("keras")
    return keras is not None and isinstance(thing, keras.Layer)


def written(layer: Any) -> str:
    """Write the call that makes it, with the arguments that matter; of a model the calls of its layers."""
    inner = getattr(layer, "layers", None)
    if inner:
        return f"{type(layer).__name__}([{', '.join(map(written, inner))}])"
    found = {name: getattr(layer, name) for name in _ARGUMENTS if hasattr(layer, name)}
    named = {name: getattr(value, "__name__", value) for name, value in found.items()}
    return f"{type(layer).__name__}({', '.join(f'{name}={value!r}' for name, value in named.items())})"


def is_depthwise_layer(layer: Any) -> bool:
    """Return whether it is a depthwise layer, or a model that has one."""
    own = hasattr(layer, "depth_multiplier") and not hasattr(layer, "filters")  # a separable one has both
    return own or any(map(is_depthwise_layer, getattr(layer, "layers", ())))
