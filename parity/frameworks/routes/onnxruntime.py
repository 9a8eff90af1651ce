"""A file in ONNX, checked, and run by ONNX Runtime on the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.frameworks.precision import Mode, accumulated_in_float32
from parity.frameworks.routes.stages import stage
from parity.frameworks.routes.way import Code
from parity.frameworks.spelling import Refusal

NEEDS = ("onnx", "onnxruntime")
ENGINE = ("onnxruntime", "onnxruntime")


def mode(case: Case) -> Mode:
    """Return that ONNX Runtime computes half types in float32, between casts that it puts around."""
    return accumulated_in_float32(case.dtype)


def refusal(case: Case) -> Refusal | None:
    """Return what ONNX Runtime refuses of a Conv or ConvTranspose on the processor (1.32, found by runs)."""
    if case.dtype == "float64":
        reason = "ONNX Runtime has no convolutions of float64 on the processor"
        return Refusal(reason, ("NotImplementedInLoad",))
    if case.dtype == "bfloat16":
        reason = "ONNX Runtime has no convolutions of bfloat16 on the processor"
        return Refusal(reason, ("InvalidGraphInLoad", "NotImplementedInLoad"))
    return _of_sizes(case)


def _of_sizes(case: Case) -> Refusal | None:
    error = ("InvalidArgumentInCall",)
    if not case.transposed:
        reason = "ONNX Runtime convolves no input without elements on an axis"
        return Refusal(reason, error, certain=False) if 0 in case.input[2:] else None
    added = case.explicit["output_padding"]
    if any(more >= step for more, step in zip(added, case.stride, strict=True)):
        reason = "ONNX Runtime takes no output_padding of the stride or more, whatever the dilation"
        return Refusal(reason, error)
    reason = "ONNX Runtime takes no transposed layer whose output has no elements"
    return Refusal(reason, error, certain=False) if 0 in case.output_shape[2:] else None


def load() -> Any:
    """Import ONNX Runtime, which says what is an error and nothing else."""
    import onnx  # noqa: F401, PLC0415 - imported when first used
    import onnxruntime  # noqa: PLC0415 - imported when first used

    onnxruntime.set_default_logger_severity(3)
    return onnxruntime


def run(file: Path, x: Array) -> Array:
    """Check the model in a file, load it, and call it on its one input.

    Raises:
        RouteError: it was refused; the class says where.
    """
    import onnx  # noqa: PLC0415 - imported when first used

    with stage("Check"):
        onnx.checker.check_model(str(file))
    runtime = load()
    with stage("Load"):
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    with stage("Call"):
        (given,) = session.get_inputs()
        (y,) = session.run(None, {given.name: x})
        result: Array = y
        return result


def code(x: str) -> Code:
    """Return what :func:`run` does with the path in ``file``, of the array that ``x`` stands for."""
    statements = """\
onnx.checker.check_model(file)
session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
"""
    call = f"session.run(None, {{session.get_inputs()[0].name: {x}}})[0]"
    return Code(("onnx", "onnxruntime"), statements, call)
