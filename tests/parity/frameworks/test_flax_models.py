"""What is told of Flax's models, linen's and nnx's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity import models
from parity.frameworks.model import ModelError
from parity.models.given import open_model
from parity.records.counts import Outcome
from tests.support.watched import Watched, check

jax = pytest.importorskip("jax")
pytest.importorskip("flax")

from flax import linen, nnx  # noqa: E402 - where there is one

X = np.random.default_rng(0).standard_normal((2, 3, 9, 8), dtype=np.float32)


class Block(linen.Module):  # type: ignore[misc] # Flax is Any
    """Layers within a module of linen, some of them compiled."""

    train: bool

    @linen.compact  # type: ignore[untyped-decorator] # as above
    def __call__(self, x: Any) -> Any:  # noqa: ANN401 - JAX's arrays
        """Apply them."""
        x = linen.Conv(8, (3, 3), strides=2, name="down")(x)
        x = linen.relu(linen.BatchNorm(use_running_average=not self.train)(x))
        x = linen.Conv(8, (3, 2), feature_group_count=4, kernel_dilation=2, use_bias=False)(x)
        return linen.ConvTranspose(4, (3, 3), strides=(2, 2))(x)


class Net(linen.Module):  # type: ignore[misc] # as above
    """A module within another, called under jit."""

    @linen.compact  # type: ignore[untyped-decorator] # as above
    def __call__(self, x: Any, train: bool = True) -> Any:  # noqa: ANN401, FBT001, FBT002 - as people write it
        """Apply it."""
        return linen.jit(Block)(train, name="block")(x)


class Nnx(nnx.Module):  # type: ignore[misc] # as above
    """Layers of nnx, one of them in a list."""

    def __init__(self, *, transpose_kernel: bool = False) -> None:
        rngs = nnx.Rngs(0)
        self.first = nnx.Conv(3, 8, (3, 3), padding="CIRCULAR", rngs=rngs)
        up = nnx.ConvTranspose(8, 4, (3, 3), strides=2, transpose_kernel=transpose_kernel, rngs=rngs)
        self.more = nnx.List([up])
        self.dropout = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x: Any) -> Any:  # noqa: ANN401 - JAX's arrays
        """Apply them."""
        return self.more[0](self.dropout(nnx.relu(self.first(x))))


def test_linens_layers_are_told_with_their_paths() -> None:
    module = Net()
    variables = module.init(jax.random.key(1), np.moveaxis(X, 1, -1), train=False)
    for model in ((module, variables), module.bind(variables)):
        found = Watched(model, X)
        assert found.names == ["block/down", "block/Conv_0", "block/ConvTranspose_0"]
        assert found.unread == ()
        check(found)
    use = found[1][0]
    assert use.state == ("state['params']['block']['Conv_0']['kernel']",)
    assert use.case.groups == 4


def test_a_module_without_variables_is_said_to_have_drawn_ones() -> None:
    found = Watched(Net(), X)
    assert "drawn with jax.random.key(0)" in found.model.notes[0]
    check(found)


@pytest.mark.parametrize("transpose_kernel", [False, True])
def test_nnxs_layers_are_told_with_their_paths(transpose_kernel: bool) -> None:  # noqa: FBT001 - a parameter
    model = Nnx(transpose_kernel=transpose_kernel)
    calls = nnx.Conv.__call__, nnx.ConvTranspose.__call__, jax.lax.conv_general_dilated
    found = Watched(model, X)
    assert found.names == ["first", "more.0"]
    assert found[1][0].state == ("state['more'][0]['kernel']", "state['more'][0]['bias']")
    assert found[0][0].case.padding_mode == "circular"
    check(found)
    assert (nnx.Conv.__call__, nnx.ConvTranspose.__call__, jax.lax.conv_general_dilated) == calls
    assert not model.dropout.deterministic  # it trains as before


def test_a_weight_norm_has_no_state() -> None:
    class Normed(linen.Module):  # type: ignore[misc] # Flax is Any
        @linen.compact  # type: ignore[untyped-decorator] # as above
        def __call__(self, x: Any) -> Any:  # noqa: ANN401 - JAX's arrays
            return linen.WeightNorm(linen.Conv(4, (3, 3), name="conv"))(linen.Conv(3, (1, 1))(x))

    found = Watched(Normed(), X)
    assert [bool(use.state) for use, _, _ in found] == [True, False]
    check(found)


def test_jaxs_own_functions_are_named_and_not_read() -> None:
    class Direct(nnx.Module):  # type: ignore[misc] # Flax is Any
        def __call__(self, x: Any) -> Any:  # noqa: ANN401 - JAX's arrays
            return jax.lax.conv(x, np.ones((2, 9, 1, 1), np.float32), (1, 1), "SAME")

    found = Watched(Direct(), X)
    assert not found
    assert [each.name for each in found.unread] == ["the model:lax.conv"]


def test_a_model_that_raises_is_one_sentence() -> None:
    with pytest.raises(ModelError, match="the nnx model Nnx raised on inputs of 2x9x9x8"):
        open_model(Nnx()).run([np.zeros((2, 9, 9, 8), np.float32)], lambda *_: None)
    with pytest.raises(ModelError, match="the linen model Net raised"):
        open_model(Net()).run([X[0, 0]], lambda *_: None)


def test_a_models_own_arrays_are_of_32_bits_as_without_this_tool() -> None:
    class Own(linen.Module):  # type: ignore[misc] # Flax is Any
        @linen.compact  # type: ignore[untyped-decorator] # as above
        def __call__(self, x: Any) -> Any:  # noqa: ANN401 - JAX's arrays
            return linen.Conv(4, (3, 3))(x + jax.numpy.ones(x.shape))

    found = Watched(Own(), X)
    assert found.unread == ()
    check(found)
    assert jax.config.jax_enable_x64  # as this tool has it


class Scaled(nnx.Conv):  # type: ignore[misc] # Flax is Any
    """A layer that computes something else than its class."""

    def __call__(self, x: Any) -> Any:  # noqa: ANN401 - JAX's arrays
        """Scale the output."""
        return 2 * super().__call__(x)


class Plain(nnx.Conv):  # type: ignore[misc] # as above
    """A layer with another name."""

    def __init__(self) -> None:
        super().__init__(3, 4, (3, 3), rngs=nnx.Rngs(0))


class Strided(linen.Conv):  # type: ignore[misc] # as above
    """A layer with another default."""

    strides: Any = 2


def test_subclasses_are_read_where_they_compute_what_their_class_does() -> None:
    for model in (Plain(), Strided(4, (3, 3))):
        found = Watched(model, X)
        assert found.unread == ()
        check(found)
    assert found[0][0].case.stride == (2, 2)
    scaled = Watched(Scaled(3, 4, (3, 3), rngs=nnx.Rngs(0)), X)
    assert not scaled
    [unread] = scaled.unread
    assert unread.name == "Scaled"


def test_a_layer_within_a_transform_is_named_and_not_read() -> None:
    class Mapped(linen.Module):  # type: ignore[misc] # Flax is Any
        @linen.compact  # type: ignore[untyped-decorator] # as above
        def __call__(self, x: Any) -> Any:  # noqa: ANN401 - JAX's arrays
            return linen.remat(linen.Conv)(4, (3, 3))(x)

    found = Watched(Mapped(), X)
    assert not found
    assert "within a transform" in found.unread[0].reason


def test_an_nnx_model_is_told_that_it_is_used() -> None:
    class Told(nnx.Module):  # type: ignore[misc] # Flax is Any
        def __init__(self) -> None:
            self.conv = nnx.Conv(3, 4, (3, 3), rngs=nnx.Rngs(0))

        def __call__(self, x: Any, train: bool) -> Any:  # noqa: ANN401, FBT001 - as people write it
            return x if train else self.conv(x)

    assert Watched(Told(), X).names == ["conv"]


def test_a_flax_model_is_compared_and_ported() -> None:
    model = Nnx()
    assert models.compare(model, model, [X]).outcome is Outcome.EXPLAINED
    other = Nnx(transpose_kernel=True)
    kernel = model.more[0].kernel
    other.more[0].kernel = nnx.Param(np.moveaxis(np.asarray(kernel[...]), -1, -2))  # and not flipped
    other.more[0].bias = model.more[0].bias
    first = models.compare(model, other, [X]).first
    assert first is not None
    assert (first.ours, first.cause) == ("more.0", "weights")
    assert "its kernel is flipped on every axis" in first.sentence
    found = models.port(model, "numpy", [X])
    assert found.outcome is Outcome.EXPLAINED
