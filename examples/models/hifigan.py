"""HiFi-GAN's generator, a small one: from a mel spectrogram to sound, each kernel under weight_norm.

``parity compare hifigan:make_torch hifigan:ported --input 1,20,12``
"""

from __future__ import annotations

from typing import Any

import keras
import torch
from keras import layers
from torch import nn
from torch.nn.functional import leaky_relu
from torch.nn.utils.parametrizations import weight_norm
from weights import as_if_trained, port

INPUT = (1, 20, 12)
WIDTH = 32
UPSAMPLINGS = ((8, 4), (4, 2))
"""Kernel and stride of each."""
KERNELS = (3, 7)
"""Of the residual blocks whose mean is taken after each upsampling."""
DILATIONS = (1, 3, 5)
SLOPE = 0.1


class Residual(nn.Module):  # type: ignore[misc] # it is Any
    """Add to its input what pairs of convolutions make of it, the first of each dilated."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        given = {"kernel_size": kernel, "padding": "same"}
        self.dilated = nn.ModuleList(
            weight_norm(nn.Conv1d(width, width, dilation=dilation, **given)) for dilation in DILATIONS
        )
        self.plain = nn.ModuleList(weight_norm(nn.Conv1d(width, width, **given)) for _ in DILATIONS)

    def forward(self, x: Any) -> Any:  # noqa: ANN401 - tensors
        """Apply the pairs in turn."""
        for dilated, plain in zip(self.dilated, self.plain, strict=True):
            x = x + plain(leaky_relu(dilated(leaky_relu(x, SLOPE)), SLOPE))
        return x


class Generator(nn.Module):  # type: ignore[misc] # it is Any
    """Upsample, and mix with residual blocks of several kernels."""

    def __init__(self) -> None:
        super().__init__()
        self.first = weight_norm(nn.Conv1d(INPUT[1], WIDTH, 7, padding=3))
        self.ups, self.blocks = nn.ModuleList(), nn.ModuleList()
        width = WIDTH
        for kernel, stride in UPSAMPLINGS:
            padding = (kernel - stride) // 2
            self.ups.append(weight_norm(nn.ConvTranspose1d(width, width // 2, kernel, stride, padding)))
            width //= 2
            self.blocks.append(nn.ModuleList(Residual(width, size) for size in KERNELS))
        self.last = weight_norm(nn.Conv1d(width, 1, 7, padding=3))

    def forward(self, x: Any) -> Any:  # noqa: ANN401 - tensors
        """Return sound of one channel."""
        x = self.first(x)
        for up, blocks in zip(self.ups, self.blocks, strict=True):
            x = up(leaky_relu(x, SLOPE))
            x = sum(block(x) for block in blocks) / len(KERNELS)
        return torch.tanh(self.last(leaky_relu(x)))


def make_torch() -> Any:  # noqa: ANN401 - a module
    torch.manual_seed(0)
    return as_if_trained(Generator())


def make_keras() -> Any:  # noqa: ANN401 - a model of Keras
    inputs = keras.Input((INPUT[2], INPUT[1]))
    x = layers.Conv1D(WIDTH, 7, padding="same", name="first")(inputs)
    width = WIDTH
    for number, (kernel, stride) in enumerate(UPSAMPLINGS):
        width //= 2
        # "same" drops kernel - stride elements, which is even here: half of them on either side.
        x = layers.LeakyReLU(SLOPE)(x)
        x = layers.Conv1DTranspose(width, kernel, stride, "same", name=f"ups.{number}")(x)
        x = layers.Average()(
            [_residual(x, width, size, f"blocks.{number}.{which}") for which, size in enumerate(KERNELS)]
        )
    # The last activation is written without a slope in PyTorch: that is neither SLOPE nor Keras's 0.3.
    x = layers.LeakyReLU(0.01)(x)
    x = layers.Conv1D(1, 7, padding="same", activation="tanh", name="last")(x)
    return keras.Model(inputs, x)


def ported() -> Any:  # noqa: ANN401 - a model of Keras
    return port(make_torch(), make_keras())


def _residual(x: Any, width: int, kernel: int, name: str) -> Any:  # noqa: ANN401 - Keras's tensors
    for number, dilation in enumerate(DILATIONS):
        made = layers.LeakyReLU(SLOPE)(x)
        dilated = f"{name}.dilated.{number}"
        made = layers.Conv1D(width, kernel, padding="same", dilation_rate=dilation, name=dilated)(made)
        made = layers.LeakyReLU(SLOPE)(made)
        made = layers.Conv1D(width, kernel, padding="same", name=f"{name}.plain.{number}")(made)
        x = layers.Add()([x, made])
    return x
