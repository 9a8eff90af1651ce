"""DCGAN's discriminator: strided convolutions, from an image to a number.

``parity compare dcgan_discriminator:make_torch dcgan_discriminator:ported --input 1,3,32,32``
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import keras
import torch
from keras import layers
from torch import nn
from weights import as_if_trained, port

INPUT = (1, 3, 32, 32)
WIDTHS = (8, 16, 32)


def make_torch() -> Any:  # noqa: ANN401 - a module
    torch.manual_seed(0)
    parts: OrderedDict[str, Any] = OrderedDict()
    channels = INPUT[1]
    for number, width in enumerate(WIDTHS):
        parts[f"down{number}"] = nn.Conv2d(channels, width, 4, 2, 1, bias=False)
        if number:
            parts[f"norm{number}"] = nn.BatchNorm2d(width)
        parts[f"leaky{number}"] = nn.LeakyReLU(0.2)
        channels = width
    parts["verdict"] = nn.Conv2d(channels, 1, 4, bias=False)
    parts["sigmoid"] = nn.Sigmoid()
    return as_if_trained(nn.Sequential(parts))


def make_keras() -> Any:  # noqa: ANN401 - a model of Keras
    x = inputs = keras.Input((*INPUT[2:], INPUT[1]))
    for number, width in enumerate(WIDTHS):
        # Of even sizes, a kernel of 4 and a stride of 2, "same" pads 1 on either side, as padding=1 does.
        # With a kernel of 3 it would pad the end only, and every window would stand one element later.
        x = layers.Conv2D(width, 4, 2, "same", use_bias=False, name=f"down{number}")(x)
        if number:
            x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"norm{number}")(x)
        x = layers.LeakyReLU(0.2)(x)  # Keras's own slope is 0.3, and PyTorch's 0.01
    x = layers.Conv2D(1, 4, use_bias=False, activation="sigmoid", name="verdict")(x)
    return keras.Model(inputs, x)


def ported() -> Any:  # noqa: ANN401 - a model of Keras
    return port(make_torch(), make_keras())
