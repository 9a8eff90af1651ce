"""Layers of ``keras.layers`` that their user has made, as the calls that make such ones."""

from __future__ import annotations

from typing import Any

from convmm.geometry import shown
from parity.frameworks.code.expression import parse_call
from parity.frameworks.code.layer import Layer, layer
from parity.frameworks.code.live import LiveError
from parity.frameworks.keras.chain import read_chain
from parity.frameworks.keras.installation import load
from parity.frameworks.keras.read import CLASSES
from parity.frameworks.keras.separable import LINKS as SEPARABLE
from parity.frameworks.keras.steps import LINKS as STEPS

_HOME = "keras.src.layers.convolutional."
_BY_DEFAULT: dict[str, object] = {
    "padding": "valid",
    "data_format": "channels_last",
    "groups": 1,
    "depth_multiplier": 1,
    "use_bias": True,
    "output_padding": None,
}


_NOT_COMPUTING = ("name", "trainable", "dtype", "seed", "noise_shape")
_OF_TRAINING = ("_initializer", "_regularizer", "_constraint")
"""What the configuration of a layer says beside what it computes, and how such names end."""


def text_of(made: Any) -> str:
    """Return the expression that makes such a layer: a convolution, one without weights, or a chain.

    Raises:
        LiveError: it is none of these, or something has been done to it.
    """
    kind = type(made)
    if kind.__module__.startswith("keras.src.models.") and kind.__name__ == "Sequential":
        _check_unchanged("keras.Sequential", made)
        first = [f"keras.layers.Input({tuple(made.input_shape[1:])!r})"] if made.built else []
        return f"keras.Sequential([{', '.join([*first, *map(text_of, made.layers)])}])"
    if kind.__module__.startswith("keras.src.layers.") and kind.__name__ in STEPS | SEPARABLE.keys():
        text = _text_by_configuration(made)
        if kind.__name__ in SEPARABLE and made.built:  # whose channels no argument of it carries
            return f"keras.Sequential([keras.layers.Input({_input_shape(made)!r}), {text}])"
        return text
    return repr(call_of(made))


def _text_by_configuration(made: Any) -> str:
    name = f"keras.layers.{type(made).__name__}"
    _check_unchanged(name, made)
    if hasattr(made, "activation"):
        _activation(name, made.activation)
    given = [f"{each}={value!r}" for each, value in _computing(made).items() if value is not None]
    if made.dtype_policy.name != "float32":
        given.append(f"dtype={made.dtype_policy.name!r}")
    text = f"{name}({', '.join(given)})"
    [link] = read_chain(parse_call(text)).links
    if link.layer is not None and _computing(link.layer.call()) != _computing(made):
        raise LiveError(f"this {name} is another than {text} makes")
    return text


def _computing(made: Any) -> dict[str, Any]:
    """Return what a layer's configuration says of what it computes."""
    return {
        each: value
        for each, value in made.get_config().items()
        if each not in _NOT_COMPUTING and not each.endswith(_OF_TRAINING)
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
            f"{kind.__module__}.{kind.__qualname__} is {what}: allowed are {', '.join(CLASSES)} themselves, "
            "layers without weights that a chain has, and keras.Sequential of these"
        )
    name = f"keras.layers.{kind.__name__}"
    if getattr(made, "lora_enabled", False):
        raise LiveError(f"this {name} has LoRA enabled, and its kernel is a sum: give a layer without")
    _check_unchanged(name, made)
    return _call(name, made)


def _check_unchanged(name: str, made: Any) -> None:
    own = next((each for each in ("call", "convolution_op") if each in vars(made)), None)
    if own is not None:
        raise LiveError(f"this {name} has a {own} of its own, which may change what it computes")


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
