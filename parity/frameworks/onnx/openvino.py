"""OpenVINO, by its reader of ONNX's models and its plugin for the processor.

It is told to compute in float32, INFERENCE_PRECISION_HINT; what it does by itself is the route
"default_precision". Sources: src/frontends/onnx/frontend/src/op/conv_transpose.cpp and utils/convpool.cpp
(2026.4), and runs.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convmm.geometry import Axis
from parity.cases.arrays import Array, numpy_dtype
from parity.cases.case import ZEROS, Case
from parity.frameworks.known.machine import cpu_flags
from parity.frameworks.onnx.engine import OPSET_10, Engine
from parity.frameworks.onnx.filled import reflects_too_much
from parity.frameworks.onnx.padding import NOTSET, SAME, SAME_UPPER, OfAxis, Window, Written, total
from parity.frameworks.onnx.window_rules import OPENVINO
from parity.frameworks.precision import BFLOAT16, FLOAT32, Mode, accumulated_in_float32, flushing
from parity.frameworks.spelling import Refusal

DEFAULT_PRECISION = "default_precision"
_HINT = "INFERENCE_PRECISION_HINT"

_threads = 1


class _Rules:
    """What OpenVINO makes of a node."""

    def reads(self, case: Case, axis: Axis, of: OfAxis) -> Window | None:
        """Return the window: beside an output size neither ``pads`` nor SAME_UPPER are anything.

        None where a padding is to be found for a kernel without elements: the process ends (SIGSEGV).
        """
        if 0 in case.kernel_shape and (of.auto_pad in SAME or of.output_size is not None):
            return None
        if of.output_size is None and of.auto_pad not in SAME:
            before, after = (of.pads or (0, 0)) if of.auto_pad == NOTSET else (0, 0)
            return Window(before, total(axis, of, before + after))
        size = axis.coarse * axis.stride if of.output_size is None else of.output_size
        added = max(total(axis, of, size), 0)
        if of.output_size is not None:
            return Window(added - added // 2, size)
        begin = added // 2 if of.auto_pad == SAME_UPPER else added - added // 2
        return Window(begin, total(axis, of, added))

    def refusal(self, case: Case, _written: Written) -> Refusal | None:
        """Return what it raises when it reads the model, or when it compiles it."""
        if 0 in case.kernel_shape:
            return Refusal("OpenVINO takes no kernel without elements, in the load", ("RuntimeError",))
        if not case.transposed and 0 in case.output_shape[2:]:
            reason = "OpenVINO takes no input that is shorter than the kernel, in the load; by SAME_* it may"
            return Refusal(reason, ("RuntimeError",), certain=False)
        return None


@functools.cache
def _core() -> Any:
    import openvino  # noqa: PLC0415 - imported when first used

    return openvino.Core()


@dataclass(frozen=True)
class OpenVINO(Engine):
    """OpenVINO's compiled models."""

    plain = "openvino"
    windows = OPENVINO
    distributions = ("openvino",)
    padding_modes = (ZEROS, "reflect", "replicate")  # and no "wrap", which it does not load
    ways = (DEFAULT_PRECISION, OPSET_10)
    classes = {}  # noqa: RUF012 - none, and no field

    @property
    def rules(self) -> _Rules:
        """How it reads nodes."""
        return _Rules()

    def refusal_of_pad(self, case: Case) -> Refusal | None:
        """Return that "reflect" turns back once at most, and that nothing is reflected of nothing."""
        if reflects_too_much(case) or (case.padding_mode == "reflect" and 0 in case.input):
            reason = "OpenVINO reflects fewer elements of an axis than it has, in the load"
            return Refusal(reason, ("RuntimeError",))
        return None

    def mode(self, case: Case) -> Mode:
        """Return that all is computed in float32, or by itself in bfloat16, float64 too; and flushed."""
        if DEFAULT_PRECISION in self.on and {"avx512_bf16", "amx_bf16"} & cpu_flags():
            return replace(flushing(BFLOAT16), of_integers=True)
        return flushing(FLOAT32 if case.dtype == "float64" else accumulated_in_float32(case.dtype))

    def load(self) -> Any:
        """Import OpenVINO."""
        import openvino  # noqa: PLC0415 - imported when first used

        return openvino

    def pin(self, threads: int) -> dict[str, Any]:
        """Set the threads of the models to come."""
        global _threads  # noqa: PLW0603 - of the process, as the other frameworks' own
        _threads = threads
        hint = _core().get_property("CPU", _HINT).to_string()
        return {"threads": threads, _HINT: self._settings.get(_HINT, hint)}

    @property
    def _settings(self) -> dict[str, Any]:
        asked = {} if DEFAULT_PRECISION in self.on else {_HINT: "f32"}
        return {**asked, "INFERENCE_NUM_THREADS": _threads}

    def run(self, model: bytes, x: Array) -> Array:
        """Load a model and call it."""
        openvino, core = self.load(), _core()
        request = core.compile_model(core.read_model(model), "CPU", self._settings).create_infer_request()
        given = np.ascontiguousarray(x)
        if x.dtype.name == "bfloat16":
            given = openvino.Tensor(given.view(np.float16), x.shape, openvino.Type.bf16)
        request.infer({0: given})
        output = request.get_output_tensor(0).data
        return np.array(output.view(numpy_dtype("bfloat16")) if x.dtype.name == "bfloat16" else output)

    @property
    def running(self) -> tuple[tuple[str, ...], str]:
        """What :meth:`run` does, on one thread as here."""
        settings = {**self._settings, "INFERENCE_NUM_THREADS": 1}
        return (
            ("openvino",),
            f"""\
core = openvino.Core()
request = core.compile_model(core.read_model(model), "CPU", {settings}).create_infer_request()
half = x.dtype.name == "bfloat16" # which NumPy has not
given = openvino.Tensor(x.view(np.float16), x.shape, openvino.Type.bf16) if half else x
request.infer({{0: given}})
y = request.get_output_tensor(0).data
y = y.view(x.dtype) if half else y""",
        )
