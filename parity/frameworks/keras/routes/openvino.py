"""The route "openvino": a model exported to OpenVINO's format, and run by its runtime."""

from __future__ import annotations

import sys
from pathlib import Path

from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.frameworks.keras.routes.exported import Exported
from parity.frameworks.precision import Mode, accumulated_in_float32, flushing
from parity.frameworks.routes.stages import stage
from parity.frameworks.routes.way import Code
from parity.frameworks.spelling import Refusal

_CONFIGURATION = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
"""Without the hint it computes in bfloat16 where the processor has that."""


class OpenVINO(Exported):
    """``model.export(file, format="openvino")``, by ``openvino.convert_model``."""

    needs = ("openvino",)
    engine = ("openvino", "openvino")
    seconds = 2.0
    says_no_gradients = "OpenVINO only infers"
    format = "openvino"
    tracer = "keras.src.export.openvino"
    file = "layer.xml"

    def mode(self, case: Case, otherwise: Mode) -> Mode:  # noqa: ARG002 - part of the role
        """Return that OpenVINO, asked for float32, computes half types in that."""
        return flushing(accumulated_in_float32(case.dtype))

    def refusal(self, case: Case) -> Refusal | None:
        """Return what OpenVINO refuses (2026.4, found by runs)."""
        if case.dtype == "bfloat16":
            reason = "OpenVINO's frontend of TensorFlow takes no bfloat16"
            return Refusal(reason, ("OpConversionFailureInExport",))
        if not case.transposed and 0 in case.input[2:]:
            reason = "OpenVINO convolves no input that is smaller than the kernel"
            return Refusal(reason, ("RuntimeErrorInLoad",), certain=False)
        if case.transposed and not case.input[1]:
            return Refusal("OpenVINO has no transposed layer without channels", ("RuntimeErrorInLoad",))
        return None

    def load(self) -> None:
        """Keep OpenVINO's converter from telling its makers of each use: it does without that module."""
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type] # an import of it fails

    def engine_run(self, file: Path, x: Array) -> Array:
        """Load the model in a file for the processor, and call it."""
        import openvino  # noqa: PLC0415 - imported when first used

        with stage("Load"):
            model = openvino.Core().compile_model(str(file), "CPU", _CONFIGURATION)
        with stage("Call"):
            result: Array = model(x)[0]
            return result

    def engine_code(self) -> Code:
        """Return the run by OpenVINO's runtime."""
        statements = f"model = openvino.Core().compile_model(file, 'CPU', {_CONFIGURATION})\n"
        return Code(("openvino",), statements, "model(given.numpy())[0]")
