"""What is told of Keras's models: every convolution, in layers and outside of them, before its activation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity.frameworks.model import ModelError
from parity.models.given import open_model
from tests.support.watched import Watched, check

keras = pytest.importorskip("keras")

from keras import layers, ops  # noqa: E402 - where there is one
from keras.src import backend  # noqa: E402

X = np.random.default_rng(0).standard_normal((2, 3, 9, 8), dtype=np.float32)


class Own(layers.Conv2D):  # type: ignore[misc] # Keras is Any
    """A subclass with a call of its own."""

    def call(self, inputs: Any) -> Any:  # noqa: ANN401 - Keras's tensors
        """Convolve what is doubled."""
        return super().call(inputs * 2)


class Block(layers.Layer):  # type: ignore[misc] # as above
    """A layer with one inside, and a kernel of its own."""

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - Keras's
        super().__init__(**given)
        self.inner = layers.Conv2D(4, 3, padding="same", activation="relu", name="inner")
        self.kernel = self.add_weight(shape=(2, 2, 4, 5), name="kernel")

    def call(self, inputs: Any) -> Any:  # noqa: ANN401 - Keras's tensors
        """Convolve twice."""
        return ops.conv(self.inner(inputs), self.kernel, strides=2, padding="same")


def functional() -> Any:  # noqa: ANN401 - a model
    """A model of every kind of layer."""
    keras.utils.set_random_seed(0)
    x = first = keras.Input((9, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="plain")(x)
    x = layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2, name="depthwise")(x)
    x = layers.SeparableConv2D(6, (2, 1), activation="tanh", name="separable")(x)
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="gelu", name="up")(x)
    x = Own(4, 3, activation="relu", name="own")(x)
    shared = Block(name="block")
    y = shared(x)
    x = layers.Concatenate()([shared(layers.Rescaling(2.0)(x)), y])
    return keras.Model(first, layers.Dense(2)(layers.Flatten()(x)))


NAMES = [
    "plain",
    "depthwise",
    "separable/depthwise",
    "separable/pointwise",
    "up",
    "own",
    *["block/inner", "block"] * 2,
]


def test_each_convolution_is_told_before_its_activation() -> None:
    found = Watched(functional(), X)
    assert found.names == NAMES
    assert found.unread == ()
    check(found)
    uses = {use.name: use for use, _, _ in found}
    assert uses["plain"].state == ("state['plain'][0]", "state['plain'][1]")
    assert uses["separable/pointwise"].state == ("state['separable'][1]", "state['separable'][2]")
    assert uses["block"].state == ("state['block'][0]",)
    assert "activation" not in uses["plain"].text
    assert uses["own"].bias is not None


def test_the_model_is_left_as_it_was() -> None:
    model = functional()
    before = [each.copy() for each in model.get_weights()]
    activation, call = model.get_layer("plain").activation, layers.Layer.__call__
    functions = backend.nn.conv
    Watched(model, X)
    with pytest.raises(ModelError, match="raised on inputs of 2x3x8"):
        open_model(layers.Conv2D(2, 3)).run([X[:, :, 0]], lambda *_: None)
    assert model.get_layer("plain").activation is activation
    assert layers.Layer.__call__ is call
    assert backend.nn.conv is functions
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_files_are_models(tmp_path: Path, suffix: str) -> None:
    model = keras.Sequential([keras.Input((9, 8, 3)), layers.Conv2D(4, 3, name="conv")])
    path = tmp_path / f"model{suffix}"
    model.save(path)
    found = Watched(path, X)
    assert found.names == ["conv"]
    assert found.model.declared == ((None, 3, 9, 8),)
    check(found)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_that_holds_no_model_is_one_sentence(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"something else")
    with pytest.raises(ModelError, match="Keras cannot load it"):
        open_model(path)


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x + 1)])
    path = tmp_path / "model.keras"
    model.save(path)
    with pytest.raises(ModelError, match="Keras cannot load it"):
        open_model(path)


def test_subclassed_models_are_watched_as_they_run() -> None:
    class Net(keras.Model):  # type: ignore[misc,name-defined] # Keras is Any
        def __init__(self) -> None:
            super().__init__()
            self.conv = layers.Conv2D(4, 3, name="conv")
            self.block = Block(name="block")

        def call(self, inputs: Any) -> Any:  # noqa: ANN401 - Keras's tensors
            return self.block(self.conv(inputs))

    found = Watched(Net(), X)
    assert found.names == ["conv", "block/inner", "block"]
    assert "was not built" in found.model.notes[0]
    check(found)


def test_the_layout_is_the_models_own() -> None:
    x = first = keras.Input((3, 9, 8))
    x = layers.Conv2D(4, 3, data_format="channels_first", name="conv")(x)
    model = keras.Model(first, x)
    found = Watched(model, X)
    assert found[0][1].shape == X.shape
    assert "channels_first" in found[0][0].text
    assert found.model.declared == ((None, 3, 9, 8),)
    check(found)
    with pytest.raises(ModelError, match=r"input 1,9,8,4: .* takes \?,3,9,8, channels first"):
        Watched(model, np.zeros((1, 9, 8, 4), np.float32))


def test_other_ranks_are_read() -> None:
    kinds = {1: (layers.Conv1D, layers.Conv1DTranspose), 3: (layers.Conv3D, layers.Conv3DTranspose)}
    for rank, (kind, transposed) in kinds.items():
        shape = (2, 3, *(5, 6, 4)[:rank])
        up = transposed(2, 3, strides=2, padding="same")
        model = keras.Sequential([keras.Input((*shape[2:], 3)), kind(4, 2, dilation_rate=2), up])
        found = Watched(model, np.random.default_rng(0).standard_normal(shape, np.float32))
        assert [use.case.rank for use, _, _ in found] == [rank, rank]
        check(found)


def test_a_dynamic_kernel_is_named_with_its_reason() -> None:
    class Dynamic(layers.Layer):  # type: ignore[misc] # Keras is Any
        def call(self, inputs: Any) -> Any:  # noqa: ANN401 - Keras's tensors
            return ops.conv(inputs, ops.ones((2, 2, 3, 1)) * ops.mean(inputs))

    found = Watched(keras.Sequential([keras.Input((9, 8, 3)), Dynamic(name="dynamic")]), X)
    assert not found
    assert [each.name for each in found.unread] == ["dynamic:conv"]
    assert "computed while the model runs" in found.unread[0].reason
