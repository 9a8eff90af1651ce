"""The route "onnx": a model exported to ONNX, by tf2onnx, and run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.frameworks.keras.routes.exported import Exported
from parity.frameworks.precision import Mode
from parity.frameworks.routes import onnxruntime
from parity.frameworks.routes.way import Code, either
from parity.frameworks.spelling import Refusal


class Onnx(Exported):
    """``model.export(file, format="onnx")``."""

    needs = (*onnxruntime.NEEDS, "tf2onnx")
    engine = onnxruntime.ENGINE
    seconds = 0.3
    says_no_gradients = "ONNX Runtime only infers"
    format = "onnx"
    tracer = "keras.src.export.onnx"
    file = "layer.onnx"

    def mode(self, case: Case, otherwise: Mode) -> Mode:  # noqa: ARG002 - part of the role
        """Return ONNX Runtime's."""
        return onnxruntime.mode(case)

    def refusal(self, case: Case) -> Refusal | None:
        """Return what comes of a graph that is none of ONNX's, or what ONNX Runtime refuses."""
        return either(_exported_wrongly(case), onnxruntime.refusal(case))

    def load(self) -> None:
        """Import ONNX Runtime."""
        onnxruntime.load()

    def engine_run(self, file: Path, x: Array) -> Array:
        """Run the file with ONNX Runtime."""
        return onnxruntime.run(file, x)

    def engine_code(self) -> Code:
        """Return the run by ONNX Runtime."""
        return onnxruntime.code("given.numpy()")


def _exported_wrongly(case: Case) -> Refusal | None:
    """Return what comes of layers that tf2onnx writes as no model can be (1.17, tf2onnx/onnx_opset/nn.py)."""
    if not case.transposed:
        return None
    axes = case.geometry.axes
    if any(axis.fine < axis.coarse for axis in axes):
        reason = "tf2onnx leaves half of a ConvTranspose whose output is smaller than its input"
        return Refusal(reason, ("InvalidGraphInLoad",))
    if any(axis.fine > axis.full for axis in axes):
        reason = "tf2onnx writes negative pads for an output beyond the full response, and ONNX has none"
        return Refusal(reason, ("FailInLoad",))
    return None
