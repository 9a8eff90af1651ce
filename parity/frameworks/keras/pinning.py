"""The switches of Keras and of its backend that change numbers."""

from __future__ import annotations

import os
from typing import Any

from parity.frameworks.keras.installation import backend_name, load


def pin(threads: int) -> dict[str, Any]:
    """Set Keras's defaults whatever its configuration file says, and its backend's IEEE precision."""
    keras = load()
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    return {
        "floatx": keras.config.floatx(),
        "image_data_format": keras.config.image_data_format(),
        **_BACKENDS.get(backend_name(), _nothing)(threads),
    }


def _tensorflow(threads: int) -> dict[str, Any]:
    import tensorflow as tf  # noqa: PLC0415 - it is Keras's backend, and loaded

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_tensor_float_32_execution(enabled=False)
    return {
        "threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "tensor_float_32": tf.config.experimental.tensor_float_32_execution_enabled(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS"),
    }


def _torch(threads: int) -> dict[str, Any]:
    import torch  # noqa: PLC0415 - it is Keras's backend, and loaded

    torch.set_num_threads(threads)
    torch.backends.nnpack.set_flags(False)
    torch.backends.cudnn.allow_tf32 = False
    return {
        "threads": torch.get_num_threads(),
        "nnpack": False,
        "cudnn.allow_tf32": torch.backends.cudnn.allow_tf32,
    }


def _jax(_threads: int) -> dict[str, Any]:
    import jax  # noqa: PLC0415 - it is Keras's backend, and loaded

    jax.config.update("jax_default_matmul_precision", "highest")
    jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - a switch; without it float64 is float32
    return {
        "matmul_precision": jax.config.jax_default_matmul_precision,
        "enable_x64": jax.config.jax_enable_x64,
    }


def _nothing(_threads: int) -> dict[str, Any]:
    return {}


_BACKENDS = {"tensorflow": _tensorflow, "torch": _torch, "jax": _jax}
