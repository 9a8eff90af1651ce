"""ONNX Runtime, on its provider for the processor, with its graph optimizations as they are by default: all.

Sources: onnxruntime/core/providers/cpu/nn/conv_transpose_attributes.h and conv_attributes.h (1.32), and runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from packaging.version import Version

from convmm.geometry import Axis
from parity.cases.arrays import Array
from parity.cases.case import PADDING_MODES, Case
from parity.frameworks.distributions import installed_version
from parity.frameworks.onnx.engine import Engine
from parity.frameworks.onnx.filled import reflects_too_much
from parity.frameworks.onnx.graph import SUFFIX
from parity.frameworks.onnx.model import OLDEST
from parity.frameworks.onnx.padding import NOTSET, SAME, SAME_UPPER, OfAxis, Window, Written, total
from parity.frameworks.onnx.window_rules import RUNTIME
from parity.frameworks.precision import Mode, accumulated_in_float32
from parity.frameworks.spelling import Refusal

_EXCHANGED_UNTIL = Version("1.13")
"""The release in which SAME_UPPER and SAME_LOWER of ConvTranspose changed places, to be as ONNX has them:
https://github.com/microsoft/onnxruntime/pull/12537."""

_threads = 1


@dataclass(frozen=True)
class _Rules:
    """What ONNX Runtime makes of a node of this opset."""

    opset: int

    def reads(self, _case: Case, axis: Axis, of: OfAxis) -> Window:
        """Return the window: nothing is negative that is padded, and ``pads`` are nothing beside a size."""
        if of.output_size is None and of.auto_pad not in SAME:
            before, after = (of.pads or (0, 0)) if of.auto_pad == NOTSET else (0, 0)
            return Window(before, total(axis, of, before + after))
        size = axis.coarse * axis.stride if of.output_size is None else of.output_size
        added = max(total(axis, of, size), 0)
        begin = added // 2 if (of.auto_pad == SAME_UPPER) != _are_exchanged() else added - added // 2
        return Window(begin, total(axis, of, added) if of.output_size is None else size)

    def refusal(self, case: Case, written: Written) -> Refusal | None:
        """Return what it raises: for types and arguments, in the load or in the call."""
        return self._by_dtype(case) or (
            _of_transposed(case, written) if case.transposed else _of_convolution(case, written)
        )

    def _by_dtype(self, case: Case) -> Refusal | None:
        if case.dtype in {"float16", "float32"}:
            return None
        if case.dtype == "bfloat16" and self.opset == OLDEST:
            return Refusal("the operators' first version takes no bfloat16, in the load", ("InvalidGraph",))
        return Refusal(
            f"ONNX Runtime has no kernel of {case.dtype} for the processor, in the load", ("NotImplemented",)
        )


def _are_exchanged() -> bool:
    version = installed_version("onnxruntime", "onnxruntime-gpu")
    return version is not None and Version(version) < _EXCHANGED_UNTIL


def _of_convolution(case: Case, written: Written) -> Refusal | None:
    if written.auto_pad in SAME and max(case.dilation) > 1:
        return _in_the_call("SAME_* beside a dilation")
    return _of_nothing(case)


def _of_transposed(case: Case, written: Written) -> Refusal | None:
    for axis, of in zip(case.geometry.axes, written.axes, strict=True):
        if of.output_padding >= axis.stride:
            return _in_the_call("an output_padding that is not below the stride")
        if of.output_size is not None and of.output_size - axis.full >= axis.stride:
            return _in_the_call("an output_shape that is longer than the response by a stride")
        if of.output_size is not None and not axis.coarse:
            return _in_the_call("an output_shape beside no element")
        if of.output_padding and not axis.coarse:
            return _in_the_call("an output_padding beside no element")
    return _of_nothing(case)


def _of_nothing(case: Case) -> Refusal | None:
    return _in_the_call("a layer that has no output on an axis") if 0 in case.output_shape[2:] else None


def _in_the_call(what: str) -> Refusal:
    return Refusal(f"ONNX Runtime refuses {what}, in the call", ("InvalidArgument",))


@dataclass(frozen=True)
class OnnxRuntime(Engine):
    """ONNX Runtime's sessions."""

    plain = "onnxruntime"
    windows = RUNTIME
    distributions = ("onnxruntime", "onnxruntime-gpu")
    model_files = (SUFFIX,)
    padding_modes = PADDING_MODES

    @property
    def rules(self) -> _Rules:
        """How it reads nodes."""
        return _Rules(self.opset)

    def mode(self, case: Case) -> Mode:
        """Return that float16 is cast to float32, and the result back: there are no kernels of it."""
        return accumulated_in_float32(case.dtype)

    def load(self) -> Any:
        """Import ONNX Runtime."""
        import onnxruntime  # noqa: PLC0415 - imported when first used

        return onnxruntime

    def pin(self, threads: int) -> dict[str, Any]:
        """Set the threads of the sessions to come; what they optimize is left as it is by default."""
        global _threads  # noqa: PLW0603 - of the process, as the other frameworks' own
        _threads = threads
        options = self._options()
        return {
            "threads": options.intra_op_num_threads,
            "graph_optimization_level": options.graph_optimization_level.name,
            "providers": ["CPUExecutionProvider"],
        }

    def refusal_of_pad(self, case: Case) -> Refusal | None:
        """Return that "reflect" turns back once at most, and that nothing is wrapped around nothing."""
        if case.padding_mode == "circular" and 0 in case.input:
            return Refusal("ONNX Runtime wraps no input without elements, in the call", ("Fail",))
        if reflects_too_much(case):
            return _in_the_call("a Pad that reflects an axis of no more elements than it adds at an end")
        return None

    def run(self, model: bytes, x: Array) -> Array:
        """Load a model and call it."""
        session = self.load().InferenceSession(model, self._options(), providers=["CPUExecutionProvider"])
        (given,) = session.get_inputs()
        result: Array = session.run(None, {given.name: x})[0]
        return result

    def run_graph(self, model: bytes, inputs: Mapping[str, Array]) -> list[Array]:
        """Run a model of several inputs and outputs."""
        options = self._options()
        options.log_severity_level = 4  # not even errors, which are raised too
        session = self.load().InferenceSession(model, options, providers=["CPUExecutionProvider"])
        found: list[Array] = session.run(None, dict(inputs))
        return found

    @property
    def running(self) -> tuple[tuple[str, ...], str]:
        """What :meth:`run` does, on one thread as here."""
        return (
            ("onnxruntime",),
            """\
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
y = session.run(None, {session.get_inputs()[0].name: x})[0]""",
        )

    def _options(self) -> Any:
        options = self.load().SessionOptions()
        options.intra_op_num_threads = _threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors: a warning goes to the process's standard error
        return options
