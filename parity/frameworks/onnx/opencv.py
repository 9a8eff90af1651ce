"""OpenCV's module of networks, ``cv2.dnn``, which reads ONNX's models.

Only nodes by ``pads`` are offered. Of ``auto_pad`` it makes something else (5.0: SAME_LOWER is SAME_UPPER,
and neither knows the dilation), and ``output_shape`` it leaves out. Source: runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convmm.geometry import Axis
from parity.cases.arrays import Array
from parity.cases.case import PADDING_MODES, ZEROS, Case
from parity.frameworks.interface import NoOutputError
from parity.frameworks.onnx.engine import Engine
from parity.frameworks.onnx.padding import OfAxis, Window, Written
from parity.frameworks.onnx.spelling import by_numbers
from parity.frameworks.onnx.window_rules import BY_PADS
from parity.frameworks.precision import Mode, accumulated_in_float32, flushing
from parity.frameworks.spelling import Refusal, Spelling, Unsupported


class _Rules:
    """What OpenCV makes of a node."""

    def reads(self, _case: Case, _axis: Axis, _of: OfAxis) -> Window | None:
        """Return None: nodes are by ``pads`` alone."""
        return None

    def refusal(self, _case: Case, _written: Written) -> Refusal | None:
        """Return None: it refuses no node that is offered."""
        return None


def _why_not_run(case: Case) -> str | None:
    if case.dtype != "float32":
        return f"OpenCV's networks give float32, and not {case.dtype}"
    if 0 in {*case.input, *case.kernel_shape, *case.output_shape}:
        return "not run: OpenCV reads memory that is not its own where a size is 0, or ends"
    return None


@dataclass(frozen=True)
class OpenCV(Engine):
    """OpenCV's networks of one layer."""

    plain = "opencv"
    windows = BY_PADS
    padding_modes = PADDING_MODES
    distributions = (
        "opencv-python-headless",
        "opencv-python",
        "opencv-contrib-python-headless",
        "opencv-contrib-python",
    )
    classes = {}  # noqa: RUF012 - none, and no field

    @property
    def rules(self) -> _Rules:
        """How it reads nodes."""
        return _Rules()

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return the case's nodes; of no case that is not run, for what it would do to the process."""
        reason = _why_not_run(case)
        if reason:
            return [Unsupported(reason)]
        return super().spell(case) if case.filled_with != ZEROS else [*by_numbers(case, self.rules)]

    def why_no_pad(self, case: Case) -> str | None:
        """Return why the case is not run whatever it is padded with, or None."""
        return _why_not_run(case) or super().why_no_pad(case)

    def mode(self, case: Case) -> Mode:
        """Return float32, with subnormal numbers flushed."""
        return flushing(accumulated_in_float32(case.dtype))

    def load(self) -> Any:
        """Import OpenCV."""
        import cv2  # noqa: PLC0415 - imported when first used

        return cv2

    def pin(self, threads: int) -> dict[str, Any]:
        """Set the threads of the whole process."""
        cv2 = self.load()
        cv2.setNumThreads(threads)
        return {"threads": cv2.getNumThreads()}

    def run(self, model: bytes, x: Array) -> Array:
        """Load a model and call it.

        Raises:
            NoOutputError: it returns nothing.
        """
        network = self.load().dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
        network.setInput(np.ascontiguousarray(x))
        result: Array | None = network.forward()
        if result is None:
            raise NoOutputError("it returned None")
        return result

    @property
    def running(self) -> tuple[tuple[str, ...], str]:
        """What :meth:`run` does, on one thread as here."""
        return (
            ("cv2",),
            """\
cv2.setNumThreads(1)
network = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
network.setInput(x)
y = network.forward()""",
        )
