"""Classes of Keras layers for what Keras has no layer for: they are printed, and saved and loaded by name."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from parity.frameworks.code.chain import Written
from parity.frameworks.code.layer import Layer
from parity.frameworks.code.steps import Pad, Step

_REGISTER = '@keras.saving.register_keras_serializable("convparity")\n'


def _class(name: str, arguments: str, docstring: str, call: str) -> str:
    """Write a class whose arguments are its attributes and its configuration."""
    names = [each.strip() for each in arguments.split(",")]
    kept = "\n        ".join(f"self.{each} = {each}" for each in names)
    config = ", ".join(f'"{each}": self.{each}' for each in names)
    body = call.replace("\n", "\n        ")
    return f'''\
{_REGISTER}class {name}(keras.layers.Layer):
    """{docstring}"""

    def __init__(self, {arguments}, **kwargs):
        super().__init__(**kwargs)
        {kept}

    def call(self, x):
        {body}

    def get_config(self):
        return {{**super().get_config(), {config}}}'''


_ELEMENTWISE = _class(
    "KerasFunction",
    "function, parameters",
    "A function of keras.ops.",
    "return getattr(keras.ops, self.function)(x, **self.parameters)",
)

_PAD = _class(
    "ConstantPad",
    "pads, value",
    "Elements of a value before and after every spatial axis; negative pads crop.",
    """\
for axis, (before, after) in enumerate(self.pads, 1):
    if min(before, after) < 0:
        first = [slice(None)] * axis
        x = x[(*first, slice(max(-before, 0), -max(-after, 0) or None))]
pads = [(0, 0), *((max(b, 0), max(a, 0)) for b, a in self.pads), (0, 0)]
return keras.ops.pad(x, pads, constant_values=self.value)""",
)

_SHUFFLE = _class(
    "PixelShuffle",
    "factor",
    "Channel o * r * r + a * r + b to row a and column b of channel o, as in torch.",
    """\
r = self.factor
n, h, w, c = keras.ops.shape(x)
x = keras.ops.reshape(x, (n, h, w, c // r**2, r, r))
x = keras.ops.transpose(x, (0, 1, 4, 2, 5, 3))
return keras.ops.reshape(x, (n, h * r, w * r, c // r**2))""",
)

_UNSHUFFLE = _class(
    "PixelUnshuffle",
    "factor",
    "Row a and column b of channel c to channel c * r * r + a * r + b, as in torch.",
    """\
r = self.factor
n, h, w, c = keras.ops.shape(x)
x = keras.ops.reshape(x, (n, h // r, r, w // r, r, c))
x = keras.ops.transpose(x, (0, 1, 3, 5, 2, 4))
return keras.ops.reshape(x, (n, h // r, w // r, c * r**2))""",
)

_UNFOLD = _class(
    "Unfold",
    "kernel, dilation, padding, stride",
    "Each window as a row of (N, windows, C * taps), the taps of a channel side by side, as in torch.",
    """\
(p, q), (s, t) = self.padding, self.stride
x = keras.ops.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
n, h, w, c = keras.ops.shape(x)
taps = [
    (i * self.dilation[0], j * self.dilation[1])
    for i in range(self.kernel[0])
    for j in range(self.kernel[1])
]
rows, columns = ((size - last - 1) // step + 1 for size, last, step in zip((h, w), taps[-1], (s, t)))
parts = [
    x[:, i : i + (rows - 1) * s + 1 : s, j : j + (columns - 1) * t + 1 : t] for i, j in taps
]
x = keras.ops.stack(parts, axis=-1)
return keras.ops.reshape(x, (n, rows * columns, c * len(taps)))""",
)

_FOLD = _class(
    "Fold",
    "size, kernel, dilation, padding, stride",
    "Rows of (N, windows, C * taps) added up where their windows are, as in torch.",
    """\
axes = list(zip(self.size, self.kernel, self.dilation, self.padding, self.stride))
rows, columns = ((n + 2 * p - (k - 1) * d - 1) // s + 1 for n, k, d, p, s in axes)
taps = self.kernel[0] * self.kernel[1]
n, _, channels = keras.ops.shape(x)
x = keras.ops.reshape(x, (n, rows, columns, channels // taps, taps))
x = keras.ops.transpose(x, (0, 3, 1, 2, 4))
x = keras.ops.reshape(x, (n * (channels // taps), rows, columns, taps))
extents = [(k - 1) * d + 1 for _, k, d, _, _ in axes]
ones = np.zeros((*extents, 1, taps))
for tap in range(taps):
    i, j = divmod(tap, self.kernel[1])
    ones[i * self.dilation[0], j * self.dilation[1], 0, tap] = 1
ones = keras.ops.convert_to_tensor(ones, dtype=x.dtype)
x = keras.ops.conv_transpose(x, ones, self.stride, "valid", data_format="channels_last")
missing = [
    max(n + 2 * p - (count - 1) * s - extent, 0)
    for (n, _, _, p, s), count, extent in zip(axes, (rows, columns), extents)
]
x = keras.ops.pad(x, ((0, 0), (0, missing[0]), (0, missing[1]), (0, 0)))
(h, w), (p, q) = self.size, self.padding
x = keras.ops.reshape(x[:, p : p + h, q : q + w], (n, channels // taps, h, w))
return keras.ops.transpose(x, (0, 2, 3, 1))""",
)


def elementwise(function: str, parameters: dict[str, Any], dtype: str) -> Written:
    """Return a layer of a function of ``keras.ops`` with parameters."""
    return _written("KerasFunction", dtype, function=function, parameters=parameters)


def registered(step: Step, dtype: str) -> Written:
    """Return a layer of a class for a kind of step, whose arguments are the step's own."""
    if isinstance(step, Pad):
        return _written("ConstantPad", dtype, pads=step.pads, value=step.value)
    return _written(step.kind, dtype, **{each.name: getattr(step, each.name) for each in fields(step)})


def _written(name: str, dtype: str, **arguments: Any) -> Written:
    definition = _CLASSES[name]
    imports = ("keras", "numpy as np") if "np." in definition else ("keras",)
    return Written((Layer(name, (), (*arguments.items(), ("dtype", dtype))),), (definition,), imports)


_CLASSES = {
    "KerasFunction": _ELEMENTWISE,
    "ConstantPad": _PAD,
    "PixelShuffle": _SHUFFLE,
    "PixelUnshuffle": _UNSHUFFLE,
    "Unfold": _UNFOLD,
    "Fold": _FOLD,
}
