"""The route "onnx": ``torch.onnx.export``, run by ONNX Runtime."""

from __future__ import annotations

import functools
import inspect
import tempfile
from pathlib import Path
from typing import Any

from parity.cases.case import Case
from parity.frameworks.precision import Mode
from parity.frameworks.routes import onnxruntime
from parity.frameworks.routes.stages import stage
from parity.frameworks.routes.told import telling
from parity.frameworks.routes.way import Code, Way
from parity.frameworks.spelling import Refusal

_KEPT = 256
"""Converted modules that a process keeps."""


class Onnx(Way):
    """``torch.onnx.export(layer, (x,), file)``, by the exporter that is torch's default."""

    needs = (*onnxruntime.NEEDS, "onnxscript")
    engine = onnxruntime.ENGINE
    seconds = 0.5
    errors = ("TorchExportErrorInExport",)
    says_no_gradients = "ONNX Runtime only infers"

    def why_not(self, case: Case) -> str | None:
        """Return that torch's tensors of the dtype are no NumPy arrays, which the runtime takes, or None."""
        return "torch makes no NumPy arrays of bfloat16, and has to" if case.dtype == "bfloat16" else None

    def mode(self, case: Case, otherwise: Mode) -> Mode:  # noqa: ARG002 - part of the role
        """Return ONNX Runtime's."""
        return onnxruntime.mode(case)

    def may_compute(self, case: Case, refused: Refusal) -> bool:  # noqa: ARG002 - part of the role
        """Return whether there is no kernel to look at: ONNX Runtime does not."""
        return case.transposed and not case.filters

    def refusal(self, case: Case) -> Refusal | None:
        """Return what ONNX Runtime refuses: the exporter writes what it is given."""
        return onnxruntime.refusal(case)

    def load(self) -> None:
        """Import ONNX Runtime and the exporter, whose table of translations is made once in a process.

        It makes that for every export, of all 500 operations, which takes longer than all else.
        """
        onnxruntime.load()
        from torch.onnx._internal.exporter import _registration  # noqa: PLC0415 - imported when first used

        made = getattr(_registration.ONNXRegistry, "from_torchlib", None)
        if made is not None and not hasattr(made, "cache_info"):
            _registration.ONNXRegistry.from_torchlib = staticmethod(functools.cache(made))

    def run(self, layer: Any, given: Any) -> Any:
        """Export the module to a file for the tensor that it is then called on."""
        import torch  # noqa: PLC0415 - imported when first used

        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "layer.onnx"
            with stage("Export"):
                export(layer.eval(), given, file)
            return torch.from_numpy(onnxruntime.run(file, given.numpy()))

    def code(self) -> Code:
        """Return the export, and the run by ONNX Runtime."""
        run = onnxruntime.code("given.numpy()")
        statements = f"""\
file = tempfile.mkdtemp() + "/layer.onnx"
torch.onnx.export(layer.eval(), (given,), file, verbose=False)
{run.statements}"""
        return Code(("tempfile", *run.imports), statements, f"torch.from_numpy({run.call})")


def export(layer: Any, given: Any, file: Path) -> None:
    """Do what ``torch.onnx.export(layer, (given,), file)`` does, by its own steps: convert, optimize, save.

    What a module is converted to follows from its shapes alone, takes nearly all the time, and is kept. How
    that is optimized follows from the weights, too: a bias of zeros is left out, of two equal kernels one.
    """
    import torch  # noqa: PLC0415 - imported when first used

    if not _has_steps():
        torch.onnx.export(layer, (given,), file, verbose=False)
        return
    converted = _converted(layer, given.shape, given.stride(), given.dtype).again()
    program = torch.onnx.ONNXProgram(converted.clone(), None)
    program.optimize()
    program.save(file, external_data=True)


@functools.cache
def _has_steps() -> bool:
    """Return whether torch's default exporter has these steps (2.9), and what it makes can be copied."""
    import onnx_ir  # noqa: PLC0415 - imported when first used
    import torch  # noqa: PLC0415 - likewise

    dynamo = inspect.signature(torch.onnx.export).parameters.get("dynamo")
    return dynamo is not None and dynamo.default is True and hasattr(onnx_ir.Model, "clone")


@functools.lru_cache(maxsize=_KEPT)
@telling
def _converted(layer: Any, shape: Any, strides: Any, dtype: Any) -> Any:
    """Return the model, not optimized, of a module, this very one: it has the module's own parameters."""
    import torch  # noqa: PLC0415 - imported when first used

    given = torch.empty_strided(shape, strides, dtype=dtype)
    return torch.onnx.export(layer, (given,), verbose=False, optimize=False).model
