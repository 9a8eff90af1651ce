"""Keras's models that are called in unusual ways, and layers that compute something of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity.cases.arrays import Array
from parity.frameworks.model import ModelError
from parity.models.given import open_model
from parity.records.counts import Outcome
from parity.translation.translator import translate
from tests.support.model_calls import by_convmm, told
from tests.support.watched import Watched

keras = pytest.importorskip("keras")

from keras import layers, ops  # noqa: E402 - where there is one

X = np.random.default_rng(0).standard_normal((2, 3, 9, 8), dtype=np.float32)


def check(model: Any, *inputs: Array) -> list[str]:  # noqa: ANN401 - a model
    """Check each call, of which all are read, by another computation; return the layers' names."""
    found = told(open_model(model), inputs or (X,))
    for use, x, y in found:
        assert np.array_equal(use.again(x), y)
        assert use.case.output_shape == y.shape
        assert np.abs(by_convmm(use, x) - y).max() <= 1e-5 * np.abs(y).max()
    return [each.use.name for each in found]


def of_call(call: Callable[..., Any], *inner: Any) -> Any:  # noqa: ANN401 - layers
    """Return a subclassed model that calls its layers so."""

    class Net(keras.Model):  # type: ignore[misc,name-defined] # Keras is Any
        def __init__(self) -> None:
            super().__init__()
            self.inner = list(inner)

    Net.call = call
    return Net()


def of_kernel(call: Callable[..., Any]) -> Any:  # noqa: ANN401 - a model
    """Return a model of one subclass of Conv2D, which is called so, with a bias and an activation."""

    class Own(layers.Conv2D):  # type: ignore[misc] # Keras is Any
        pass

    Own.call = call
    own = Own(4, 3, activation="relu", bias_initializer="ones", name="own")
    return keras.Sequential([keras.Input((9, 8, 3)), own])


OWN: dict[str, tuple[Callable[..., Any], bool]] = {
    "added at once": (lambda own, x: own.activation(ops.conv(x, own.kernel) + own.bias), True),
    "another kernel": (lambda own, x: own.activation(ops.conv(x, own.kernel * 2) + own.bias), True),
    "no activation": (lambda own, x: ops.relu(ops.conv(x, own.kernel) + own.bias), False),
    "added later": (lambda own, x: own.activation(2 * ops.conv(x, own.kernel) + own.bias), False),
    "another shape": (lambda own, x: own.activation(ops.conv(x, own.kernel)[:, 1:] + own.bias), False),
}


@pytest.mark.parametrize("name", OWN)
def test_a_subclasss_bias_is_told_where_it_adds_it_at_once(name: str) -> None:
    call, bias = OWN[name]
    model = of_kernel(call)
    assert check(model) == ["own"]
    [(use, _, _)] = Watched(model, X)
    assert (use.bias is not None) == use.case.bias == bias


def test_each_kernel_of_a_layer_has_a_name() -> None:
    class Both(layers.Conv2D):  # type: ignore[misc] # Keras is Any
        def build(self, shape: Any) -> None:  # noqa: ANN401 - as Keras has it
            super().build(shape)
            self.other = self.add_weight(shape=(3, 3, 3, 4), name="other")

        def call(self, x: Any) -> Any:  # noqa: ANN401 - as above
            return self.activation(ops.conv(x, self.other) + ops.conv(x, self.kernel) + self.bias)

    model = keras.Sequential([keras.Input((9, 8, 3)), Both(4, 3, name="both")])
    assert check(model) == ["both", "both_1"]
    assert [use.state for use, _, _ in Watched(model, X)] == [("state['both'][2]",), ("state['both'][0]",)]


def test_layers_of_one_name_are_told_apart() -> None:
    first, second = (layers.Conv2D(4, 3, name="conv") for _ in range(2))
    model = of_call(lambda net, x: sum(net.inner[each](x) for each in (0, 1, 0)), first, second)
    assert check(model) == ["conv", "conv_1", "conv"]


def test_a_layer_has_the_name_by_which_it_is_called_first() -> None:
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    a, b = (keras.Sequential([shared], name=name) for name in "ab")
    assert check(keras.Sequential([keras.Input((9, 8, 3)), a, b])) == ["a/shared", "a/shared"]


def test_an_unbuilt_layer_is_known_as_it_is_built() -> None:
    layer = layers.Conv2D(4, 3, activation="relu", name="conv")
    [(use, _, _)] = Watched(layer, X)
    assert use.text == "keras.layers.Conv2D(4, (3, 3), input_shape=(None, None, 3))"
    assert check(layer) == ["conv"]


def test_shapes_that_keras_computes_are_no_part_of_the_run() -> None:
    net = of_call(lambda net, x: net.inner[0](x), layers.Conv2D(4, 3, name="conv"))
    assert check(net) == ["conv"]  # which fails of what is unread, as of symbols


def test_the_layer_in_a_time_distributed_is_told_with_its_bias() -> None:
    inner = layers.Conv2D(4, 3, name="conv", bias_initializer="ones", activation="relu")
    model = keras.Sequential([keras.Input((2, 9, 8, 3)), layers.TimeDistributed(inner, name="each")])
    x = np.random.default_rng(0).standard_normal((1, 3, 2, 9, 8), dtype=np.float32)
    assert check(model, x) == ["each/conv", "each/conv"]
    assert "call" not in vars(inner)


def test_causal_padding_grouped_and_dilated_layers_are_read_and_translated() -> None:
    model = keras.Sequential(
        [
            keras.Input((12, 4)),
            layers.Conv1D(6, 3, padding="causal", dilation_rate=2, groups=2),
            layers.SeparableConv1D(5, 3, strides=2, depth_multiplier=2, padding="same"),
        ]
    )
    x = np.random.default_rng(0).standard_normal((2, 4, 12), dtype=np.float32)
    check(model, x)
    found = Watched(model, x)
    assert found[0][0].case.padding == ((4, 0),)
    for use, _, _ in found:
        assert translate(use.text, "torch", input=use.case.input).outcome is Outcome.EXPLAINED


@pytest.mark.parametrize(("policy", "dtype"), [("mixed_float16", "float16"), ("bfloat16", "bfloat16")])
def test_the_dtype_is_that_of_the_computation(policy: str, dtype: str) -> None:
    model = keras.Sequential([keras.Input((9, 8, 3)), layers.Conv2D(4, 3, dtype=policy)])
    [(use, x, y)] = Watched(model, X)
    assert use.case.dtype == y.dtype == dtype
    assert np.array_equal(use.again(x), y)


def test_lora_is_computed_with_its_sum() -> None:
    model = keras.Sequential([keras.Input((9, 8, 3)), layers.Conv2D(4, 3, name="conv")])
    [conv] = model.layers
    conv.enable_lora(2)
    conv.lora_kernel_b.assign(np.ones(conv.lora_kernel_b.shape))
    assert check(model) == ["conv"]
    [(use, _, _)] = Watched(model, X)
    assert use.state == ()
    kernel = use.kernel.copy()
    conv.lora_kernel_b.assign(np.zeros(conv.lora_kernel_b.shape))
    assert not np.allclose(kernel, Watched(model, X)[0][0].kernel)


def test_a_convolution_of_an_instances_own_is_read_by_the_function() -> None:
    conv = layers.Conv2D(4, 3, name="conv")
    conv.convolution_op = lambda x, kernel: ops.conv(x, kernel * 2)
    assert check(keras.Sequential([keras.Input((9, 8, 3)), conv])) == ["conv"]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's function")
def test_a_convolution_beneath_keras_is_named() -> None:
    tf = pytest.importorskip("tensorflow")

    class Own(layers.Layer):  # type: ignore[misc] # Keras is Any
        def call(self, x: Any) -> Any:  # noqa: ANN401 - Keras's tensors
            return tf.nn.conv2d(x, tf.ones((2, 2, 3, 1)), 1, "SAME")

    original = tf.nn.conv2d
    found = Watched(keras.Sequential([keras.Input((9, 8, 3)), Own(name="own"), layers.Conv2D(2, 1)]), X)
    assert [each.name for each in found.unread] == ["own:conv2d"]
    assert "it calls tensorflow.nn.conv2d" in found.unread[0].reason
    assert len(found) == 1
    assert tf.nn.conv2d is original


def altered(path: Path, how: str) -> None:
    """Spoil the file of a model."""
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if how == "cut" else b"")


@pytest.mark.parametrize("how", ["cut", "emptied"])
@pytest.mark.parametrize(
    ("suffix", "said"), [(".keras", "no .keras archive, or is cut off"), (".h5", "file")]
)
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_spoilt_file_is_named_as_such(tmp_path: Path, how: str, suffix: str, said: str) -> None:
    path = tmp_path / f"model{suffix}"
    keras.Sequential([keras.Input((9, 8, 3)), layers.Conv2D(4, 3)]).save(path)
    altered(path, how)
    with pytest.raises(ModelError, match=f"Keras cannot load it: .*{said}"):
        open_model(path)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_class_that_a_file_lacks_is_named(tmp_path: Path, suffix: str) -> None:
    class Foreign(layers.Layer):  # type: ignore[misc] # Keras is Any
        pass

    path = tmp_path / f"model{suffix}"
    keras.Sequential([keras.Input((9, 8, 3)), Foreign(), layers.Conv2D(4, 3)]).save(path)
    with pytest.raises(ModelError, match="it has a Foreign, which is none of Keras's own: give module"):
        open_model(path)


def test_a_file_of_weights_alone_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "model.weights.h5"
    keras.Sequential([keras.Input((9, 8, 3)), layers.Conv2D(4, 3)]).save_weights(path)
    with pytest.raises(ModelError, match="No model config found"):
        open_model(path)


def two_inputs(kind: Callable[..., Any]) -> Any:  # noqa: ANN401 - a model
    """Return a model of two inputs, which are declared as a list or a dict."""
    image, numbers = keras.Input((9, 8, 3), name="image"), keras.Input((5,), name="numbers")
    outputs = [layers.Conv2D(2, 3, name="conv")(image), layers.Dense(2)(numbers)]
    return keras.Model(kind([("image", image), ("numbers", numbers)]), outputs)


def in_order(pairs: list[tuple[str, Any]]) -> list[Any]:
    """Return the inputs alone."""
    return [each for _, each in pairs]


@pytest.mark.parametrize("kind", [dict, in_order])
def test_inputs_are_given_as_the_model_has_them(kind: Callable[..., Any]) -> None:
    model, numbers = two_inputs(kind), np.ones((2, 5), np.float32)
    assert open_model(model).declared == ((None, 3, 9, 8), (None, 5))
    assert check(model, X, numbers) == ["conv"]
    ran = open_model(model).run([X, numbers], lambda *_: None)
    assert [each.shape for each in ran.outputs] == [(2, 2, 7, 6), (2, 2)]


def test_a_call_of_several_arguments_is_given_them_one_by_one() -> None:
    inner = [layers.Conv2D(2, 3, name=name) for name in "ab"]
    model = of_call(lambda net, x, y: net.inner[0](x) + net.inner[1](y), *inner)
    assert check(model, X, X) == ["a", "b"]


@pytest.mark.parametrize("number", [0, 1, 3])
def test_another_number_of_inputs_is_one_sentence(number: int) -> None:
    with pytest.raises(ModelError, match=r"takes \?,3,9,8 and \?,5, channels first; given is (nothing|2,3)"):
        check(two_inputs(dict), *[X] * number) if number else open_model(two_inputs(dict)).run([], print)


def test_images_that_are_made_of_numbers_have_their_channels_moved() -> None:
    up = layers.Conv2DTranspose(2, 3, name="up")
    model = keras.Sequential([keras.Input((16,)), layers.Reshape((4, 4, 1)), up])
    ran = open_model(model).run([np.ones((1, 16), np.float32)], lambda *_: None)
    assert ran.outputs[0].shape == (1, 2, 6, 6)


def test_what_a_call_updates_is_as_it_was() -> None:
    norm = layers.BatchNormalization()
    model = of_call(lambda net, x: net.inner[0](x, training=True), norm)
    model(np.moveaxis(X, 1, -1))
    before = [each.copy() for each in model.get_weights()]
    open_model(model).run([X], lambda *_: None)
    for old, new in zip(before, model.get_weights(), strict=True):
        assert np.array_equal(old, new)


@pytest.mark.parametrize("network", ["MobileNetV2", "Xception"])
def test_every_convolution_of_a_known_network_is_told(network: str) -> None:
    model = getattr(keras.applications, network)(weights=None, input_shape=(71, 71, 3), classes=2)
    kinds = (layers.Conv2D, layers.DepthwiseConv2D)
    separable = sum(isinstance(each, layers.SeparableConv2D) for each in model.layers)
    due = sum(isinstance(each, kinds) for each in model.layers) + 2 * separable
    x = np.random.default_rng(0).standard_normal((1, 3, 71, 71), dtype=np.float32)
    assert len(check(model, x)) == due == {"MobileNetV2": 52, "Xception": 74}[network]
