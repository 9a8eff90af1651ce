"""A Keras layer that pads with elements of the input, which Keras itself has none for.

It is registered, and has a config: a model with it is saved and loaded as others are. What it reads is worked
out from the input's size, so that it holds for inputs of any size, and for pads wider than the input, which
TensorFlow's own ``pad`` refuses.
"""

from __future__ import annotations

from parity.cases.notation import Pads
from parity.frameworks.code.layer import Layer, layer

_CLASS = """\
@keras.saving.register_keras_serializable("convparity")
class {name}(keras.layers.Layer):
    def __init__(self, padding, data_format="channels_last", **kwargs):
        super().__init__(**kwargs)
        self.padding, self.data_format = padding, data_format

    def call(self, x):
        first = 2 if self.data_format == "channels_first" else 1
        for axis, (before, after) in enumerate(self.padding, first):
            size = keras.ops.shape(x)[axis]
            place = keras.ops.arange(-before, size + after, dtype="int32")
            {place}
            x = keras.ops.take(x, place, axis=axis)
        return x

    def get_config(self):
        return {{**super().get_config(), "padding": self.padding, "data_format": self.data_format}}"""

_PLACES = {
    "reflect": """\
period = keras.ops.maximum(2 * (size - 1), 1)  # there and back
            place = keras.ops.minimum(place % period, -place % period)""",
    "replicate": "place = keras.ops.clip(place, 0, size - 1)",
    "circular": "place = place % size",
}


def pad_class(mode: str) -> str:
    """Return the class whose layers pad by this mode, as code."""
    return _CLASS.format(name=_name(mode), place=_PLACES[mode])


def pad_layer(mode: str, pads: Pads, dtype: str, data_format: str) -> Layer:
    """Return the call that makes a layer of :func:`pad_class` with these pads, before and after each axis."""
    return layer(_name(mode), pads, data_format=data_format, dtype=dtype)


def _name(mode: str) -> str:
    return f"{mode.title()}Pad"
