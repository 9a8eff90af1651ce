"""Gradients of Keras's layers: each backend has its own way to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from parity.cases.arrays import Array
from parity.frameworks.code.script import Script
from parity.frameworks.keras.installation import backend_name, load
from parity.frameworks.keras.tensors import build, has_channels_first, to_keras, to_numpy
from parity.frameworks.routes.way import Code

Run = Callable[[Any, Any], Any]
"""Calls a layer on its input."""


def why_no_gradients() -> str | None:
    """Return that the backend cannot differentiate, or None."""
    if backend_name() in _WAYS:
        return None
    return f"Keras's backend {backend_name()!r} only infers; gradients need one of {', '.join(_WAYS)}"


def backward(
    layer: Any, weights: Sequence[Array], x: Array, dy: Array, run: Run
) -> tuple[Array, list[Array]]:
    """Return the gradients by the input and the layer's weights, by the backend's own differentiation.

    ``run`` calls the layer on its input; JAX, whose layers have no state, has it called as it is.
    """
    first = has_channels_first(layer)
    given = to_keras(x, channels_first=first)
    build(layer, given.shape, weights)
    by_input, *by_weights = _WAYS[backend_name()](run, layer, given, to_keras(dy, channels_first=first))
    weights_of = load().ops.convert_to_numpy
    return to_numpy(by_input, channels_first=first), [weights_of(each) for each in by_weights]


def _by_tensorflow(run: Run, layer: Any, given: Any, dy: Any) -> Sequence[Any]:
    import tensorflow as tf  # noqa: PLC0415 - imported when first used

    with tf.GradientTape() as tape:
        tape.watch(given)
        output = run(layer, given)
    sources = [given, *(weight.value for weight in layer.trainable_weights)]
    return tape.gradient(output, sources, output_gradients=dy)  # type: ignore[no-any-return]


def _by_torch(run: Run, layer: Any, given: Any, dy: Any) -> Sequence[Any]:
    import torch  # noqa: PLC0415 - imported when first used

    given.requires_grad_()
    sources = [given, *(weight.value for weight in layer.trainable_weights)]
    return torch.autograd.grad(run(layer, given), sources, dy)  # type: ignore[no-any-return]


def _by_jax(_run: Run, layer: Any, given: Any, dy: Any) -> Sequence[Any]:
    import jax  # noqa: PLC0415 - imported when first used

    def call(weights: Sequence[Any], x: Any) -> Any:
        return layer.stateless_call(weights, [], x)[0]

    _, pull_back = jax.vjp(call, [weight.value for weight in layer.trainable_weights], given)
    by_weights, by_input = pull_back(dy)
    return [by_input, *by_weights]


_CODE = {
    "tensorflow": (
        "tensorflow as tf",
        """\
with tf.GradientTape() as tape:
    tape.watch(given)
    output = layer(given)
sources = [given, *(weight.value for weight in layer.trainable_weights)]
found = tape.gradient(output, sources, output_gradients=by_output)""",
    ),
    "torch": (
        "torch",
        """\
given.requires_grad_()
sources = [given, *(weight.value for weight in layer.trainable_weights)]
found = torch.autograd.grad(layer(given), sources, by_output)""",
    ),
    "jax": (
        "jax",
        """\
weights = [weight.value for weight in layer.trainable_weights]
_, pull_back = jax.vjp(lambda given, weights: layer.stateless_call(weights, [], given)[0], given, weights)
by_input, by_weights = pull_back(by_output)
found = [by_input, *by_weights]""",
    ),
}
"""Each backend's module, and its way as statements."""


def differentiating(dtype: str, code: Code) -> Script:
    """Return what :func:`backward` does, as code; ``code`` is the call of the layer."""
    module, way = _CODE[backend_name()]
    way = way.replace("layer(given)", code.call)
    return Script(
        ("keras", module, *code.imports),
        f"""\
given, by_output = (
    keras.ops.convert_to_tensor(np.moveaxis(array, 1, -1), dtype={dtype!r}) for array in (x, dy)
)
if not layer.built:
    layer.build(given.shape)
layer.set_weights(converted)
{way}
by_input, *by_weights = [keras.ops.convert_to_numpy(each).astype("float64") for each in found]
gradients = [np.moveaxis(by_input, -1, 1), *by_weights]""",
    )


_WAYS: dict[str, Callable[[Run, Any, Any, Any], Sequence[Any]]] = {
    "tensorflow": _by_tensorflow,
    "torch": _by_torch,
    "jax": _by_jax,
}
