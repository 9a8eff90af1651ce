"""A layer as a model of one input, and the file that Keras exports it to."""

from __future__ import annotations

import functools
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from parity.cases.arrays import Array
from parity.frameworks.keras.installation import load
from parity.frameworks.keras.routes.on_tensorflow import WithoutItsKernels
from parity.frameworks.routes.stages import stage
from parity.frameworks.routes.told import telling
from parity.frameworks.routes.way import Code

_KEPT = 64
"""Models that a process keeps, and the functions that Keras traces of them."""


class Exported(WithoutItsKernels):
    """``model.export(file, format=…)``, and an engine that runs the file.

    A layer's model, and the function that Keras traces of it, read its weights from variables, and are kept.
    What TensorFlow and a converter make of the function follows from the weights, and is made anew.

    Attributes:
        format: Keras's name of the format.
        file: the name that a file in it has.
        tracer: the module of Keras's whose ``get_concrete_fn`` traces a model for the format; "" where it is
            traced as it is saved.
    """

    stages = ("Export",)
    format: ClassVar[str]
    file: ClassVar[str]
    tracer: ClassVar[str] = ""

    def run(self, layer: Any, given: Any) -> Any:
        """Export a model of the layer, with the input's shape, and call the engine on the file."""
        keras, x = load(), given.numpy()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / self.file
            with stage("Export"), _tracing_once(self.tracer):
                model = _model(layer, x.shape, x.dtype.name).again()
                model.export(
                    str(file),
                    format=self.format,
                    verbose=False,
                    input_signature=[keras.InputSpec(shape=x.shape, dtype=x.dtype.name)],
                )
            return self.engine_run(file, x)

    def code(self) -> Code:
        """Return the export, and the engine's run."""
        run = self.engine_code()
        statements = f"""\
dtype = keras.backend.standardize_dtype(given.dtype)
inputs = keras.Input(batch_shape=given.shape, dtype=dtype)
signature = [keras.InputSpec(shape=given.shape, dtype=dtype)]
file = tempfile.mkdtemp() + "/{self.file}"
keras.Model(inputs, layer(inputs)).export(
    file, format={self.format!r}, verbose=False, input_signature=signature
)
{run.statements}"""
        return Code(("tempfile", *run.imports), statements, run.call)

    def engine_run(self, file: Path, x: Array) -> Array:
        """Load the file and call the model on an array, channels last."""
        raise NotImplementedError

    def engine_code(self) -> Code:
        """Return what :meth:`engine_run` does, with the path in ``file`` and the tensor in ``given``."""
        raise NotImplementedError


@functools.lru_cache(maxsize=_KEPT)
@telling
def _model(layer: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Return the model of a layer, this very one, for inputs of this shape and dtype.

    A kept Sequential may have been built for another size, and says what it makes of that alone.
    """
    keras = load()
    if isinstance(layer, keras.Sequential) and any(
        size not in {None, own} for size, own in zip(layer.input_shape, shape, strict=True)
    ):
        layer = keras.Sequential(layer.layers)
    inputs = keras.Input(batch_shape=shape, dtype=dtype)
    return keras.Model(inputs, layer(inputs))


@contextmanager
def _tracing_once(tracer: str) -> Iterator[None]:
    """Have Keras trace a model once for a signature, for the length of a ``with``, not for each export."""
    module: Any = sys.modules.get(tracer)
    trace = getattr(module, "get_concrete_fn", None)
    if trace is None:
        yield
        return
    module.get_concrete_fn = lambda model, signature: _traced(trace, model, *signature).again()
    try:
        yield
    finally:
        module.get_concrete_fn = trace


@functools.lru_cache(maxsize=_KEPT)
@telling
def _traced(trace: Callable[..., Any], model: Any, *signature: Any) -> Any:
    """Return the function of a model, this very one, which reads its variables."""
    return trace(model, list(signature))
