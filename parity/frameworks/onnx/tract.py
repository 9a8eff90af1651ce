"""tract, an engine in Rust that reads ONNX's models, by its bindings for Python.

Sources: onnx/src/ops/nn/conv_transpose.rs, core/src/ops/cnn/padding.rs and deconv/ (0.23), and runs.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convmm.geometry import Axis
from parity.cases.arrays import Array
from parity.cases.case import ZEROS, Case
from parity.frameworks.onnx.engine import Engine
from parity.frameworks.onnx.filled import reflects_too_much
from parity.frameworks.onnx.padding import NOTSET, SAME, SAME_UPPER, OfAxis, Window, Written, total
from parity.frameworks.onnx.window_rules import TRACT
from parity.frameworks.precision import Mode, accumulator_unknown, flushing
from parity.frameworks.spelling import Refusal


class _Rules:
    """What tract makes of a node."""

    def reads(self, _case: Case, axis: Axis, of: OfAxis) -> Window | None:
        """Return the window: an output size moves its end alone, and SAME_* drop the output padding too.

        None where an output size stands beside SAME_*: the process ends (SIGABRT).
        """
        before, after = (of.pads or (0, 0)) if of.auto_pad == NOTSET else (0, 0)
        if of.auto_pad not in SAME:
            size = total(axis, of, before + after) if of.output_size is None else of.output_size
            return Window(before, size)
        if of.output_size is not None:
            return None
        dropped = axis.extent - axis.stride + of.output_padding
        begin = dropped // 2 if of.auto_pad == SAME_UPPER else dropped - dropped // 2
        return Window(begin, axis.coarse * axis.stride - of.output_padding)

    def refusal(self, case: Case, written: Written) -> Refusal | None:
        """Return what it raises when it reads the model, or when it finds the sizes in it."""
        if case.dtype == "bfloat16":
            return Refusal("tract knows no bfloat16, in the load", ("TractError",))
        if not case.transposed or written.auto_pad not in SAME:
            return None
        if all(axis.extent > axis.stride for axis in case.geometry.axes):
            return None
        reason = "tract takes SAME_* of no transposed kernel that is not longer than the stride, in the load"
        return Refusal(reason, ("TractError",))


@dataclass(frozen=True)
class Tract(Engine):
    """tract's runnable models."""

    plain = "tract"
    windows = TRACT
    distributions = ("tract",)
    padding_modes = (ZEROS, "reflect", "replicate")  # and no "wrap", which it does not load
    classes = {}  # noqa: RUF012 - none, and no field

    @property
    def rules(self) -> _Rules:
        """How it reads nodes."""
        return _Rules()

    def why_no_pad(self, case: Case) -> str | None:
        """Return that what it would do to the process is not run, or None."""
        if reflects_too_much(case):
            return "not run: tract ends the process where a Pad reflects as many elements as an axis has"
        return super().why_no_pad(case)

    def mode(self, case: Case) -> Mode:
        """Return that float16 is summed up in itself or in float32, and others' subnormals may be flushed.

        Which it is follows from the kernel of its matrix products, and so from sizes and the processor.
        """
        mode = accumulator_unknown(case.dtype)
        return mode if case.dtype == "float16" else flushing(mode)

    def load(self) -> Any:
        """Import tract."""
        import tract  # noqa: PLC0415 - imported when first used

        return tract

    def pin(self, threads: int) -> dict[str, Any]:  # noqa: ARG002 - there is nothing to set
        """Return that it computes in the thread that calls it."""
        return {"threads": 1}

    def run(self, model: bytes, x: Array) -> Array:
        """Load a model, which it takes of a file alone, and call it."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "layer.onnx")
            file.write_bytes(model)
            loaded = self.load().onnx().load(file)
        result: Array = loaded.into_model().into_runnable().run([x])[0].to_numpy()
        return result

    @property
    def running(self) -> tuple[tuple[str, ...], str]:
        """What :meth:`run` does."""
        return (
            ("pathlib", "tempfile", "tract"),
            """\
with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder, "layer.onnx")
    file.write_bytes(model)
    loaded = tract.onnx().load(file)
y = loaded.into_model().into_runnable().run([x])[0].to_numpy()""",
        )
