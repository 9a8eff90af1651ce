"""Keras's routes on TensorFlow: its layers as graphs, and exported; one file each, or one a kind."""

from __future__ import annotations

from collections.abc import Mapping

from parity.frameworks.keras.routes.function import Graph, Jit
from parity.frameworks.keras.routes.litert import LiteRT
from parity.frameworks.keras.routes.onnx import Onnx
from parity.frameworks.keras.routes.openvino import OpenVINO
from parity.frameworks.routes.way import Way

WAYS: Mapping[str, Way] = {
    "graph": Graph(),
    "jit": Jit(),
    "litert": LiteRT(),
    "onnx": Onnx(),
    "openvino": OpenVINO(),
}
"""Each route by its name."""

IN_ANY_FORMAT = frozenset({"graph", "jit"})
"""Those that run layers in the data format that they have; what is exported has channels last."""
