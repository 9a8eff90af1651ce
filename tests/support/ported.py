"""A network of PyTorch and its port to Keras, right, or with one fault planted in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import torch
from torch import nn

from parity.cases.arrays import Array

SIZE = (2, 3, 32, 32)
"""Of the input; behind ``down`` there are as many channels as rows and columns."""


class Net(nn.Module):  # type: ignore[misc] # it is Any
    """Each kind of convolution that a port gets wrong."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.down = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.depthwise = nn.Conv2d(16, 32, 3, padding=1, groups=16)
        self.grouped = nn.Conv2d(32, 16, 3, padding=1, groups=4)
        self.dilated = nn.Conv2d(16, 16, 3, padding=2, dilation=2, bias=False)
        self.reflected = nn.Conv2d(16, 16, 3, padding=1, padding_mode="reflect")
        self.up = nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1)
        self.last = nn.Conv2d(8, 3, 1)
        for name, buffer in self.norm.named_buffers():
            if name.startswith("running"):
                buffer.uniform_(0.5, 1.5)
        self.eval()

    def forward(self, x: Any) -> Any:  # noqa: ANN401 - torch's tensors
        """Apply the layers in turn."""
        x = torch.relu(self.norm(self.first(x)))
        x = torch.relu(self.down(x))
        x = self.grouped(torch.relu(self.depthwise(x)))
        x = self.dilated(nn.functional.leaky_relu(x, 0.01))
        x = self.reflected(torch.relu(x))
        return torch.tanh(self.last(self.up(x)))


def port(fault: str = "") -> Any:  # noqa: ANN401, C901 - a network is long, and so are faults
    """Return the port of a new network, with one fault."""
    layers, source = keras.layers, Net()
    made: dict[str, Any] = {}

    def conv(name: str, filters: int, kernel: int, **given: Any) -> Any:  # noqa: ANN401 - Keras's
        kind = layers.Conv2DTranspose if name == "up" else layers.Conv2D
        made[name] = kind(filters, kernel, name=name, **given)
        return made[name]

    inputs = x = keras.Input(SIZE[2:] + SIZE[1:2])
    if fault == "channels of the input reversed":
        x = x[..., ::-1]
    if fault == "input rescaled":
        x = layers.Rescaling(1 / 255)(x)
    x = conv("first", 8, 3, padding="valid" if fault == "padding lost" else "same")(x)
    norm = layers.BatchNormalization(epsilon=1e-3 if fault == "epsilon of the norm" else 1e-5, name="norm")
    x = norm(x)
    if fault != "activation lost":
        x = layers.ReLU()(x)
    stride = 1 if fault == "stride lost" else 2
    if fault == "same in place of padding 1":
        x = conv("down", 16, 3, strides=2, padding="same", activation="relu")(x)
    else:
        x = conv("down", 16, 3, strides=stride, activation="relu")(layers.ZeroPadding2D(1)(x))
    made["depthwise"] = layers.DepthwiseConv2D(
        3, depth_multiplier=2, padding="same", activation="relu", name="depthwise"
    )
    x = made["depthwise"](x)
    groups = 2 if fault == "groups" else 4
    x = conv("grouped", 16, 3, padding="same", groups=groups)(x)
    x = layers.LeakyReLU(0.3 if fault == "slope of an activation" else 0.01)(x)
    if fault == "activation in between":
        x = layers.Activation("tanh")(x)
    dilation = 1 if fault == "dilation lost" else 2
    order = "channels_first" if fault == "data format" else "channels_last"
    given = {"padding": "same", "use_bias": False}  # channels first, Keras adds a bias along the wrong axis
    x = conv("dilated", 16, 3, dilation_rate=dilation, data_format=order, **given)(x)
    x = layers.ReLU()(x)
    mode = "constant" if fault == "padding mode" else "reflect"
    if fault != "layer missing":
        x = keras.ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode)
        x = conv("reflected", 16, 3)(x)
    if fault == "same in place of padding 1 and output padding 1":
        x = conv("up", 8, 3, strides=2, padding="same")(x)
    else:
        x = conv("up", 8, 3, strides=2)(x)
        crop = {"crop missing": 0, "output padding lost": 1, "crop on the wrong side": ((0, 1), (0, 1))}
        x = layers.Cropping2D(crop.get(fault, ((1, 0), (1, 0))))(x)
    x = conv("last", 3, 1, activation="tanh", use_bias=fault != "bias lost")(x)
    if fault == "activation behind the last":
        x = layers.ReLU()(x)
    model = keras.Model(inputs, x)
    state = {name: value.numpy() for name, value in source.state_dict().items()}
    norm.set_weights([state[f"norm.{each}"] for each in ("weight", "bias", "running_mean", "running_var")])
    for name, layer in made.items():
        layer.set_weights(_weights(fault, name, state)[: len(layer.weights)])
    return model


_CHANGES: dict[tuple[str, str], Callable[[Array], Array]] = {
    ("kernel flipped", "first"): lambda kernel: np.flip(kernel, (2, 3)),
    ("transposed kernel flipped", "up"): lambda kernel: np.flip(kernel, (2, 3)),
    ("kernel's axes exchanged", "grouped"): lambda kernel: kernel.swapaxes(2, 3),
    ("groups", "grouped"): lambda kernel: np.concatenate([kernel, kernel], axis=1),
    ("channels exchanged", "dilated"): lambda kernel: kernel.swapaxes(0, 1),
    ("kernel scaled", "last"): lambda kernel: kernel * np.float32(1.5),
    ("kernel rounded", "down"): lambda kernel: kernel.astype("float16").astype("float32"),
    ("filters in another order", "down"): lambda kernel: kernel[::-1],
}
"""What is done to the kernel of a layer, in PyTorch's layout."""


def _weights(fault: str, name: str, state: dict[str, Array]) -> list[Array]:
    """Return a layer's arrays in Keras's layout."""
    kernel, bias = state[f"{name}.weight"], state.get(f"{name}.bias", np.zeros(0))
    changed = _CHANGES.get((fault, name))
    if changed is not None:
        kernel = changed(kernel)
    if (fault, name) == ("weights of another layer", "dilated"):
        kernel = state["reflected.weight"]
    if (fault, name) == ("order of the multiplier", "depthwise"):
        return [kernel.reshape(2, 16, 3, 3).transpose(2, 3, 1, 0), bias]
    if (fault, name) == ("bias of zeros", "grouped"):
        bias = np.zeros_like(bias)
    if (fault, name) == ("reshaped and not transposed", "dilated"):
        return [kernel.reshape(3, 3, 16, 16), bias]
    if name == "depthwise":
        return [kernel.reshape(16, 2, 3, 3).transpose(2, 3, 0, 1), bias]
    return [kernel.transpose(2, 3, 1, 0), bias]


FAULTS = {
    "padding lost": ("first", "meaning", "padding valid and not 1"),
    "stride lost": ("down", "meaning", "stride 1 and not 2"),
    "same in place of padding 1": ("down", "meaning", "1 element later"),
    "groups": ("grouped", "meaning", "groups 2 and not 4"),
    "dilation lost": ("dilated", "meaning", "dilation 1 and not 2"),
    "padding mode": ("reflected", "meaning", "its padding holds zeros and not reflect"),
    "same in place of padding 1 and output padding 1": ("up", "meaning", "begins 1 element earlier"),
    "crop missing": ("up", "meaning", "no crop makes up for it"),
    "output padding lost": ("up", "meaning", "with output padding 1"),
    "kernel flipped": ("first", "weights", "its kernel is flipped on every axis"),
    "transposed kernel flipped": ("up", "weights", "its kernel is flipped on every axis"),
    "kernel's axes exchanged": ("grouped", "weights", "has its spatial axes 0 and 1 exchanged"),
    "weights of another layer": ("dilated", "weights", "its kernel is that of reflected"),
    "order of the multiplier": ("depthwise", "weights", "groups and multiplier are exchanged"),
    "channels exchanged": ("dilated", "weights", "input and output channels are exchanged"),
    "kernel scaled": ("last", "weights", "its kernel is multiplied by 1.5"),
    "kernel rounded": ("down", "weights", "its kernel is rounded to float16"),
    "filters in another order": ("down", "weights", "filters in another order: 15, 14"),
    "bias lost": ("last", "weights", "its bias is lost"),
    "bias of zeros": ("grouped", "weights", "its bias is all zeros"),
    "reshaped and not transposed": ("dilated", "weights", "reshaped in place of transposed"),
    "channels of the input reversed": ("first", "between", "channels in the order 2, 1, 0"),
    "input rescaled": ("first", "between", "is the other's times 0.00392"),
    "activation lost": ("down", "between", "would be the other's after relu"),
    "epsilon of the norm": ("down", "between", "epsilon"),
    "slope of an activation": ("dilated", "between", "times 30 where that is negative"),
    "activation in between": ("dilated", "between", "is the other's after tanh"),
    "data format": ("dilated", "between", "with its axes in the order"),
    "crop on the wrong side": ("last", "between", "moved by"),
}
"""Of each fault the layer at which it shows, its cause, and words of what is said of it."""
