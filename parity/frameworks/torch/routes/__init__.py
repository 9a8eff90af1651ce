"""PyTorch's routes: its modules compiled, exported, exported to ONNX, or in TF32; one file each."""

from __future__ import annotations

from collections.abc import Mapping

from parity.frameworks.routes.way import Way
from parity.frameworks.torch.routes.compile import Compile
from parity.frameworks.torch.routes.export import Export
from parity.frameworks.torch.routes.onnx import Onnx
from parity.frameworks.torch.routes.tf32 import TF32

WAYS: Mapping[str, Way] = {"compile": Compile(), "export": Export(), "onnx": Onnx(), "tf32": TF32()}
"""Each route by its name."""

IN_ANY_FORMAT = frozenset({"compile", "export", "tf32"})
"""Those that run modules in the memory format that they have; ONNX knows none."""
