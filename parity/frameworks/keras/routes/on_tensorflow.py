"""What all of Keras's routes have in common: TensorFlow as its backend."""

from __future__ import annotations

from parity.cases.case import Case
from parity.frameworks.keras.installation import backend_name
from parity.frameworks.routes.way import Way
from parity.frameworks.spelling import Refusal


class OnTensorFlow(Way):
    """A route that begins with a graph of TensorFlow's."""

    def why_unavailable(self) -> str | None:
        """Return that Keras runs on another backend, or what is not installed, or None."""
        name = backend_name()
        if name != "tensorflow":
            return f"cannot run with KERAS_BACKEND={name!r}: allowed is tensorflow"
        return super().why_unavailable()


class WithoutItsKernels(OnTensorFlow):
    """A route that brings the graph to something else than TensorFlow's kernels."""

    def may_compute(self, case: Case, refused: Refusal) -> bool:  # noqa: ARG002 - part of the role
        """Return whether TensorFlow's kernels refuse the case, and not Keras, by a ValueError."""
        return "ValueError" not in refused.errors
