"""Keras 3, on whichever backend ``KERAS_BACKEND`` names: channels last, kernels (*kernel, C/groups, O).

What its "valid" and "same" mean is what convmm means by them. Its transposed layers' kernels are
(*kernel, O, C), and they know no groups. Sources: keras/src/layers/convolutional and
keras/src/backend/common/backend_utils.py (Keras 3.15), and runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.frameworks.code.script import Script
from parity.frameworks.interface import Framework, Refuses, refuses_nothing
from parity.frameworks.keras import installation
from parity.frameworks.keras.differentiate import backward, why_no_gradients
from parity.frameworks.keras.exact import exact
from parity.frameworks.keras.pinning import pin
from parity.frameworks.keras.precision import mode
from parity.frameworks.keras.read import CLASSES, read
from parity.frameworks.keras.rules import (
    MOVE_BACK,
    TO_KERAS,
    find_native,
    meanings,
    same_instead,
    spelling,
    why_not,
)
from parity.frameworks.keras.tensors import build, has_channels_first, to_keras, to_numpy
from parity.frameworks.keras.written import owns, written
from parity.frameworks.spelling import Spelling, Unsupported, first_lookalike


@dataclass(frozen=True)
class Keras(Framework):
    """Keras's layers, channels last."""

    name = "keras"
    extra = installation.EXTRA
    classes = CLASSES
    to_convmm = (MOVE_BACK,)
    from_convmm = TO_KERAS
    why_unavailable = staticmethod(installation.why_unavailable)
    version = staticmethod(installation.version)
    backend = staticmethod(installation.backend)
    mode = staticmethod(mode)
    exact = staticmethod(exact)
    load = staticmethod(installation.load)
    pin = staticmethod(pin)
    why_no_gradients = staticmethod(why_no_gradients)
    backward = staticmethod(backward)
    read = staticmethod(read)
    owns = staticmethod(owns)
    written = staticmethod(written)

    def activation(self, name: str) -> str | None:
        """Return a statement that puts this activation behind ``layer``."""
        return f"layer = keras.Sequential([layer, keras.layers.Activation({name!r})])"

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return the layers of :meth:`layers_for`, by the rules alone."""
        return self.layers_for(case)

    def layers_for(self, case: Case, refuses: Refuses = refuses_nothing) -> list[Spelling | Unsupported]:
        """Return the layer whose "valid" or "same" means the case, what people take for it, an exact one."""
        if case.transposed and case.groups > 1:
            reason = f"Keras's transposed layers have no groups, and this case has {case.groups}"
            return [Unsupported(reason), *exact(case)]
        candidates = list(meanings(case))
        native = find_native(case, candidates, refuses)
        if native is None:
            taken = first_lookalike(case, candidates)
            return [
                Unsupported(why_not(case)),
                *([spelling("lookalike", taken, refuses)] if taken else []),
                *exact(case),
            ]
        return [native, *same_instead(native.meaning, refuses), *(exact(case) if native.refusal else [])]

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:
        """Build the layer for the input (N, C, *spatial), set its weights, and call it."""
        first = has_channels_first(layer)
        given = to_keras(x, channels_first=first)
        build(layer, given, weights)
        return to_numpy(layer(given), channels_first=first)

    def calling(self, dtype: str) -> Script:
        """Build the layer, set its weights, and call it."""
        return Script(
            ("keras",),
            f"""\
given = keras.ops.convert_to_tensor(np.moveaxis(x, 1, -1), dtype={dtype!r})
if not layer.built:
    layer.build(given.shape)
layer.set_weights(converted)
y = np.moveaxis(keras.ops.convert_to_numpy(layer(given)).astype("float64"), -1, 1)""",
        )
