"""What is given to be translated: a text, or a layer that its user has made."""

from __future__ import annotations

import re

from convmm.geometry import shown
from parity.frameworks.code.expression import ExpressionError
from parity.frameworks.code.live import Live, LiveError
from parity.frameworks.table import all_frameworks

_ALLOWED = (
    "a text such as 'nn.Conv2d(3, 8, 3)', a layer or Sequential of torch.nn or Keras, or a list of these"
)

_MODELS = (".onnx", ".keras", ".h5", ".hdf5", ".tflite", ".pt2", ".pt", ".pth")
"""How names of files end that hold a model."""

_ATTRIBUTE = re.compile(r"[\w.]+:[\w.]+")


def given(expression: object) -> Live:
    """Return the expression that a text is, or that makes such a layer as an object is, with its arrays.

    Raises:
        ExpressionError: a text that names a model.
        LiveError: an object that is no layer, or none that can be read.
    """
    if isinstance(expression, str):
        text = expression.strip()
        if text.lower().endswith(_MODELS) or _ATTRIBUTE.fullmatch(text):
            raise ExpressionError(
                f"expression={shown(text)}: this names a whole model, and allowed is one layer or chain of "
                "layers, as in nn.Conv2d(3, 8, 3)"
            )
        return Live(expression, None)
    # Keras's layers on PyTorch are modules too: the last owner is the closest
    owner = next((found for found in reversed(all_frameworks()) if found.owns(expression)), None)
    if owner is None:
        raise LiveError(f"expression={shown(expression)}: allowed are {_ALLOWED}")
    return owner.live(expression)
