"""What the frameworks here compute with, which tests of theirs depend on."""

from parity.frameworks.keras.installation import tensorflow_kernels

HAS_ONEDNN = "oneDNN" in tensorflow_kernels("float32")
"""Whether TensorFlow computes with oneDNN; its own dilate no transposed layer and are channels last."""
