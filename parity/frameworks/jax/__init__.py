"""JAX: the convolutions of ``jax.lax``, channels first by their dimension numbers, kernels as convmm's.

``conv_transpose`` knows no groups. By default it computes with the kernel as it is and not with the flipped
one, as torch and Keras do and ``transpose_kernel=True`` does. Sources: jax/_src/lax/convolution.py (jax
0.10), and runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from parity.cases.arrays import Array
from parity.cases.case import ZEROS, Case
from parity.frameworks.jax.arrays import called, calling, differentiating, pulled_back
from parity.frameworks.jax.computing import ACTIVATIONS, ComputedByJax
from parity.frameworks.jax.layers import NO_GROUPS, compiled, filled, grouped, lookalikes, natives
from parity.frameworks.jax.read import CLASSES, PREFIXES, read
from parity.frameworks.jax.window_rules import WINDOWS
from parity.frameworks.spelling import Spelling, Unsupported


@dataclass(frozen=True)
class Jax(ComputedByJax):
    """JAX's convolutions, as functions of arrays."""

    needs = ("jax", "jaxlib")
    classes = CLASSES
    prefixes = PREFIXES
    windows = WINDOWS
    read = staticmethod(read)
    calling = staticmethod(calling)
    differentiating = staticmethod(differentiating)

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

    def backward(
        self, layer: Any, weights: Sequence[Array], x: Array, dy: Array
    ) -> tuple[Array, list[Array]]:
        """Return the gradients by the input and by the weights, by ``jax.vjp``."""
        by_input, *by_weights = pulled_back(layer, (x, *weights), dy)
        return by_input, by_weights

    def activation(self, name: str) -> str | None:
        """Return a statement that puts JAX's function of this name behind ``layer``."""
        found = ACTIVATIONS.get(name)
        return found and f"layer = (lambda layer: lambda *arrays: jax.nn.{found}(layer(*arrays)))(layer)"
