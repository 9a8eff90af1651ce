"""Flax's layers as functions of the input and their weights, on NumPy's arrays."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.cases.arrays import Array
from parity.frameworks.code.script import Script
from parity.frameworks.jax.arrays import SWITCHES, called, pulled_back
from parity.frameworks.jax.installation import load

_NAMES = ("kernel", "bias")

_KEPT = 64
"""Functions that a process keeps; what JAX compiles them to is forgotten sooner."""


def call(layer: Any, weights: Sequence[Array], x: Array, *, jit: bool = False) -> Array:
    """Call a layer of linen or nnx on (N, C, *spatial); (N, O, *spatial)."""
    function = _compiled(_This(layer)) if jit else _function(layer)
    return np.moveaxis(called(function, (np.moveaxis(x, 1, -1), *weights)), -1, 1)


def backward(layer: Any, weights: Sequence[Array], x: Array, dy: Array) -> tuple[Array, list[Array]]:
    """Return the gradients by the input and the layer's weights, by ``jax.vjp``."""
    arrays = (np.moveaxis(x, 1, -1), *weights)
    by_input, *by_weights = pulled_back(_function(layer), arrays, np.moveaxis(dy, 1, -1))
    return np.moveaxis(by_input, -1, 1), by_weights


@dataclass(frozen=True, eq=False)
class _This:
    """A layer, equal to itself alone: linen's are to all of the same arguments, and some are not hashable."""

    layer: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _This) and self.layer is other.layer

    def __hash__(self) -> int:
        return id(self.layer)


@functools.lru_cache(maxsize=_KEPT)
def _compiled(this: _This) -> Callable[..., Any]:
    """Return the function of a layer, which JAX compiles when it is first called on arrays of such shapes."""
    compiled: Callable[..., Any] = load().jit(_function(this.layer))
    return compiled


def _function(layer: Any) -> Callable[..., Any]:
    """Return the layer as a function of the input, channels last, and its weights."""
    from flax import linen, nnx  # noqa: PLC0415 - imported when first used

    if isinstance(layer, nnx.Module):
        return _of_nnx(nnx, layer)

    def apply(x: Any, *weights: Any) -> Any:
        own = dict(zip(_NAMES, weights, strict=False))
        return layer.apply({"params": _parameters(linen, layer, own)}, x)

    return apply


def _parameters(linen: Any, layer: Any, own: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a layer, or of a Sequential of it, a padding before, and an activation."""
    if not isinstance(layer, linen.Sequential):
        return own
    place = next(number for number, each in enumerate(layer.layers) if isinstance(each, linen.Module))
    return {f"layers_{place}": _parameters(linen, layer.layers[place], own)}


def _of_nnx(nnx: Any, layer: Any) -> Callable[..., Any]:
    graph, state = nnx.split(layer)

    def apply(x: Any, *weights: Any) -> Any:
        own = nnx.merge(graph, state)
        for name, weight in zip(_NAMES, weights, strict=False):
            setattr(own, name, nnx.Param(weight))
        return own(x)

    return apply


_APPLY = f"""\
{SWITCHES}
arrays = [jax.numpy.asarray(array, {{dtype!r}}) for array in (np.moveaxis(x, 1, -1), *converted)]


def apply(x, *weights):
    weights = dict(zip(("kernel", "bias"), weights))
    if isinstance(layer, flax.linen.Sequential):  # the layer behind a padding
        weights = {{{{"layers_1": weights}}}}
    if not isinstance(layer, flax.nnx.Module):
        return layer.apply({{{{"params": weights}}}}, x)
    graph, state = flax.nnx.split(layer)
    own = flax.nnx.merge(graph, state)
    for name, weight in weights.items():
        setattr(own, name, flax.nnx.Param(weight))
    return own(x)


"""

_MODULES = ("jax", "flax.linen", "flax.nnx")


def calling(dtype: str, *, jit: bool) -> Script:
    """Write what :func:`call` does."""
    apply = "jax.jit(apply)" if jit else "apply"
    statement = f'y = np.moveaxis(np.asarray({apply}(*arrays)).astype("float64"), -1, 1)'
    return Script(_MODULES, _APPLY.format(dtype=dtype) + statement)


def differentiating(dtype: str) -> Script:
    """Write what :func:`backward` does."""
    return Script(
        _MODULES,
        f"""\
{_APPLY.format(dtype=dtype)}_, pull_back = jax.vjp(apply, *arrays)
found = pull_back(jax.numpy.asarray(np.moveaxis(dy, 1, -1), {dtype!r}))
by_input, *by_weights = [np.asarray(each).astype("float64") for each in found]
gradients = [np.moveaxis(by_input, -1, 1), *by_weights]""",
    )
