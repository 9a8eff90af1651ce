"""What is told of Flax's models, linen's and nnx's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import convmm
from parity import models
from parity.frameworks.model import ModelError
from parity.models.given import open_model
from parity.records.counts import Outcome
from tests.support.watched import Watched

jax = pytest.importorskip("jax")
pytest.importorskip("flax")

from flax import linen, nnx  # noqa: E402 - where there is one

X = np.random.default_rng(0).standard_normal((2, 3, 9, 8), dtype=np.float32)


def check(found: Watched) -> None:
    """Check that each call is computed again alike, and that convmm gives the same of what is read of it."""
    assert found
    for use, x, y in found:
        assert use.case.output_shape == y.shape
        assert np.allclose(use.again(x), y, rtol=0, atol=1e-6 * np.abs(y).max())
        kind = convmm.conv_transpose if use.case.transposed else convmm.conv
        core = kind(x, use.kernel, use.bias, **use.case.explicit)
        assert np.abs(core - y).max() <= 1e-5 * np.abs(core).max()


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
