"""Gradients of Keras's layers: each backend has its own way to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from parity.cases.arrays import Array
from parity.frameworks.keras.installation import backend_name, load
from parity.frameworks.keras.tensors import build, to_keras, to_numpy


def why_no_gradients() -> str | None:
    """Return that the backend cannot differentiate, or None."""
    if backend_name() in _WAYS:
        return None
    return f"Keras's backend {backend_name()!r} only infers; gradients need one of {', '.join(_WAYS)}"


def backward(layer: Any, weights: Sequence[Array], x: Array, dy: Array) -> tuple[Array, list[Array]]:
    """Return the gradients by the input and the layer's weights, by the backend's own differentiation."""
    given = to_keras(x)
    build(layer, given, weights)
    by_input, *by_weights = _WAYS[backend_name()](layer, given, to_keras(dy))
    return to_numpy(by_input), [load().ops.convert_to_numpy(each) for each in by_weights]


def _by_tensorflow(layer: Any, given: Any, dy: Any) -> Sequence[Any]:
    import tensorflow as tf  # noqa: PLC0415 - imported when first used

    with tf.GradientTape() as tape:
        tape.watch(given)
        output = layer(given)
    sources = [given, *(weight.value for weight in layer.trainable_weights)]
    return tape.gradient(output, sources, output_gradients=dy)  # type: ignore[no-any-return]


def _by_torch(layer: Any, given: Any, dy: Any) -> Sequence[Any]:
    import torch  # noqa: PLC0415 - imported when first used

    given.requires_grad_()
    sources = [given, *(weight.value for weight in layer.trainable_weights)]
    return torch.autograd.grad(layer(given), sources, dy)  # type: ignore[no-any-return]


def _by_jax(layer: Any, given: Any, dy: Any) -> Sequence[Any]:
    import jax  # noqa: PLC0415 - imported when first used

    def call(weights: Sequence[Any], x: Any) -> Any:
        return layer.stateless_call(weights, [], x)[0]

    _, pull_back = jax.vjp(call, [weight.value for weight in layer.trainable_weights], given)
    by_weights, by_input = pull_back(dy)
    return [by_input, *by_weights]


_WAYS: dict[str, Callable[[Any, Any, Any], Sequence[Any]]] = {
    "tensorflow": _by_tensorflow,
    "torch": _by_torch,
    "jax": _by_jax,
}
