"""The route "litert": a model converted for LiteRT, and run by its interpreter."""

from __future__ import annotations

from pathlib import Path

from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.frameworks.keras.quiet import quiet_stderr
from parity.frameworks.keras.routes.exported import Exported
from parity.frameworks.routes.stages import stage
from parity.frameworks.routes.way import Code
from parity.frameworks.spelling import Refusal


class LiteRT(Exported):
    """``model.export(file, format="litert")``, which is TensorFlow's converter."""

    needs = ("ai-edge-litert",)
    engine = ("ai-edge-litert", "ai-edge-litert")
    seconds = 1.0
    says_no_gradients = "LiteRT only infers"
    format = "litert"
    file = "layer.tflite"

    def refusal(self, case: Case) -> Refusal | None:
        """Return what LiteRT's interpreter has no operation for, and what it cannot return (2.3, by runs).

        The converter leaves what has none as TensorFlow's, for a delegate that is TensorFlow itself.
        """
        if _has_no_operation(case):
            reason = f"LiteRT has no such {case.dtype} operation, and its interpreter not TensorFlow's"
            return Refusal(reason, ("RuntimeErrorInLoad",))
        if 0 in case.output_shape:
            return Refusal("LiteRT's interpreter returns no empty arrays", ("ValueErrorInCall",))
        return None

    def engine_run(self, file: Path, x: Array) -> Array:
        """Call the model in a file, whose batch may be another."""
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - imported when first used

        with stage("Load"), quiet_stderr():
            interpreter = Interpreter(model_path=str(file), num_threads=1)
            interpreter.allocate_tensors()
        with stage("Call"):
            (given,), (y,) = interpreter.get_input_details(), interpreter.get_output_details()
            interpreter.set_tensor(given["index"], x)
            interpreter.invoke()
            result: Array = interpreter.get_tensor(y["index"])
            return result

    def engine_code(self) -> Code:
        """Return the run by the interpreter."""
        statements = """\
interpreter = ai_edge_litert.interpreter.Interpreter(model_path=file, num_threads=1)
interpreter.allocate_tensors()
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], given.numpy())
interpreter.invoke()
"""
        call = 'interpreter.get_tensor(interpreter.get_output_details()[0]["index"])'
        return Code(("ai_edge_litert.interpreter",), statements, call)


def _has_no_operation(case: Case) -> bool:
    if case.dtype != "float32":
        return True
    three, dilated = case.rank == 3, max(case.dilation) > 1  # noqa: PLR2004 - axes
    if case.transposed:
        return dilated and not three
    return three and (dilated or case.groups > 1)
