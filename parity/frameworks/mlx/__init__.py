"""MLX on the processor: the layers of ``mlx.nn`` and functions of ``mlx.core``, channels last.

Kernels are (O, *kernel, C/groups) of either operation. The functions know groups over one and two axes, the
transposed layers of ``mlx.nn`` none. Sources: see :mod:`parity.frameworks.mlx.rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.cases.arrays import Array, numpy_dtype
from parity.cases.case import Case
from parity.frameworks.code.script import Script
from parity.frameworks.distributions import installed_version, not_installed
from parity.frameworks.interface import Framework
from parity.frameworks.mlx.exact import exact
from parity.frameworks.mlx.read import CLASSES, PREFIXES, read
from parity.frameworks.mlx.rules import (
    arguments,
    find_lookalike,
    find_native,
    natives,
    spelling,
    why_not,
)
from parity.frameworks.mlx.window_rules import WINDOWS
from parity.frameworks.precision import Mode, accumulated_in_float32
from parity.frameworks.spelling import Spelling, Unsupported

_BACKENDS = ("mlx-cpu", "mlx-metal", "mlx-cuda-13", "mlx-cuda-12", "mlx-cuda")
"""Distributions of which MLX needs one to compute."""

_ACTIVATIONS = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "elu": "ELU",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "silu": "SiLU",
    "swish": "SiLU",
}


def load() -> Any:
    """Import MLX."""
    import mlx.core  # noqa: PLC0415 - imported when first used
    import mlx.nn  # noqa: PLC0415 - imported when first used

    return mlx


_GIVEN = """\
given = mlx.core.array(np.moveaxis(x, 1, -1), dtype=mlx.core.{dtype})
arrays = [mlx.core.array(each, dtype=mlx.core.{dtype}) for each in converted]


def call(layer, given, kernel, *bias):
    if isinstance(layer, mlx.nn.Sequential):
        first, *others = layer.layers
        return mlx.nn.Sequential(*others)(call(first, given, kernel, *bias))
    if not isinstance(layer, mlx.nn.Module):
        return sum(bias, layer(given, kernel))
    layer.update(dict(zip(("weight", "bias"), (kernel, *bias))))
    return layer(given)


"""
"""What the scripts begin with."""


@dataclass(frozen=True)
class MLX(Framework):
    """MLX's layers, channels last, on the processor."""

    name = "mlx"
    extra = "mlx"
    classes = CLASSES
    prefixes = PREFIXES
    windows = WINDOWS
    load = staticmethod(load)
    read = staticmethod(read)

    def why_unavailable(self) -> str | None:
        """Return that MLX, or what it computes with, is not installed, or None."""
        if not installed_version("mlx"):
            return not_installed("mlx", "'convparity[mlx]'")
        return None if installed_version(*_BACKENDS) else not_installed("mlx-cpu", "'mlx[cpu]'")

    def version(self) -> str:
        """Return MLX's version."""
        return str(installed_version("mlx"))

    def backend(self) -> str | None:
        """Return which distribution has its kernels."""
        found = ((name, installed_version(name)) for name in _BACKENDS)
        return next((f"{name} {version}" for name, version in found if version), None)

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return the layers whose arguments mean the case; else why not, a lookalike, an exact one."""
        candidates = list(arguments(case))
        meant = natives(case, find_native(case, candidates))
        if meant:
            refused = all(each.refusal for each in meant)
            return [*meant, *(each for each in exact(case) if refused and not each.refusal)]
        taken = find_lookalike(case, candidates)
        looks = [] if taken is None else [spelling("lookalike", taken)]
        return [Unsupported(why_not(case)), *looks, *exact(case)]

    def exact(self, case: Case, *, any_size: bool = False) -> list[Spelling]:
        """Return a function of MLX's that computes the case, put together where none alone does."""
        return exact(case, any_size=any_size)

    def activation(self, name: str) -> str | None:
        """Return a statement that puts the module of this Keras activation behind ``layer``."""
        found = _ACTIVATIONS.get(name)
        return found and f"import mlx.nn\nlayer = mlx.nn.Sequential(layer, mlx.nn.{found}())"

    def mode(self, case: Case) -> Mode:
        """Return that half types are summed up in float32 and rounded, and the bias is added in them."""
        return accumulated_in_float32(case.dtype, bias_apart=True)

    def mode_of_gradients(self, case: Case) -> Mode:
        """Return that half types are summed up in float32 and rounded once."""
        return accumulated_in_float32(case.dtype)

    def pin(self, threads: int) -> dict[str, Any]:
        """Choose the processor, and the threads of its matrix products."""
        from threadpoolctl import threadpool_limits  # noqa: PLC0415 - once the libraries are loaded

        mx = load().core
        mx.set_default_device(mx.cpu)
        threadpool_limits(threads)
        return {"threads": threads, "device": str(mx.default_device())}

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:
        """Give the layer its weights and call it on (N, *spatial, C)."""
        y = _applied(layer, _to_mlx(np.moveaxis(x, 1, -1)), *map(_to_mlx, weights))
        return np.moveaxis(_to_numpy(y), -1, 1)

    def calling(self, dtype: str) -> Script:
        """Give the layer its weights and call it."""
        return Script(
            ("mlx.core", "mlx.nn"),
            f"""\
{_GIVEN.format(dtype=dtype)}\
y = np.moveaxis(np.array(call(layer, given, *arrays).astype(mlx.core.float64)), -1, 1)""",
        )

    def why_no_gradients(self) -> None:
        """Return None: MLX has vjp."""

    def backward(
        self, layer: Any, weights: Sequence[Array], x: Array, dy: Array
    ) -> tuple[Array, list[Array]]:
        """Return the gradients by the input and the layer's weights, by ``mlx.core.vjp``."""
        given, by_output = (_to_mlx(np.moveaxis(each, 1, -1)) for each in (x, dy))
        primals = [given, *map(_to_mlx, weights)]
        _, found = load().core.vjp(lambda *arrays: _applied(layer, *arrays), primals, [by_output])
        by_input, *by_weights = map(_to_numpy, found)
        return np.moveaxis(by_input, -1, 1), by_weights

    def differentiating(self, dtype: str) -> Script:
        """Differentiate the layer."""
        return Script(
            ("mlx.core", "mlx.nn"),
            f"""\
{_GIVEN.format(dtype=dtype)}\
by_output = mlx.core.array(np.moveaxis(dy, 1, -1), dtype=mlx.core.{dtype})
_, found = mlx.core.vjp(lambda *each: call(layer, *each), [given, *arrays], [by_output])
by_input, *by_weights = [np.array(each.astype(mlx.core.float64)) for each in found]
gradients = [np.moveaxis(by_input, -1, 1), *by_weights]""",
        )


def _applied(layer: Any, given: Any, kernel: Any, *bias: Any) -> Any:
    """Call a module with these weights, or a function on them, whose bias is added behind it."""
    if isinstance(layer, load().nn.Sequential):
        first, *others = layer.layers
        return load().nn.Sequential(*others)(_applied(first, given, kernel, *bias))
    if not isinstance(layer, load().nn.Module):
        return sum(bias, layer(given, kernel))
    layer.update(dict(zip(("weight", "bias"), (kernel, *bias), strict=False)))
    return layer(given)


def _to_mlx(array: Array) -> Any:
    mx = load().core
    return mx.array(np.ascontiguousarray(array), dtype=getattr(mx, array.dtype.name))


def _to_numpy(array: Any) -> Array:
    mx = load().core
    if array.dtype == mx.bfloat16:
        return np.array(array.view(mx.uint16)).view(numpy_dtype("bfloat16"))
    return np.array(array)
