from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import convmm

FOREIGN = {"parity", "torch", "tensorflow", "keras", "jax", "onnxruntime", "onnx", "openvino"}


def test_convmm_imports_neither_the_harness_nor_any_framework() -> None:
    root = Path(convmm.__file__).parents[1]
    code = "import convmm, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert "convmm" in imported
    assert not imported & FOREIGN


def test_every_exported_name_exists() -> None:
    for name in convmm.__all__:
        assert getattr(convmm, name) is not None
    assert list(convmm.__all__) == sorted(convmm.__all__, key=lambda name: (name[0].islower(), name))
