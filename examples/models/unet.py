"""A U-Net of two levels, on sizes that do not halve evenly.

``parity compare unet:make_torch unet:ported --input 1,3,34,38``
"""

from __future__ import annotations

from typing import Any

import keras
import torch
from keras import layers
from torch import nn
from weights import as_if_trained, port

INPUT = (1, 3, 34, 38)


class UNet(nn.Module):  # type: ignore[misc] # it is Any
    """Halve 34x38 to 17x19 and to 9x10, and double that again."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = _torch_block(INPUT[1], 8)
        self.pool = nn.MaxPool2d(2)
        self.inner = _torch_block(8, 16)
        self.down = nn.Conv2d(16, 16, 3, stride=2, padding=1)
        self.bottom = _torch_block(16, 32)
        self.up_inner = nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1)
        self.merge_inner = _torch_block(32, 16)
        self.up_outer = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.merge_outer = _torch_block(16, 8)
        self.head = nn.Conv2d(8, 2, 1)

    def forward(self, x: Any) -> Any:  # noqa: ANN401 - tensors
        """Return two logits for each pixel."""
        outer = self.outer(x)
        inner = self.inner(self.pool(outer))
        x = self.up_inner(self.bottom(torch.relu(self.down(inner))))
        x = x[:, :, : inner.shape[2], : inner.shape[3]]  # 18x20 beside 17x19
        x = self.merge_inner(torch.cat([inner, x], dim=1))
        x = self.merge_outer(torch.cat([outer, self.up_outer(x)], dim=1))
        return self.head(x)


def make_torch() -> Any:  # noqa: ANN401 - a module
    torch.manual_seed(0)
    return as_if_trained(UNet())


def make_keras() -> Any:  # noqa: ANN401 - a model of Keras
    inputs = keras.Input((*INPUT[2:], INPUT[1]))
    outer = _keras_block(inputs, 8, "outer")
    inner = _keras_block(layers.MaxPooling2D(2)(outer), 16, "inner")
    # On 17x19 "same" would pad 1 on either side too, and on even sizes the end only: written out, it
    # is padding=1 on all.
    x = layers.ZeroPadding2D(1)(inner)
    x = layers.Conv2D(16, 3, 2, activation="relu", name="down")(x)
    x = _keras_block(x, 32, "bottom")
    # "valid" gives 19x21. PyTorch's padding and output padding of 1 leave out the first row and column,
    # where "same" leaves out the last; and the last are cut off here too, as the skip has but 17x19.
    x = layers.Conv2DTranspose(16, 3, 2, name="up_inner")(x)
    x = layers.Cropping2D(((1, 1), (1, 1)))(x)
    x = _keras_block(layers.Concatenate()([inner, x]), 16, "merge_inner")
    x = layers.Conv2DTranspose(8, 2, 2, name="up_outer")(x)
    x = _keras_block(layers.Concatenate()([outer, x]), 8, "merge_outer")
    return keras.Model(inputs, layers.Conv2D(2, 1, name="head")(x))


def ported() -> Any:  # noqa: ANN401 - a model of Keras
    return port(make_torch(), make_keras())


def _torch_block(channels: int, width: int) -> Any:  # noqa: ANN401 - a module
    parts: list[Any] = []
    for taken in (channels, width):
        parts += [nn.Conv2d(taken, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*parts)


def _keras_block(x: Any, width: int, name: str) -> Any:  # noqa: ANN401 - Keras's tensors
    for number in (0, 3):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"{name}.{number}")(x)
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}.{number + 1}")(x)
        x = layers.ReLU()(x)
    return x
