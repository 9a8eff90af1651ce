"""Layers that their user has made are translated as they are, with their weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import hypothesis.strategies as st
import keras
import numpy as np
import pytest
import torch
from hypothesis import given

from parity import translate
from parity.cases.arrays import Array
from parity.frameworks.code.expression import ExpressionError, parse_call
from parity.frameworks.table import find_framework
from parity.frameworks.weights import WeightsError
from tests.support.strategies import examples

pytestmark = pytest.mark.usefixtures("shared_processes")

X = np.random.default_rng(0).normal(size=(2, 4, 9, 9)).astype("float32")


def called(layer: Any, x: Array) -> Array:  # noqa: ANN401 - of any framework
    """What it makes of (N, C, *spatial)."""
    if isinstance(layer, torch.nn.Module):
        return layer(torch.from_numpy(x)).detach().numpy()  # type: ignore[no-any-return] # torch's
    if isinstance(layer, keras.Layer):
        y = keras.ops.convert_to_numpy(layer(np.moveaxis(x, 1, -1)))
        return np.moveaxis(y, -1, 1)
    return layer(x)  # type: ignore[no-any-return] # a function's


def built(layer: keras.Layer) -> keras.Layer:
    layer(np.zeros((1, 9, 9, 4), "float32"))
    return layer


@pytest.mark.parametrize(
    ("layer", "to"),
    [
        (torch.nn.Conv2d(4, 8, 3, padding=1), "keras"),
        (torch.nn.Conv2d(4, 8, 3, groups=4, bias=False), "keras"),
        (torch.nn.ConvTranspose2d(4, 6, 4, 2, 1, groups=2), "keras"),
        (torch.nn.Conv2d(4, 6, 3, stride=2), "numpy"),
        (built(keras.layers.Conv2D(6, 3, 2, "same", activation="relu")), "torch"),
        (built(keras.layers.DepthwiseConv2D(3, depth_multiplier=2)), "torch"),
        (built(keras.layers.Conv2DTranspose(6, 3, 2, "same")), "torch"),
    ],
    ids=["conv", "depthwise", "groups", "function", "same", "from depthwise", "transposed"],
)
def test_the_loaded_layer_computes_what_the_given_one_does(layer: object, to: str) -> None:
    translation = translate(layer, to)
    assert translation.verified
    np.testing.assert_allclose(called(translation.load(), X), called(layer, X), rtol=1e-4, atol=1e-5)


def keras_chain() -> keras.Layer:
    layers = keras.layers
    chain = keras.Sequential(
        [
            layers.ZeroPadding2D(((1, 0), (2, 1))),
            layers.Conv2D(8, 3, activation="gelu"),
            layers.SeparableConv2D(6, 3, depth_multiplier=2, activation="relu"),
            layers.UpSampling2D(2),
            layers.Cropping2D(((1, 0), (0, 1))),
            layers.Dropout(0.2),
            layers.LeakyReLU(),
            layers.Softmax(-1),
        ]
    )
    chain.build((None, None, None, 4))
    return chain


def separable() -> keras.Layer:
    return built(keras.layers.SeparableConv2D(5, 3, strides=2, padding="same", depth_multiplier=2))


@pytest.mark.parametrize(
    ("make", "to"),
    [
        (
            lambda: torch.nn.Sequential(
                torch.nn.ReflectionPad2d(3),
                torch.nn.Sequential(torch.nn.Conv2d(4, 8, 7), torch.nn.LeakyReLU(0.1, inplace=True)),
                torch.nn.Upsample(scale_factor=2),
                torch.nn.Conv2d(8, 8, 3, padding=1, bias=False),
                torch.nn.PixelShuffle(2),
                torch.nn.GELU("tanh"),
                torch.nn.Softmax(1),
            ),
            "keras",
        ),
        (lambda: torch.nn.Upsample(scale_factor=2, mode="bilinear"), "keras"),
        (keras_chain, "torch"),
        (separable, "torch"),
    ],
    ids=["torch", "one link", "keras", "separable"],
)
def test_a_chain_that_was_made_is_loaded_with_all_its_weights(make: Callable[[], Any], to: str) -> None:
    chain = make()
    translation = translate(chain, to)
    assert translation.verified
    np.testing.assert_allclose(called(translation.load(), X), called(chain, X), rtol=1e-4, atol=1e-5)


def changed_link() -> torch.nn.Module:
    link = torch.nn.ReLU6()
    link.max_val = 5
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), link)


def hooked_link() -> torch.nn.Module:
    link = torch.nn.ReLU()
    link.register_forward_hook(lambda *_: None)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), link)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (changed_link, "this torch.nn.ReLU6 is another than torch.nn.ReLU6"),
        (hooked_link, "this torch.nn.ReLU has forward_hooks of its own"),
        (lambda: torch.nn.Sequential(torch.nn.BatchNorm2d(3)), "BatchNorm2d is no convolution of torch.nn: "),
        (lambda: torch.nn.UpsamplingBilinear2d(scale_factor=2), "align_corners=True"),
        (lambda: keras.Sequential([keras.layers.Dense(3)]), "Dense is no convolution of keras.layers: "),
        (lambda: keras.layers.Activation(lambda x: 2 * x), "has the activation '<lambda>', which is none"),
    ],
)
def test_a_chain_with_a_link_that_is_another_than_its_class_makes_is_refused(
    make: Callable[[], object], message: str
) -> None:
    with pytest.raises(ExpressionError, match=message):
        translate(make(), "numpy" if "Dense" in message else "keras", channels=3)


def test_weights_are_those_that_the_layer_had_when_it_was_given() -> None:
    layer = torch.nn.Conv2d(4, 2, 3)
    before = called(layer, X)
    translation = translate(layer, "torch")
    with torch.no_grad():
        layer.weight.zero_()
    np.testing.assert_allclose(called(translation.load(), X), before, rtol=1e-5, atol=1e-6)


@st.composite
def torch_modules(draw: st.DrawFn) -> torch.nn.Module:
    rank = draw(st.integers(1, 3))
    transposed = draw(st.booleans())
    groups = draw(st.integers(1, 2))
    options: dict[str, Any] = {
        "stride": draw(st.integers(1, 3)),
        "dilation": draw(st.integers(1, 2)),
        "padding": draw(st.integers(0, 2)),
        "groups": groups,
        "bias": draw(st.booleans()),
        "dtype": draw(st.sampled_from([torch.float32, torch.float64, torch.float16, torch.bfloat16])),
    }
    if transposed:
        options["output_padding"] = draw(st.integers(0, max(options["stride"], options["dilation"]) - 1))
    elif options["stride"] == 1 and draw(st.booleans()):
        options["padding"] = "same"
    kind = getattr(torch.nn, f"Conv{'Transpose' if transposed else ''}{rank}d")
    return kind(2 * groups, 4, draw(st.integers(1, 3)), **options)


@examples(100)
@given(torch_modules())
def test_a_modules_text_makes_a_module_that_prints_as_it_does(module: torch.nn.Module) -> None:
    live = find_framework("torch").live(module)
    again = find_framework("torch").read(parse_call(live.text)).layer.call()
    assert repr(again) == repr(module)
    assert again.weight.dtype == module.weight.dtype
    assert live.weights is not None
    assert [each.shape for each in live.weights] == [tuple(each.shape) for each in module.parameters()]


@st.composite
def keras_layers(draw: st.DrawFn) -> Callable[[], keras.Layer]:
    """What makes a layer: Keras seeds the initializers of one by chance."""
    rank = draw(st.integers(1, 2))
    name = draw(st.sampled_from([f"Conv{rank}D", f"Conv{rank}DTranspose", f"DepthwiseConv{rank}D"]))
    options: dict[str, Any] = {
        "strides": draw(st.integers(1, 3)),
        "padding": draw(st.sampled_from(["valid", "same"])),
        "use_bias": draw(st.booleans()),
        "data_format": draw(st.sampled_from([None, "channels_last", "channels_first"])),
        "activation": draw(st.sampled_from([None, "relu", "tanh"])),
        "dtype": draw(st.sampled_from([None, "float64", "float16"])),
    }
    if options["strides"] == 1:
        options["dilation_rate"] = draw(st.integers(1, 2))
    if name.startswith("Depthwise"):
        options["depth_multiplier"] = draw(st.integers(1, 3))
    elif not name.endswith("Transpose"):
        options["groups"] = draw(st.integers(1, 2))
    filters = () if name.startswith("Depthwise") else (4,)
    return partial(getattr(keras.layers, name), *filters, draw(st.integers(1, 3)), **options)


@pytest.mark.filterwarnings("ignore:Do not pass an .input_shape.")
@examples(60)
@given(keras_layers(), st.booleans())
def test_a_layers_text_makes_a_layer_of_the_same_configuration(
    make: Callable[[], keras.Layer],
    build: bool,  # noqa: FBT001 - drawn
) -> None:
    layer = make()
    rank = len(layer.kernel_size)
    if build:
        free = (None,) * rank
        layer.build((None, 4, *free) if layer.data_format == "channels_first" else (None, *free, 4))
    live = find_framework("keras").live(layer)
    call = parse_call(live.text)
    reading = find_framework("keras").read(call)
    assert reading.channels == (4 if build else None)
    assert (live.weights is not None) == build
    names = {each.name for each in call.arguments}
    again = reading.layer.call()
    for name in ("strides", "padding", "dilation_rate", "activation", "use_bias", "data_format", "dtype"):
        assert getattr(again, name) == getattr(layer, name), names
    for name in ("filters", "groups", "depth_multiplier", "kernel_size"):
        assert getattr(again, name, None) == getattr(layer, name, None)


class Own(torch.nn.Conv2d):  # type: ignore[misc] # torch's types are not looked at
    """Might compute anything."""


class OwnKeras(keras.layers.Conv2D):  # type: ignore[misc] # Keras has no types
    """Might compute anything."""


def hooked() -> torch.nn.Module:
    module = torch.nn.Conv2d(3, 4, 3)
    module.register_forward_hook(lambda *_: None)
    return module


def forwarded() -> torch.nn.Module:
    module = torch.nn.Conv2d(3, 4, 3)
    module.forward = lambda x: x
    return module


def with_lora() -> keras.Layer:
    layer = built(keras.layers.Conv2D(4, 3))
    layer.enable_lora(2)
    return layer


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: torch.nn.LazyConv2d(4, 3), "torch.nn.LazyConv2d has no weights .*call it with an input"),
        (
            lambda: torch.nn.utils.parametrizations.weight_norm(torch.nn.Conv2d(3, 4, 3)),
            r"its weight is parametrized; .*remove_parametrizations\(module, 'weight'\)",
        ),
        (lambda: Own(3, 4, 3), "Own is a subclass of torch.nn.Conv2d, which may compute something else"),
        (hooked, "has forward_hooks of its own"),
        (forwarded, "has forward of its own"),
        (lambda: torch.nn.Linear(3, 4), "Linear is no convolution of torch.nn: allowed are Conv1d, "),
        (lambda: torch.nn.Conv2d(3, 4, 3, dtype=torch.complex64), "dtype=torch.complex64: allowed are"),
        (lambda: OwnKeras(3, 4), "OwnKeras is a subclass of keras.layers.Conv2D"),
        (lambda: keras.layers.Dense(4), "Dense is no convolution of keras.layers: allowed are Conv1D, "),
        (lambda: keras.layers.Conv2D(4, 3, activation=lambda x: x), "the activation '<lambda>', which is"),
        (with_lora, "has LoRA enabled"),
        (lambda: torch.nn.Conv2d, r"expression=<class .*Conv2d'>: allowed are a text such as"),
        (lambda: None, "expression=None: allowed are a text such as"),
        (lambda: keras.layers.Conv2D(4, 3), "does not carry the input channels"),
    ],
)
def test_what_cannot_be_taken_as_it_is_is_refused_with_what_to_do(
    make: Callable[[], object], message: str
) -> None:
    with pytest.raises(ExpressionError, match=message):
        translate(make(), "numpy")


@pytest.mark.parametrize(
    "text", ["model.onnx", "nets/unet.keras", "a b.h5", "x.TFLITE", "m.pt2", "models.unet:Net", " net:make "]
)
def test_a_model_is_no_layer(text: str) -> None:
    with pytest.raises(ExpressionError, match="this names a whole model, and allowed is one layer"):
        translate(text, "keras")


def test_an_unbuilt_layer_is_translated_and_loaded_with_weights_that_are_given() -> None:
    translation = translate(keras.layers.Conv2D(2, 3, use_bias=False), "torch", channels=4)
    assert translation.weights is None
    with pytest.raises(WeightsError, match="was given without any: allowed is a list of its arrays"):
        translation.load()
    kernel = np.random.default_rng(1).normal(size=(3, 3, 4, 2)).astype("float32")
    loaded = translation.load([kernel])
    np.testing.assert_array_equal(loaded.weight.detach().numpy(), kernel.transpose(3, 2, 0, 1))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([np.ones((2, 4, 3, 2))], r"the shapes \(3, 3, 4, 2\), and it was given \(3, 2, 4, 2\)"),
        ([np.ones((2, 4, 3, 3))] * 2, r"the shapes \(3, 3, 4, 2\), and it was given \(3, 3, 4, 2\), \(2, 4"),
        ([], r"weights of the shapes none do not fit nn.Conv2d\(4, 2, 3, bias=False\)"),
        ([np.ones(3)], r"weights of the shapes \(3,\) do not fit"),
    ],
)
def test_weights_that_do_not_fit_are_told_with_both_shapes(weights: list[Array], message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        translate("nn.Conv2d(4, 2, 3, bias=False)", "keras").load(weights)


def test_a_list_is_translated_to_a_list_in_its_order() -> None:
    first, second = translate(["nn.Conv2d(4, 2, 3)", torch.nn.Conv1d(2, 2, 2)], "numpy")
    assert (first.verified, second.verified) == (True, True)
    assert first.source == "nn.Conv2d(4, 2, 3)"
    assert second.source == "torch.nn.Conv1d(2, 2, (2,))"
    assert (first.weights is None, second.weights is None) == (True, False)
    assert translate([], "numpy") == []
