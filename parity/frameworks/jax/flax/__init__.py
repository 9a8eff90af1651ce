"""Flax: the layers of ``flax.linen`` and ``flax.nnx``, channels last, kernels (*kernel, C/groups, O).

They call JAX's convolutions, and their paddings mean what JAX's do. Transposed ones have no groups, and by
default a kernel of (*kernel, C, O) that is not flipped; with ``transpose_kernel=True`` it is torch's and
Keras's, (*kernel, O, C). Sources: flax/linen/linear.py and flax/nnx/nn/linear.py (flax 0.12), and runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from parity.cases.arrays import Array
from parity.cases.case import ZEROS, Case
from parity.frameworks.code.script import Script
from parity.frameworks.jax.computing import ACTIVATIONS, JIT, ComputedByJax
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
from parity.frameworks.jax.flax.model import open_model, owns_model
from parity.frameworks.jax.flax.read import CLASSES, PREFIXES, read
from parity.frameworks.jax.flax.run import backward, call, calling, differentiating
from parity.frameworks.jax.window_rules import WINDOWS
from parity.frameworks.model import Model
from parity.frameworks.spelling import Spelling, Unsupported


@dataclass(frozen=True)
class Flax(ComputedByJax):
    """Flax's layers, those of linen first."""

    needs = ("flax", "jax", "jaxlib")
    classes = CLASSES
    prefixes = PREFIXES
    windows = WINDOWS
    to_convmm = (MOVE_BACK,)
    from_convmm = TO_FLAX
    read = staticmethod(read)
    backward = staticmethod(backward)
    owns_model = staticmethod(owns_model)

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

    def open_model(self, thing: Any) -> Model:
        """Open a module of linen, with its variables or without, or of nnx."""
        self.load()
        return open_model(self, thing)

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:
        """Call the layer with these weights on (N, C, *spatial)."""
        return call(layer, weights, x, jit=JIT in self.on)

    def calling(self, dtype: str) -> Script:
        """Write what :meth:`call` does."""
        return calling(dtype, jit=JIT in self.on)

    def differentiating(self, dtype: str) -> Script:
        """Write what :meth:`backward` does."""
        return differentiating(dtype)

    def activation(self, name: str) -> str | None:
        """Return a statement that puts linen's function of this name behind ``layer``."""
        found = ACTIVATIONS.get(name)
        return found and f"layer = flax.linen.Sequential([layer, flax.linen.{found}])"
