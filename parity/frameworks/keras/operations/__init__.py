"""Keras's operations, ``keras.ops``, in place of its layers: read, written, run."""
