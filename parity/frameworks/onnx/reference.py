"""ONNX's reference evaluator, ``onnx.reference.ReferenceEvaluator``, in NumPy.

Sources: onnx/reference/ops/op_conv.py, op_conv_transpose.py and op_col2im.py (onnx 1.23), and runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from convmm.geometry import Axis
from parity.cases.arrays import Array
from parity.cases.case import PADDING_MODES, Case
from parity.frameworks.distributions import installed_version
from parity.frameworks.onnx.engine import Engine
from parity.frameworks.onnx.graph import SUFFIX
from parity.frameworks.onnx.padding import SAME, SAME_UPPER, OfAxis, Window, Written, total
from parity.frameworks.onnx.window_rules import REFERENCE
from parity.frameworks.precision import Mode, accumulated_by_tap, accumulated_in_float32
from parity.frameworks.spelling import Refusal


class _Rules:
    """What the reference evaluator makes of a node."""

    def reads(self, _case: Case, axis: Axis, of: OfAxis) -> Window | None:
        """Return the window: an output size moves it beside SAME_* alone; padding may be negative.

        None where an output size is refused: on several axes it may be taken, for another layer's.
        """
        if of.auto_pad in SAME:
            size = axis.coarse * axis.stride if of.output_size is None else of.output_size
            added = total(axis, of, size)
            return Window(added // 2 if of.auto_pad == SAME_UPPER else added - added // 2, size)
        before, after = of.pads or (0, 0)
        if of.output_size is None:
            return Window(before, total(axis, of, before + after))
        return Window(before, of.output_size) if _places(axis, of) == axis.coarse else None

    def refusal(self, case: Case, written: Written) -> Refusal | None:
        """Return what it raises in the call: of what no convolution maps to the input."""
        if not case.transposed:
            return None
        if not case.input[0]:
            return Refusal(
                "the reference evaluator returns nothing of no sample, in the call", ("TypeError",)
            )
        if not case.filters or 0 in case.input[2:]:
            return Refusal("the reference evaluator reshapes no empty arrays, in the call", ("ValueError",))
        axes = zip(case.geometry.axes, written.axes, strict=True)
        if all(_places(axis, of) == axis.coarse for axis, of in axes):
            return None
        reason = (
            "the reference evaluator takes no output that a convolution does not map to the input's size, "
            "as one with an output_padding that is not below the stride, in the call"
        )
        return Refusal(reason, ("ValueError",))


def _places(axis: Axis, of: OfAxis) -> int:
    """Return the places that a convolution has on an output with the node's padding."""
    size = axis.full + of.output_padding
    if of.output_size is not None and of.auto_pad not in SAME:
        size = of.output_size + sum(of.pads or ())
    return (size - axis.extent) // axis.stride + 1


@dataclass(frozen=True)
class Reference(Engine):
    """The reference evaluator."""

    plain = "onnx"
    windows = REFERENCE
    distributions = ("onnx",)
    model_files = (SUFFIX,)
    padding_modes = PADDING_MODES

    @property
    def rules(self) -> _Rules:
        """How it reads nodes."""
        return _Rules()

    def mode(self, case: Case) -> Mode:
        """Return that half types are summed up in float32, and the taps of a transposed layer in them."""
        if case.transposed:
            return accumulated_by_tap(case.dtype)
        return accumulated_in_float32(case.dtype, bias_apart=True)

    def load(self) -> Any:
        """Import the evaluator."""
        import onnx.reference  # noqa: PLC0415 - imported when first used

        return onnx.reference

    def run(self, model: bytes, x: Array) -> Array:
        """Load a model and call it."""
        evaluator = self.load().ReferenceEvaluator(model)
        result: Array = evaluator.run(None, {evaluator.input_names[0]: x})[0]
        return result

    def run_graph(self, model: bytes, inputs: Mapping[str, Array]) -> list[Array]:
        """Run a model of several inputs and outputs."""
        found: list[Array] = self.load().ReferenceEvaluator(model).run(None, dict(inputs))
        return found

    def owns_model(self, thing: object) -> bool:
        """Return whether it is a model, where ONNX Runtime is not installed: that is much faster."""
        return installed_version("onnxruntime", "onnxruntime-gpu") is None and super().owns_model(thing)

    @property
    def running(self) -> tuple[tuple[str, ...], str]:
        """What :meth:`run` does."""
        return (
            ("onnx.reference",),
            """\
evaluator = onnx.reference.ReferenceEvaluator(model)
y = evaluator.run(None, {evaluator.input_names[0]: x})[0]""",
        )
