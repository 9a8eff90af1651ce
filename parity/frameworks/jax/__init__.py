"""JAX: the convolutions of ``jax.lax``, channels first by their dimension numbers, kernels as convmm's.

``conv_transpose`` knows no groups. By default it computes with the kernel as it is and not with the flipped
one, as torch and Keras do and ``transpose_kernel=True`` does. Sources: jax/_src/lax/convolution.py (jax
0.10), and runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parity.cases.arrays import Array
from parity.cases.case import PADDING_MODES, ZEROS, Case
from parity.frameworks.devices import CPU, CUDA
from parity.frameworks.distributions import installed_version
from parity.frameworks.interface import Framework
from parity.frameworks.jax.arrays import called, calling, differentiating, pulled_back
from parity.frameworks.jax.installation import load, pin, why_no_jax
from parity.frameworks.jax.layers import NO_GROUPS, compiled, filled, grouped, lookalikes, natives
from parity.frameworks.jax.precision import mode, mode_of_gradients
from parity.frameworks.jax.read import CLASSES, PREFIXES, read
from parity.frameworks.spelling import Spelling, Unsupported

_JIT = "jit"

_ACTIVATIONS = {
    **{name: name for name in ("relu", "relu6", "sigmoid", "tanh", "elu", "softplus", "silu")},
    "softsign": "soft_sign",
    "swish": "silu",
}


@dataclass(frozen=True)
class Jax(Framework):
    """JAX's convolutions, as functions of arrays.

    Attributes:
        on: the routes that it runs them on: "jit", the whole function compiled at once.
        device: that they compute on.
    """

    on: tuple[str, ...] = ()
    device: str = CPU

    extra = "jax"
    classes = CLASSES
    prefixes = PREFIXES
    padding_modes = PADDING_MODES
    mode = staticmethod(mode)
    mode_of_gradients = staticmethod(mode_of_gradients)
    load = staticmethod(load)
    read = staticmethod(read)
    calling = staticmethod(calling)
    differentiating = staticmethod(differentiating)

    @property
    def name(self) -> str:
        """The name, with its routes and its device."""
        name = "+".join(("jax", *self.on))
        return name if self.device == CPU else f"{name}@{self.device}"

    @property
    def devices(self) -> Mapping[str, Jax]:
        """NVIDIA's, where none is chosen yet."""
        return {CUDA: replace(self, device=CUDA)} if self.device == CPU else {}

    def pin(self, threads: int) -> dict[str, Any]:
        """Set the device, the processor's threads, and IEEE precision."""
        return pin(threads, self.device)

    @property
    def routes(self) -> Mapping[str, Jax]:
        """The compiled function, where it is not chosen yet."""
        return {} if self.on else {_JIT: replace(self, on=(_JIT,))}

    def why_unavailable(self) -> str | None:
        """Return what is not installed for the device, or that there is none, or None."""
        return why_no_jax(self.device, "jax", "jaxlib", extra="jax")

    def version(self) -> str:
        """Return JAX's version."""
        return str(installed_version("jax"))

    def backend(self) -> str | None:
        """Return the version of jaxlib, which computes."""
        version = installed_version("jaxlib")
        return f"jaxlib {version}" if version else None

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return the calls that mean the case, and what people take for it; of groups an exact one.

        And one where padding holds elements of the input.
        """
        if case.filled_with != ZEROS:
            reason = f"JAX's convolutions pad with zeros alone, and this case pads by {case.padding_mode!r}"
            return [Unsupported(reason), *self.exact(case)]
        if case.transposed and case.groups > 1:
            return [Unsupported(NO_GROUPS.format(groups=case.groups)), *self._on_route([grouped(case)])]
        return self._on_route([*natives(case), *lookalikes(case)])

    def exact(self, case: Case, *, any_size: bool = False) -> list[Spelling]:  # noqa: ARG002 - all do
        """Return the call that computes a grouped transposed case, or pads with elements of the input."""
        if case.filled_with != ZEROS:
            return self._on_route([filled(case)])
        return [*self._on_route([grouped(case)])] if case.transposed and case.groups > 1 else []

    def _on_route(self, spellings: Sequence[Spelling]) -> list[Any]:
        return [compiled(each) for each in spellings] if self.on else list(spellings)

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:
        """Call the function."""
        return called(layer, (x, *weights))

    def why_no_gradients(self) -> None:
        """Return None: JAX differentiates."""

    def backward(
        self, layer: Any, weights: Sequence[Array], x: Array, dy: Array
    ) -> tuple[Array, list[Array]]:
        """Return the gradients by the input and by the weights, by ``jax.vjp``."""
        by_input, *by_weights = pulled_back(layer, (x, *weights), dy)
        return by_input, by_weights

    def activation(self, name: str) -> str | None:
        """Return a statement that puts JAX's function of this name behind ``layer``."""
        found = _ACTIVATIONS.get(name)
        return found and f"layer = (lambda layer: lambda *arrays: jax.nn.{found}(layer(*arrays)))(layer)"
