"""Which framework is meant by a name that is none of ours."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

_OTHER_NAMES = {
    "pytorch": "torch",
    "nn": "torch",
    "torch.nn": "torch",
    "tensorflow": "keras",
    "tf": "keras",
    "tf.keras": "keras",
    "keras.layers": "keras",
    "tf.nn": "keras+ops",
    "tensorflow.nn": "keras+ops",
    "np": "numpy",
    "convmm": "numpy",
    "linen": "flax",
    "nnx": "flax",
    "ort": "onnxruntime",
    "tflite": "litert",
    "tensorflow-lite": "litert",
    "cv2": "opencv",
}
"""What people call them, in small letters; TensorFlow's layers are Keras's."""

MODULES = {
    "torch.nn.functional": "torch+functional",
    "nn.functional": "torch+functional",
    "F": "torch+functional",
    "keras.ops": "keras+ops",
    "jax.lax": "jax",
    "lax": "jax",
}
"""The modules of functions that stand for the name of what they are of."""

_LONGEST = 30
"""Characters of a name that may be a slip of the pen."""


def meant(name: str, known: Collection[str]) -> str:
    """Return the question whether a known framework is meant, to be read before what is allowed, or nothing.

    Args:
        name: that is none of the known ones.
        known: the names that are.
    """
    small = name.strip().lower()
    if len(small) > _LONGEST:
        return ""
    near = get_close_matches(small, known, n=1, cutoff=0.7)
    found = _OTHER_NAMES.get(small) or next(iter(near), None)
    return f"did you mean {found}? " if found and found.partition("+")[0] in known else ""
