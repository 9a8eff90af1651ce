"""A WaveNet: gated convolutions that are causal and dilated, so that no output hears what comes later.

``parity compare wavenet:make_torch wavenet:ported --input 1,1,40``
"""

from __future__ import annotations

from typing import Any

import keras
import torch
from keras import layers
from torch import nn
from torch.nn.functional import pad
from weights import as_if_trained, port

INPUT = (1, 1, 40)
WIDTH, SKIP, LEVELS = 8, 12, 16
DILATIONS = (1, 2, 4, 8)


class Layer(nn.Module):  # type: ignore[misc] # it is Any
    """A gated convolution, whose output goes to the end and, but for the last layer's, to the next layer."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.before = dilation  # (kernel - 1) * dilation
        self.signal = nn.Conv1d(WIDTH, WIDTH, 2, dilation=dilation)
        self.gate = nn.Conv1d(WIDTH, WIDTH, 2, dilation=dilation)
        self.residual = nn.Conv1d(WIDTH, WIDTH, 1) if dilation < DILATIONS[-1] else None
        self.skip = nn.Conv1d(WIDTH, SKIP, 1)

    def forward(self, x: Any) -> Any:  # noqa: ANN401 - tensors
        """Return the next layer's input, and the share of the end."""
        padded = pad(x, (self.before, 0))
        gated = torch.tanh(self.signal(padded)) * torch.sigmoid(self.gate(padded))
        return x if self.residual is None else x + self.residual(gated), self.skip(gated)


class WaveNet(nn.Module):  # type: ignore[misc] # it is Any
    """Layers whose dilation doubles, and two convolutions of one element on the sum of what they found."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(INPUT[1], WIDTH, 2)
        self.layers = nn.ModuleList(Layer(dilation) for dilation in DILATIONS)
        self.mix = nn.Conv1d(SKIP, SKIP, 1)
        self.last = nn.Conv1d(SKIP, LEVELS, 1)

    def forward(self, x: Any) -> Any:  # noqa: ANN401 - tensors
        """Return the logits of the levels that may come next, at each time."""
        x = self.first(pad(x, (1, 0)))
        total = 0
        for layer in self.layers:
            x, skip = layer(x)
            total = total + skip
        return self.last(torch.relu(self.mix(torch.relu(total))))


def make_torch() -> Any:  # noqa: ANN401 - a module
    torch.manual_seed(0)
    return as_if_trained(WaveNet())


def make_keras() -> Any:  # noqa: ANN401 - a model of Keras
    inputs = keras.Input((INPUT[2], INPUT[1]))
    x = layers.Conv1D(WIDTH, 2, padding="causal", name="first")(inputs)
    skips = []
    for number, dilation in enumerate(DILATIONS):
        name = f"layers.{number}"
        # "causal" is all of the padding in front, (kernel - 1) * dilation; "same" would put half behind.
        given = {"padding": "causal", "dilation_rate": dilation}
        signal = layers.Conv1D(WIDTH, 2, activation="tanh", name=f"{name}.signal", **given)(x)
        gate = layers.Conv1D(WIDTH, 2, activation="sigmoid", name=f"{name}.gate", **given)(x)
        gated = layers.Multiply()([signal, gate])
        if dilation < DILATIONS[-1]:
            x = layers.Add()([x, layers.Conv1D(WIDTH, 1, name=f"{name}.residual")(gated)])
        skips.append(layers.Conv1D(SKIP, 1, name=f"{name}.skip")(gated))
    x = layers.ReLU()(layers.Add()(skips))
    x = layers.Conv1D(SKIP, 1, activation="relu", name="mix")(x)
    return keras.Model(inputs, layers.Conv1D(LEVELS, 1, name="last")(x))


def ported() -> Any:  # noqa: ANN401 - a model of Keras
    return port(make_torch(), make_keras())
