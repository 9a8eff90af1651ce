"""The layer classes of the frameworks' documentation on convolution, each with a line that makes one."""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """A class or function as its documentation names it.

    Attributes:
        path: its name.
        line: an expression that makes a layer of it, alone or as a link of a chain, or calls it.
        input: shape of an input, channels first.
        kernel_shape: of the kernel, where the line has the array's name alone.
    """

    path: str
    line: str
    input: tuple[int, ...]
    kernel_shape: tuple[int, ...] | None = None


SIZES = {1: (8,), 2: (8, 9), 3: (5, 6, 7)}
"""Spatial sizes of an input, by the number of axes."""


def _of(rank: int, channels: int = 4) -> tuple[int, ...]:
    return (2, channels, *SIZES[rank])


def _torch() -> list[Example]:
    found = []
    for rank in (1, 2, 3):
        pairs = ", ".join(["1"] * 2 * rank)
        found += [
            Example(f"torch.nn.Conv{rank}d", f"nn.Conv{rank}d(4, 6, 3, padding=1)", _of(rank)),
            Example(
                f"torch.nn.ConvTranspose{rank}d",
                f"nn.ConvTranspose{rank}d(4, 6, 3, stride=2, padding=1, output_padding=1)",
                _of(rank),
            ),
            Example(f"torch.nn.LazyConv{rank}d", f"nn.LazyConv{rank}d(6, 3, padding=1)", _of(rank)),
            Example(
                f"torch.nn.LazyConvTranspose{rank}d",
                f"nn.LazyConvTranspose{rank}d(6, 2, stride=2)",
                _of(rank),
            ),
            *(
                Example(
                    f"torch.nn.{kind}Pad{rank}d",
                    f"nn.Sequential(nn.{kind}Pad{rank}d(({pairs}){value}), nn.Conv{rank}d(4, 6, 3))",
                    _of(rank),
                )
                for kind, value in PADS.items()
            ),
        ]
    links = {
        "PixelShuffle": "nn.Sequential(nn.Conv2d(4, 8, 3), nn.PixelShuffle(2))",
        "PixelUnshuffle": "nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(16, 6, 3))",
        "Upsample": "nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(4, 6, 3))",
        "UpsamplingNearest2d": "nn.Sequential(nn.UpsamplingNearest2d(scale_factor=2), nn.Conv2d(4, 6, 3))",
        "UpsamplingBilinear2d": "nn.Sequential(nn.UpsamplingBilinear2d(scale_factor=2), nn.Conv2d(4, 6, 3))",
        "Unfold": "nn.Unfold(3, padding=1)",
        "Fold": "nn.Fold((8, 9), 3, padding=1)",
        "Identity": "nn.Sequential(nn.Conv2d(4, 6, 3), nn.Identity())",
        "Flatten": "nn.Sequential(nn.Conv2d(4, 6, 3), nn.Flatten())",
        "MaxPool2d": "nn.Sequential(nn.Conv2d(4, 6, 3), nn.MaxPool2d(2))",
        "BatchNorm2d": "nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6))",
        "Dropout": "nn.Sequential(nn.Conv2d(4, 6, 3), nn.Dropout(0.5))",
    }
    inputs = {"PixelUnshuffle": (2, 4, 8, 10), "Fold": (2, 36, 72)}
    found += [Example(f"torch.nn.{name}", line, inputs.get(name, _of(2))) for name, line in links.items()]
    found += [
        Example(f"torch.nn.{call.partition('(')[0]}", f"nn.Sequential(nn.Conv2d(4, 6, 3), nn.{call})", _of(2))
        for call in ACTIVATIONS_OF_TORCH
    ]
    for rank in (1, 2, 3):
        shape = (3,) * rank
        found += [
            Example(
                f"torch.nn.functional.conv{rank}d",
                f"F.conv{rank}d(x, w, padding=1)",
                _of(rank),
                (6, 4, *shape),
            ),
            Example(
                f"torch.nn.functional.conv_transpose{rank}d",
                f"F.conv_transpose{rank}d(x, w, stride=2)",
                _of(rank),
                (4, 6, *shape),
            ),
        ]
    return [
        *found,
        Example("torch.nn.functional.unfold", "F.unfold(x, 3)", _of(2)),
        Example("torch.nn.functional.fold", "F.fold(x, (8, 9), 3, padding=1)", (2, 36, 72)),
        Example("torch.nn.functional.pad", "F.pad(x, (1, 1))", _of(2)),
        Example("torch.nn.functional.interpolate", "F.interpolate(x, scale_factor=2)", _of(2)),
    ]


PADS = {"Zero": "", "Constant": ", 0.5", "Reflection": "", "Replication": "", "Circular": ""}
"""The modes of PyTorch's padding layers, and what an example has behind the padding."""

ACTIVATIONS_OF_TORCH = (
    "ReLU()",
    "ReLU6()",
    "LeakyReLU(0.2)",
    "PReLU()",
    "RReLU()",
    "GELU()",
    "SiLU()",
    "Mish()",
    "ELU()",
    "SELU()",
    "CELU()",
    "Sigmoid()",
    "LogSigmoid()",
    "Tanh()",
    "Tanhshrink()",
    "Softmax(1)",
    "LogSoftmax(1)",
    "Softplus()",
    "Softsign()",
    "Softshrink()",
    "Hardshrink()",
    "Hardtanh()",
    "Hardsigmoid()",
    "Hardswish()",
    "Threshold(0.1, 20)",
    "GLU(1)",
)


def _keras() -> list[Example]:
    found = []
    for rank in (1, 2, 3):
        found += [
            Example(
                f"keras.layers.Conv{rank}D", f"keras.layers.Conv{rank}D(6, 3, padding='same')", _of(rank)
            ),
            Example(
                f"keras.layers.Conv{rank}DTranspose",
                f"keras.layers.Conv{rank}DTranspose(6, 3, strides=2, padding='same')",
                _of(rank),
            ),
        ]
        if rank < 3:
            found += [
                Example(
                    f"keras.layers.SeparableConv{rank}D",
                    f"keras.layers.SeparableConv{rank}D(6, 3)",
                    _of(rank),
                ),
                Example(
                    f"keras.layers.DepthwiseConv{rank}D",
                    f"keras.layers.DepthwiseConv{rank}D(3, depth_multiplier=2)",
                    _of(rank),
                ),
            ]
    for rank in (1, 2, 3):
        found += [
            Example(f"keras.layers.{name}{rank}D", chain.replace("#", str(rank)), _of(rank))
            for name, chain in {
                "ZeroPadding": "keras.Sequential([keras.layers.ZeroPadding#D(1), keras.layers.Conv#D(6, 3)])",
                "Cropping": "keras.Sequential([keras.layers.Conv#D(6, 2), keras.layers.Cropping#D(1)])",
                "UpSampling": "keras.Sequential([keras.layers.UpSampling#D(2), keras.layers.Conv#D(6, 3)])",
            }.items()
        ]
    behind = "keras.Sequential([keras.layers.Conv2D(6, 3), keras.layers.{}])"
    found += [
        Example(f"keras.layers.{call.partition('(')[0]}", behind.format(call), _of(2))
        for call in ACTIVATIONS_OF_KERAS
    ]
    functions = {
        "conv": ("keras.ops.conv(x, w, strides=2, padding='same')", (3, 3, 4, 6)),
        "conv_transpose": ("keras.ops.conv_transpose(x, w, strides=2, padding='same')", (3, 3, 6, 4)),
        "depthwise_conv": ("keras.ops.depthwise_conv(x, w)", (3, 3, 4, 2)),
        "separable_conv": ("keras.ops.separable_conv(x, d, p)", (3, 3, 4, 2)),
    }
    return [
        *found,
        *(Example(f"keras.ops.{name}", line, _of(2), shape) for name, (line, shape) in functions.items()),
    ]


ACTIVATIONS_OF_KERAS = (
    "Activation('gelu')",
    "ReLU()",
    "LeakyReLU(negative_slope=0.2)",
    "PReLU()",
    "ELU()",
    "Softmax()",
    "Dropout(0.5)",
    "Flatten()",
    "MaxPooling2D()",
    "BatchNormalization()",
)


def _tensorflow() -> list[Example]:
    strides = "[1, 2, 2, 1]"
    return [
        Example("tf.nn.conv1d", "tf.nn.conv1d(x, w, 2, 'SAME')", _of(1), (3, 4, 6)),
        Example("tf.nn.conv2d", f"tf.nn.conv2d(x, w, {strides}, 'SAME')", _of(2), (3, 3, 4, 6)),
        Example("tf.nn.conv3d", "tf.nn.conv3d(x, w, [1, 1, 1, 1, 1], 'SAME')", _of(3), (3, 3, 3, 4, 6)),
        Example(
            "tf.nn.conv2d_transpose",
            f"tf.nn.conv2d_transpose(x, w, (2, 16, 18, 6), {strides})",
            _of(2),
            (3, 3, 6, 4),
        ),
        Example(
            "tf.nn.depthwise_conv2d",
            "tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], 'SAME')",
            _of(2),
            (3, 3, 4, 2),
        ),
        Example("tf.nn.atrous_conv2d", "tf.nn.atrous_conv2d(x, w, 2, 'SAME')", _of(2), (3, 3, 4, 6)),
    ]


def _jax() -> list[Example]:
    oi, io = (6, 4, 3, 3), (3, 3, 4, 6)
    last = "dimension_numbers=('NHWC', 'HWIO', 'NHWC')"
    return [
        Example("jax.lax.conv", "jax.lax.conv(x, w, (2, 2), 'SAME')", _of(2), oi),
        Example(
            "jax.lax.conv_with_general_padding",
            "jax.lax.conv_with_general_padding(x, w, (1, 1), ((1, 1), (1, 1)), None, None)",
            _of(2),
            oi,
        ),
        Example(
            "jax.lax.conv_general_dilated",
            f"jax.lax.conv_general_dilated(x, w, (2, 2), 'SAME', {last})",
            _of(2),
            io,
        ),
        Example(
            "jax.lax.conv_transpose", f"jax.lax.conv_transpose(x, w, (2, 2), 'SAME', {last})", _of(2), io
        ),
        Example(
            "jax.lax.conv_general_dilated_local",
            "jax.lax.conv_general_dilated_local(x, w, (1, 1), 'SAME', (3, 3))",
            _of(2),
            oi,
        ),
        Example(
            "jax.lax.conv_general_dilated_patches",
            "jax.lax.conv_general_dilated_patches(x, (3, 3), (1, 1), 'SAME')",
            _of(2),
        ),
    ]


def _flax() -> list[Example]:
    return [
        Example("flax.linen.Conv", "flax.linen.Conv(6, (3, 3), strides=2)", _of(2)),
        Example("flax.linen.ConvTranspose", "flax.linen.ConvTranspose(6, (3, 3), strides=(2, 2))", _of(2)),
        Example("flax.linen.ConvLocal", "flax.linen.ConvLocal(6, (3, 3))", _of(2)),
        Example("flax.nnx.Conv", "flax.nnx.Conv(4, 6, (3, 3), rngs=rngs)", _of(2)),
        Example(
            "flax.nnx.ConvTranspose",
            "flax.nnx.ConvTranspose(4, 6, (3, 3), strides=(2, 2), rngs=rngs)",
            _of(2),
        ),
    ]


CLASSES = {
    "PyTorch": _torch(),
    "Keras": _keras(),
    "TensorFlow": _tensorflow(),
    "JAX": _jax(),
    "Flax": _flax(),
}
"""The classes by the section that they stand in."""
