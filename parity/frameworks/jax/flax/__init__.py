"""Flax: the layers of ``flax.linen`` and ``flax.nnx``, channels last, kernels (*kernel, C/groups, O).

They call JAX's convolutions, and their paddings mean what JAX's do. Transposed ones have no groups, and by
default a kernel of (*kernel, C, O) that is not flipped; with ``transpose_kernel=True`` it is torch's and
Keras's, (*kernel, O, C). Sources: flax/linen/linear.py and flax/nnx/nn/linear.py (flax 0.12), and runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parity.cases.arrays import Array
from parity.cases.case import PADDING_MODES, ZEROS, Case
from parity.frameworks.code.script import Script
from parity.frameworks.devices import CPU, CUDA
from parity.frameworks.distributions import installed_version
from parity.frameworks.interface import Framework
from parity.frameworks.jax.flax.layers import (
    MOVE_BACK,
    NO_NAME,
    TO_FLAX,
    filled,
    filled_natives,
    grouped,
    lookalikes,
    natives,
    refusing,
)
from parity.frameworks.jax.flax.read import CLASSES, PREFIXES, read
from parity.frameworks.jax.flax.run import backward, call, calling, differentiating
from parity.frameworks.jax.installation import load, pin, why_no_jax
from parity.frameworks.jax.precision import mode, mode_of_gradients
from parity.frameworks.spelling import Spelling, Unsupported

_JIT = "jit"

_ACTIVATIONS = {
    **{name: name for name in ("relu", "relu6", "sigmoid", "tanh", "elu", "softplus", "silu")},
    "softsign": "soft_sign",
    "swish": "silu",
}


@dataclass(frozen=True)
class Flax(Framework):
    """Flax's layers, those of linen first.

    Attributes:
        on: the routes that it runs them on: "jit", the whole layer compiled at once.
        device: that they compute on.
    """

    on: tuple[str, ...] = ()
    device: str = CPU

    extra = "flax"
    classes = CLASSES
    prefixes = PREFIXES
    padding_modes = PADDING_MODES
    to_convmm = (MOVE_BACK,)
    from_convmm = TO_FLAX
    mode = staticmethod(mode)
    mode_of_gradients = staticmethod(mode_of_gradients)
    load = staticmethod(load)
    read = staticmethod(read)
    backward = staticmethod(backward)

    @property
    def name(self) -> str:
        """The name, with its routes and its device."""
        name = "+".join(("flax", *self.on))
        return name if self.device == CPU else f"{name}@{self.device}"

    @property
    def devices(self) -> Mapping[str, Flax]:
        """NVIDIA's, where none is chosen yet."""
        return {CUDA: replace(self, device=CUDA)} if self.device == CPU else {}

    def pin(self, threads: int) -> dict[str, Any]:
        """Set the device, the processor's threads, and IEEE precision."""
        return pin(threads, self.device)

    @property
    def routes(self) -> Mapping[str, Flax]:
        """The compiled layer, where it is not chosen yet."""
        return {} if self.on else {_JIT: replace(self, on=(_JIT,))}

    def why_unavailable(self) -> str | None:
        """Return what is not installed for the device, or that there is none, or None."""
        return why_no_jax(self.device, "flax", "jax", "jaxlib", extra="flax")

    def version(self) -> str:
        """Return Flax's version."""
        return str(installed_version("flax"))

    def backend(self) -> str | None:
        """Return JAX's version, which computes."""
        version = installed_version("jax")
        return f"jax {version}" if version else None

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return the layers that mean the case, and what people take for it; of groups an exact one.

        And one where padding holds elements of the input, and Flax has no name for it.
        """
        if case.filled_with != ZEROS:
            found = list(filled_natives(case))
            return [refusing(each) for each in found] or [Unsupported(NO_NAME), *self.exact(case)]
        if case.transposed and case.groups > 1:
            reason = f"Flax's ConvTranspose has no groups, and this case has {case.groups}"
            return [Unsupported(reason), *self.exact(case)]
        return [refusing(each) for each in (*natives(case), *lookalikes(case))]

    def exact(self, case: Case, *, any_size: bool = False) -> list[Spelling]:  # noqa: ARG002 - all do
        """Return the layer that computes a grouped transposed case, or pads with elements of the input."""
        if case.filled_with != ZEROS:
            return [refusing(filled(case))]
        return [refusing(grouped(case))] if case.transposed and case.groups > 1 else []

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:
        """Call the layer with these weights on (N, C, *spatial)."""
        return call(layer, weights, x, jit=_JIT in self.on)

    def calling(self, dtype: str) -> Script:
        """Write what :meth:`call` does."""
        return calling(dtype, jit=_JIT in self.on)

    def differentiating(self, dtype: str) -> Script:
        """Write what :meth:`backward` does."""
        return differentiating(dtype)

    def why_no_gradients(self) -> None:
        """Return None: JAX differentiates."""

    def activation(self, name: str) -> str | None:
        """Return a statement that puts linen's function of this name behind ``layer``."""
        found = _ACTIVATIONS.get(name)
        return found and f"layer = flax.linen.Sequential([layer, flax.linen.{found}])"
