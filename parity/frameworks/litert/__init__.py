"""LiteRT: functions of ``tf.nn`` that TensorFlow converts and LiteRT runs, channels last.

Kernels are (*kernel, C/groups, O), and of transposed ones (*kernel, O, C). The weights are constants of the
model. LiteRT leaves what it can to XNNPACK; on the route "no_xnnpack" its own kernels compute, on "reference"
its plain ones. Sources: see :mod:`parity.frameworks.litert.rules`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.frameworks.code.script import Script
from parity.frameworks.distributions import installed_version, not_installed
from parity.frameworks.interface import Framework, NoOutputError
from parity.frameworks.litert.model import SUFFIX, LiteRTModel, open_model
from parity.frameworks.litert.rules import MOVE_BACK, exact, spellings, why_not
from parity.frameworks.litert.window_rules import WINDOWS
from parity.frameworks.precision import Mode, accumulated_in_float32, flushing
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.tf_nn import CLASSES, PREFIXES, read

_RESOLVERS = {
    "": "AUTO",
    "no_xnnpack": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "reference": "BUILTIN_REF",
}
"""Which of LiteRT's kernels each route takes, as ``OpResolverType`` names them."""


def load() -> Any:
    """Import TensorFlow and LiteRT."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf  # noqa: PLC0415 - imported when first used
    from ai_edge_litert import interpreter  # noqa: F401, PLC0415 - the same

    return tf


_CALLING = """\
weights = [tensorflow.constant(each.astype("float32")) for each in converted]


def computed(given):
    output = layer(given, weights[0])
    return tensorflow.nn.bias_add(output, weights[1]) if len(weights) > 1 else output


given = np.moveaxis(x, 1, -1).astype("float32")
signature = [tensorflow.TensorSpec(given.shape, "float32")]
concrete = tensorflow.function(computed, input_signature=signature).get_concrete_function()
model = tensorflow.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
kernels = interpreter.OpResolverType.{resolver}
made = interpreter.Interpreter(model_content=model, num_threads=1, experimental_op_resolver_type=kernels)
made.allocate_tensors()
made.set_tensor(made.get_input_details()[0]["index"], given)
made.invoke()
y = np.moveaxis(made.get_tensor(made.get_output_details()[0]["index"]), -1, 1).astype("float64")"""


@dataclass(frozen=True)
class LiteRT(Framework):
    """Functions of ``tf.nn``, converted to LiteRT and run by it.

    Attributes:
        on: the route: "" for XNNPACK, "no_xnnpack", or "reference".
    """

    on: str = ""

    extra = "litert"
    classes = CLASSES
    prefixes = PREFIXES
    to_convmm = (MOVE_BACK,)
    model_files = (SUFFIX,)
    windows = WINDOWS
    load = staticmethod(load)
    read = staticmethod(partial(read, framework="litert"))

    @property
    def name(self) -> str:
        """The name, with its route."""
        return f"litert+{self.on}" if self.on else "litert"

    @property
    def routes(self) -> Mapping[str, LiteRT]:
        """The other kernels, where none are chosen yet."""
        return {} if self.on else {route: LiteRT(route) for route in _RESOLVERS if route}

    def why_unavailable(self) -> str | None:
        """Return that LiteRT, or TensorFlow that makes its models, is not installed, or None."""
        for distribution in ("ai-edge-litert", "tensorflow"):
            if not installed_version(distribution):
                return not_installed(distribution, "'convparity[litert]'")
        return None

    def version(self) -> str:
        """Return LiteRT's version."""
        return str(installed_version("ai-edge-litert"))

    def backend(self) -> str:
        """Return whose converter makes the models, and its version."""
        return f"tensorflow {installed_version('tensorflow')}"

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return the function that means the case; else why not, one of its size; and an exact one."""
        found = spellings(case)
        if found and found[0].kind == "native":
            return [*found, *(exact(case) if found[0].refusal else [])]
        return [Unsupported(why_not(case)), *found, *exact(case)]

    def exact(self, case: Case, *, any_size: bool = False) -> list[Spelling]:  # noqa: ARG002 - all do
        """Return a function with zeros or crops around it that computes the case, for any size of input."""
        return exact(case)

    def mode(self, case: Case) -> Mode:
        """Return the dtype's own, with subnormal numbers flushed."""
        return flushing(accumulated_in_float32(case.dtype))

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:
        """Convert the function of these weights, and have LiteRT run the model on (N, *spatial, C).

        Raises:
            NoOutputError: the model has no one output.
        """
        given = np.ascontiguousarray(np.moveaxis(x, 1, -1))
        made = self.interpreter(_model(layer, weights, given))
        made.allocate_tensors()
        made.set_tensor(made.get_input_details()[0]["index"], given)
        made.invoke()
        outputs = made.get_output_details()
        if len(outputs) != 1:
            raise NoOutputError(f"the model has {len(outputs)} outputs")
        found: Array = made.get_tensor(outputs[0]["index"])
        return np.moveaxis(found, -1, 1)

    def interpreter(self, content: bytes, *, keeps_all: bool = False) -> Any:
        """Make an interpreter of a model, with the kernels of the route.

        Args:
            content: the model.
            keeps_all: what is computed on the way can be had after the run, too.
        """
        from ai_edge_litert.interpreter import Interpreter, OpResolverType  # noqa: PLC0415 - imported by load

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that what is kept takes memory
            return Interpreter(
                model_content=content,
                num_threads=1,
                experimental_op_resolver_type=getattr(OpResolverType, _RESOLVERS[self.on]),
                experimental_preserve_all_tensors=keeps_all,
            )

    def open_model(self, thing: Path) -> LiteRTModel:
        """Open the file of a model."""
        return open_model(self, self.interpreter, thing)

    def pin(self, threads: int) -> dict[str, Any]:
        """Compute on one thread, as :meth:`call` has it."""
        del threads
        return {"threads": 1, "kernels": _RESOLVERS[self.on]}

    def calling(self, dtype: str) -> Script:  # noqa: ARG002 - float32 is all that it takes
        """Convert the function, and run the model."""
        modules = ("tensorflow", "ai_edge_litert.interpreter as interpreter")
        return Script(modules, _CALLING.format(resolver=_RESOLVERS[self.on]))

    def why_no_gradients(self) -> str:
        """Return that LiteRT infers only."""
        return "LiteRT only infers: a converted model has no backward pass"


def _model(layer: Any, weights: Sequence[Array], given: Array) -> bytes:
    """Convert the function of constant weights, for an input of this shape."""
    tf = load()
    kernel, *bias = (tf.constant(each, dtype=each.dtype.name) for each in weights)

    def computed(x: Any) -> Any:
        output = layer(x, kernel)
        return tf.nn.bias_add(output, bias[0]) if bias else output

    signature = [tf.TensorSpec(given.shape, given.dtype.name)]
    concrete = tf.function(computed, input_signature=signature, autograph=False).get_concrete_function()
    converted: bytes = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    return converted
