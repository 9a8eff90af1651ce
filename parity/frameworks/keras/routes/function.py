"""The routes "graph" and "jit": ``tf.function``, run by TensorFlow, or compiled by XLA."""

from __future__ import annotations

import functools
from typing import Any

from parity.cases.case import Case
from parity.frameworks.keras.routes.on_tensorflow import OnTensorFlow, WithoutItsKernels
from parity.frameworks.precision import Mode, accumulated_in_float32, flushing
from parity.frameworks.routes.way import Code

_KEPT = 256
"""Functions that a process keeps: each is traced, and compiled, when it is first called."""


@functools.lru_cache(maxsize=_KEPT)
def _function(layer: Any, *_like: object, jit: bool) -> Any:
    """Return the function of a layer, this very one, for a tensor of this shape and dtype."""
    import tensorflow as tf  # noqa: PLC0415 - imported when first used

    return tf.function(layer, jit_compile=jit or None)


class Graph(OnTensorFlow):
    """``tf.function(layer)``: one graph, optimised by Grappler."""

    seconds = 0.2

    def run(self, layer: Any, given: Any) -> Any:
        """Trace the layer, and call the graph."""
        return _function(layer, given.shape, given.dtype, jit=False)(given)

    def code(self) -> Code:
        """Return the trace."""
        return Code(("tensorflow as tf",), call="tf.function(layer)(given)")


class Jit(WithoutItsKernels):
    """``tf.function(layer, jit_compile=True)``."""

    seconds = 0.2

    def run(self, layer: Any, given: Any) -> Any:
        """Trace the layer, and call what XLA compiles of it."""
        return _function(layer, given.shape, given.dtype, jit=True)(given)

    def mode(self, case: Case, otherwise: Mode) -> Mode:  # noqa: ARG002 - part of the role
        """Return that XLA sums half types up in float32 and rounds, and then adds the bias (by runs)."""
        return flushing(accumulated_in_float32(case.dtype, bias_apart=True))

    def code(self) -> Code:
        """Return the trace and its compilation."""
        return Code(("tensorflow as tf",), call="tf.function(layer, jit_compile=True)(given)")
