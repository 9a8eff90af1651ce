"""A port to Keras with padding="same", as people write it."""

from importlib import import_module
from typing import Any

import keras
from keras import layers


def net() -> Any:  # noqa: ANN401 - a model of Keras
    """Make the port, with the weights of its source."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.ZeroPadding2D(1),
            layers.Conv2D(8, 3, strides=2, activation="relu", name="conv"),
            layers.Conv2DTranspose(3, 3, strides=2, padding="same", name="deconv"),
        ]
    )
    source = import_module("mymodel").Net()
    for name, layer in (("conv", source.down), ("deconv", source.up)):
        kernel, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        model.get_layer(name).set_weights([kernel.transpose(2, 3, 1, 0), bias])
    return model
