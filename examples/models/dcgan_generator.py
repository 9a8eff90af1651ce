"""DCGAN's generator: transposed convolutions, from 1x1 to an image.

``parity compare dcgan_generator:make_torch dcgan_generator:ported --input 1,16,1,1``
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import keras
import torch
from keras import layers
from torch import nn
from weights import as_if_trained, port

INPUT = (1, 16, 1, 1)
WIDTHS = (32, 16, 8)


def make_torch() -> Any:  # noqa: ANN401 - a module
    torch.manual_seed(0)
    parts: OrderedDict[str, Any] = OrderedDict()
    channels = INPUT[1]
    for number, width in enumerate(WIDTHS):
        stride, padding = (2, 1) if number else (1, 0)
        parts[f"up{number}"] = nn.ConvTranspose2d(channels, width, 4, stride, padding, bias=False)
        parts[f"norm{number}"] = nn.BatchNorm2d(width)
        parts[f"relu{number}"] = nn.ReLU()
        channels = width
    parts["image"] = nn.ConvTranspose2d(channels, 3, 4, 2, 1, bias=False)
    parts["tanh"] = nn.Tanh()
    return as_if_trained(nn.Sequential(parts))


def make_keras() -> Any:  # noqa: ANN401 - a model of Keras
    x = inputs = keras.Input((1, 1, INPUT[1]))
    for number, width in enumerate(WIDTHS):
        # "same" drops kernel - stride elements, of 4 and 2 one on either side: here that is padding=1.
        # Of a kernel of 3 it would drop one at the end only, and PyTorch's padding=1 drops two.
        strides, padding = (2, "same") if number else (1, "valid")
        name = f"up{number}"
        x = layers.Conv2DTranspose(width, 4, strides, padding, use_bias=False, name=name)(x)
        # PyTorch's momentum of 0.1 is Keras's 0.9, and its epsilon is not Keras's 1e-3.
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"norm{number}")(x)
        x = layers.ReLU()(x)
    x = layers.Conv2DTranspose(3, 4, 2, "same", use_bias=False, activation="tanh", name="image")(x)
    return keras.Model(inputs, x)


def ported() -> Any:  # noqa: ANN401 - a model of Keras
    return port(make_torch(), make_keras())
