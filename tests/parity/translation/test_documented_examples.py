"""The examples of PyTorch's and Keras's documentation, translated to the other and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity.cases.arrays import Array
from parity.frameworks.code.expression import ExpressionError
from parity.frameworks.code.script import Program, execute
from parity.frameworks.table import find_framework
from parity.translation.result import Translation
from parity.translation.translator import translate

pytestmark = pytest.mark.usefixtures("shared_processes")

OF_TORCH = {
    "nn.Conv1d(16, 33, 3, stride=2)": (2, 16, 9),
    "nn.Conv2d(16, 33, 3, stride=2)": (2, 16, 9, 10),
    "nn.Conv2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2))": (2, 16, 9, 10),
    "nn.Conv2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2), dilation=(3, 1))": (2, 16, 9, 10),
    "nn.Conv3d(16, 33, 3, stride=2)": (2, 16, 5, 6, 7),
    "nn.Conv3d(16, 33, (3, 5, 2), stride=(2, 1, 1), padding=(4, 2, 0))": (2, 16, 5, 6, 7),
    "nn.ConvTranspose1d(16, 33, 3, stride=2)": (2, 16, 9),
    "nn.Conv1d(16, 16, 3, stride=2, padding=1)": (1, 16, 12),
    "nn.ConvTranspose1d(16, 16, 3, stride=2, padding=1)": (1, 16, 6),
    "nn.ConvTranspose2d(16, 33, 3, stride=2)": (2, 16, 9, 10),
    "nn.ConvTranspose2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2))": (2, 16, 9, 10),
    "nn.Conv2d(16, 16, 3, stride=2, padding=1)": (1, 16, 12, 12),
    "nn.ConvTranspose2d(16, 16, 3, stride=2, padding=1)": (1, 16, 6, 6),
    "nn.ConvTranspose3d(16, 33, 3, stride=2)": (2, 16, 3, 4, 5),
    "nn.ConvTranspose3d(16, 33, (3, 5, 2), stride=(2, 1, 1), padding=(0, 4, 2))": (2, 16, 3, 8, 9),
    "nn.ZeroPad1d(2)": (1, 2, 4),
    "nn.ZeroPad1d((3, 1))": (1, 2, 3),
    "nn.ZeroPad2d(2)": (1, 1, 3, 3),
    "nn.ZeroPad2d((1, 1, 2, 0))": (1, 1, 3, 3),
    "nn.ZeroPad3d(3)": (2, 3, 4, 5, 6),
    "nn.ZeroPad3d((3, 3, 6, 6, 0, 1))": (2, 3, 4, 5, 6),
    "nn.Upsample(scale_factor=2, mode='nearest')": (1, 1, 2, 2),
    "nn.Upsample(scale_factor=2, mode='bilinear')": (1, 1, 2, 2),
    "nn.UpsamplingNearest2d(scale_factor=2)": (1, 1, 2, 2),
}
"""The examples with an input, smaller than the documentation's where that takes long."""

WITHOUT_TWIN = {
    "nn.ReflectionPad1d(2)": (1, 2, 4),
    "nn.ReflectionPad1d((3, 1))": (1, 2, 4),
    "nn.ReflectionPad2d(2)": (1, 1, 3, 3),
    "nn.ReflectionPad2d((1, 1, 2, 0))": (1, 1, 3, 3),
    "nn.ReflectionPad3d(1)": (1, 1, 2, 2, 2),
    "nn.ReplicationPad1d(2)": (1, 2, 4),
    "nn.ReplicationPad1d((3, 1))": (1, 2, 4),
    "nn.ReplicationPad2d(2)": (1, 1, 3, 3),
    "nn.ReplicationPad2d((1, 1, 2, 0))": (1, 1, 3, 3),
    "nn.ReplicationPad3d(3)": (2, 3, 8, 7, 9),
    "nn.ReplicationPad3d((3, 3, 6, 6, 1, 1))": (2, 3, 8, 7, 9),
    "nn.ConstantPad1d(2, 3.5)": (1, 2, 4),
    "nn.ConstantPad1d((3, 1), 3.5)": (1, 2, 3),
    "nn.ConstantPad2d(2, 3.5)": (1, 1, 2, 2),
    "nn.ConstantPad2d((3, 0, 2, 1), 3.5)": (1, 1, 2, 2),
    "nn.ConstantPad3d(3, 3.5)": (2, 3, 4, 5, 6),
    "nn.ConstantPad3d((3, 3, 6, 6, 0, 1), 3.5)": (2, 3, 4, 5, 6),
    "nn.CircularPad1d(2)": (1, 2, 4),
    "nn.CircularPad1d((3, 1))": (1, 2, 4),
    "nn.CircularPad2d(2)": (1, 1, 3, 3),
    "nn.CircularPad2d((1, 1, 2, 0))": (1, 1, 3, 3),
    "nn.CircularPad3d(3)": (2, 3, 8, 7, 9),
    "nn.CircularPad3d((3, 3, 6, 6, 1, 1))": (2, 3, 8, 7, 9),
    "nn.Unfold(kernel_size=(2, 3))": (2, 5, 3, 4),
    "nn.Fold(output_size=(4, 5), kernel_size=(2, 2))": (1, 12, 12),
    "nn.PixelShuffle(3)": (1, 9, 4, 4),
    "nn.PixelUnshuffle(3)": (1, 1, 12, 12),
}
"""Those for which Keras has no layer: a class of its own is written, which no line makes."""

OF_TORCHS_FUNCTIONS = {
    "F.conv1d(inputs, filters)": ((3, 16, 30), (20, 16, 5)),
    "F.conv2d(inputs, filters, padding=1)": ((1, 4, 5, 5), (8, 4, 3, 3)),
    "F.conv3d(inputs, filters)": ((2, 16, 5, 6, 7), (33, 16, 3, 3, 3)),
    "F.conv_transpose1d(inputs, weights)": ((2, 16, 50), (16, 33, 5)),
    "F.conv_transpose2d(inputs, weights, padding=1)": ((1, 4, 5, 5), (4, 8, 3, 3)),
    "F.conv_transpose3d(inputs, weights)": ((2, 16, 3, 4, 5), (16, 33, 3, 3, 3)),
}
"""The examples with an input and a kernel."""

OF_KERAS = {
    "keras.layers.Conv1D(32, 3, activation='relu')": (4, 128, 10),
    "keras.layers.Conv2D(32, 3, activation='relu')": (4, 128, 10, 10),
    "keras.layers.Conv3D(32, 3, activation='relu')": (2, 128, 5, 6, 7),
    "keras.layers.DepthwiseConv2D(kernel_size=3, activation='relu')": (4, 12, 10, 10),
    "keras.layers.Conv1DTranspose(32, 3, 2, activation='relu')": (4, 128, 10),
    "keras.layers.Conv2DTranspose(32, 2, 2, activation='relu')": (4, 128, 10, 8),
    "keras.layers.Conv3DTranspose(32, 2, 2, activation='relu')": (2, 128, 3, 4, 5),
    "keras.layers.Cropping1D(cropping=1)": (2, 2, 3),
    "keras.layers.Cropping2D(cropping=((2, 2), (4, 4)))": (2, 3, 28, 28),
    "keras.layers.Cropping3D(cropping=(2, 4, 2))": (2, 3, 28, 28, 10),
    "keras.layers.UpSampling1D(size=2)": (2, 3, 2),
    "keras.layers.UpSampling2D(size=(1, 2))": (2, 3, 2, 1),
    "keras.layers.UpSampling3D(size=(2, 2, 2))": (2, 3, 1, 2, 1),
    "keras.layers.ZeroPadding1D(padding=2)": (2, 3, 2),
    "keras.layers.ZeroPadding2D(padding=1)": (1, 2, 1, 2),
    "keras.layers.ZeroPadding3D(padding=2)": (1, 3, 1, 2, 2),
}
"""The examples with an input, channels first."""

REFUSED = {
    "nn.Upsample(scale_factor=2, mode='bilinear', align_corners=True)": "align_corners=True",
    "nn.UpsamplingBilinear2d(scale_factor=2)": "align_corners=True",
    "keras.layers.SeparableConv1D(3, 4, 3, 2, activation='relu')": "padding=2",  # Keras refuses it, too
    "keras.layers.SeparableConv2D(3, 4, 3, 2, activation='relu')": "padding=2",
    "keras.layers.DepthwiseConv1D(3, 3, 2, activation='relu')": "padding=2",
}


def written(translation: Translation) -> str:
    """The layer in a translation's script, as one expression."""
    return translation.code.split("\nlayer = ")[1].split("\n\n\n")[0]


def there_and_back(
    line: str, own: str, other: str, shape: tuple[int, ...], kernel_shape: tuple[int, ...] | None = None
) -> tuple[Translation, Translation]:
    there = translate(line, other, shape, kernel_shape=kernel_shape)
    assert there.verified
    back = translate(written(there), own, shape)
    assert back.verified
    return there, back


def weights_of(shapes: list[tuple[int, ...]]) -> list[Array]:
    random = np.random.default_rng(0)
    return [random.integers(-3, 4, shape).astype(np.float32) for shape in shapes]


def numbers(framework: str, layer: Any, weights: list[Array], x: Array) -> Array:  # noqa: ANN401 - any layer
    adapter = find_framework(framework)
    adapter.load()
    return adapter.call(layer, weights, x)


@pytest.mark.parametrize(("line", "shape"), OF_TORCH.items(), ids=list(OF_TORCH))
def test_an_example_of_pytorch_comes_back_from_keras_with_its_numbers(
    line: str, shape: tuple[int, ...]
) -> None:
    there, back = (Program(each.code) for each in there_and_back(line, "torch", "keras", shape))
    layer = execute(f"import torch\nlayer = torch.{line}")["layer"]
    weights = weights_of([tuple(each.shape) for each in layer.parameters()])
    (x,) = weights_of([shape])
    expected = numbers("torch", layer, weights, x)
    assert expected.any()
    found = numbers("torch", back.call(), back.convert(there.convert(weights)), x)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("line", "shape"), WITHOUT_TWIN.items(), ids=list(WITHOUT_TWIN))
def test_an_example_of_pytorch_without_twin_in_keras_has_its_numbers_there(
    line: str, shape: tuple[int, ...]
) -> None:
    there = translate(line, "keras", shape)
    assert there.verified
    assert "\nclass " in there.code
    (x,) = weights_of([shape])
    expected = numbers("torch", execute(f"import torch\nlayer = torch.{line}")["layer"], [], x)
    np.testing.assert_array_equal(numbers("keras", Program(there.code).call(), [], x), expected)
    with pytest.raises(ExpressionError):
        translate(written(there), "torch", shape)


@pytest.mark.parametrize(("line", "shape"), OF_KERAS.items(), ids=list(OF_KERAS))
def test_an_example_of_keras_comes_back_from_pytorch_with_its_numbers(
    line: str, shape: tuple[int, ...]
) -> None:
    there, back = (Program(each.code) for each in there_and_back(line, "keras", "torch", shape))
    find_framework("keras").load()
    layer = execute(f"import keras\nlayer = {line}")["layer"]
    layer.build((shape[0], *shape[2:], shape[1]))
    weights = weights_of([tuple(each.shape) for each in layer.weights])
    (x,) = weights_of([shape])
    expected = numbers("keras", layer, weights, x)
    assert expected.any()
    found = numbers("keras", back.call(), back.convert(there.convert(weights)), x)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("line", "shapes"), OF_TORCHS_FUNCTIONS.items(), ids=list(OF_TORCHS_FUNCTIONS))
def test_a_functions_example_goes_to_keras_and_comes_back_as_a_layer(
    line: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    there_and_back(line, "torch", "keras", *shapes)


@pytest.mark.parametrize(("line", "why"), REFUSED.items(), ids=list(REFUSED))
def test_an_example_that_is_refused_says_why(line: str, why: str) -> None:
    with pytest.raises(ExpressionError, match=why):
        translate(line, "torch" if line.startswith("keras") else "keras", channels=12)
