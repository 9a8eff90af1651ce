"""Layers of ``keras.layers`` that their user has made, as the calls that make such ones."""

from __future__ import annotations

from typing import Any

from convmm.geometry import shown
from parity.frameworks.code.layer import Layer, layer
from parity.frameworks.code.live import LiveError
from parity.frameworks.keras.installation import load
from parity.frameworks.keras.read import CLASSES

_HOME = "keras.src.layers.convolutional."
_BY_DEFAULT: dict[str, object] = {
    "padding": "valid",
    "data_format": "channels_last",
    "groups": 1,
    "depth_multiplier": 1,
    "use_bias": True,
    "output_padding": None,
}


def call_of(made: Any) -> Layer:
    """Return the call that makes such a layer, with what it computes by, of given weights.

    Raises:
        LiveError: it is no convolution of ``keras.layers``, or one that something has been done to.
    """
    kind = type(made)
    if not _is_known(kind):
        of = next((f" of keras.layers.{each.__name__}" for each in kind.__mro__ if _is_known(each)), "")
        what = f"a subclass{of}, which may compute something else" if of else "no convolution of keras.layers"
        raise LiveError(
            f"{kind.__module__}.{kind.__qualname__} is {what}: allowed are {', '.join(CLASSES)} themselves"
        )
    name = f"keras.layers.{kind.__name__}"
    if getattr(made, "lora_enabled", False):
        raise LiveError(f"this {name} has LoRA enabled, and its kernel is a sum: give a layer without")
    if "call" in vars(made):
        raise LiveError(f"this {name} has a call of its own, which may change what it computes")
    return _call(name, made)


def _is_known(kind: type) -> bool:
    return kind.__module__.startswith(_HOME) and kind.__name__ in CLASSES


def _call(name: str, made: Any) -> Layer:
    ones = (1,) * len(made.kernel_size)
    by_default = _BY_DEFAULT | dict.fromkeys(("strides", "dilation_rate"), ones)
    found = {argument: getattr(made, argument, default) for argument, default in by_default.items()}
    keywords = {argument: value for argument, value in found.items() if value != by_default[argument]}
    activation = _activation(name, made.activation)
    if activation != "linear":
        keywords["activation"] = activation
    if made.dtype_policy.name != "float32":
        keywords["dtype"] = made.dtype_policy.name
    if made.built:
        keywords["input_shape"] = _input_shape(made)
    filters = (made.filters,) if hasattr(made, "filters") else ()
    return layer(name, *filters, made.kernel_size, **keywords)


def _activation(name: str, activation: Any) -> str:
    """Return the name by which Keras knows this activation."""
    known, called = load().activations, getattr(activation, "__name__", type(activation).__name__)
    if getattr(known, called, None) is not activation:
        raise LiveError(
            f"this {name} has the activation {shown(called)}, which is none of keras.activations: "
            "give the layer without it"
        )
    return str(called)


def _input_shape(made: Any) -> tuple[int | None, ...]:
    """Return the shape without the batch, which has the channels alone."""
    channels = made.input_spec.axes[1 if made.data_format == "channels_first" else -1]
    free = (None,) * len(made.kernel_size)
    return (channels, *free) if made.data_format == "channels_first" else (*free, channels)
