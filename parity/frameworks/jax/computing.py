"""What is computed by JAX has in common: its routes, devices, versions and precision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from parity.cases.case import PADDING_MODES
from parity.frameworks.devices import CPU, CUDA
from parity.frameworks.distributions import installed_version
from parity.frameworks.interface import Framework
from parity.frameworks.jax.installation import load, pin, why_no_jax
from parity.frameworks.jax.precision import mode, mode_of_gradients

JIT = "jit"

ACTIVATIONS = {
    **{name: name for name in ("relu", "relu6", "sigmoid", "tanh", "elu", "softplus", "silu")},
    "softsign": "soft_sign",
    "swish": "silu",
}
"""Keras's names of activations, and those of ``jax.nn`` and ``flax.linen``."""


@dataclass(frozen=True)
class ComputedByJax(Framework):
    """A framework that JAX computes.

    Attributes:
        on: the routes that it runs its layers on: "jit", the whole layer compiled at once.
        device: that they compute on.
        needs: the distributions that it is made of: its own, which has its name, the one that computes for
            it, and others.
    """

    on: tuple[str, ...] = ()
    device: str = CPU

    needs: ClassVar[tuple[str, ...]] = ()
    padding_modes = PADDING_MODES
    mode = staticmethod(mode)
    mode_of_gradients = staticmethod(mode_of_gradients)
    load = staticmethod(load)

    @property
    def extra(self) -> str:
        """The extra of its name."""
        return self.needs[0]

    @property
    def name(self) -> str:
        """The name, with its routes and its device."""
        name = "+".join((self.needs[0], *self.on))
        return name if self.device == CPU else f"{name}@{self.device}"

    @property
    def devices(self) -> Mapping[str, Self]:
        """NVIDIA's, where none is chosen yet."""
        return {CUDA: replace(self, device=CUDA)} if self.device == CPU else {}

    @property
    def routes(self) -> Mapping[str, Self]:
        """The compiled layer, where it is not chosen yet."""
        return {} if self.on else {JIT: replace(self, on=(JIT,))}

    @property
    def keeps(self) -> bool:
        """Whether layers are compiled: one that is kept is compiled once for inputs of a shape."""
        return bool(self.on)

    def pin(self, threads: int) -> dict[str, Any]:
        """Set the device, the processor's threads, and IEEE precision."""
        return pin(threads, self.device)

    def why_unavailable(self) -> str | None:
        """Return what is not installed for the device, or that there is none, or None."""
        return why_no_jax(self.device, *self.needs, extra=self.extra)

    def version(self) -> str:
        """Return its own distribution's version."""
        return str(installed_version(self.needs[0]))

    def backend(self) -> str | None:
        """Return the version of what computes."""
        version = installed_version(self.needs[1])
        return f"{self.needs[1]} {version}" if version else None

    def why_no_gradients(self) -> None:
        """Return None: JAX differentiates."""
