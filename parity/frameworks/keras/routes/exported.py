"""A layer as a model of one input, and the file that Keras exports it to."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, ClassVar

from parity.cases.arrays import Array
from parity.frameworks.keras.installation import load
from parity.frameworks.keras.routes.on_tensorflow import WithoutItsKernels
from parity.frameworks.routes.stages import stage
from parity.frameworks.routes.way import Code


class Exported(WithoutItsKernels):
    """``model.export(file, format=…)``, and an engine that runs the file.

    Attributes:
        format: Keras's name of the format.
        file: the name that a file in it has.
    """

    stages = ("Export",)
    format: ClassVar[str]
    file: ClassVar[str]

    def run(self, layer: Any, given: Any) -> Any:
        """Export a model of the layer, with the input's shape, and call the engine on the file."""
        keras, x = load(), given.numpy()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / self.file
            with stage("Export"):
                inputs = keras.Input(batch_shape=x.shape, dtype=x.dtype.name)
                model = keras.Model(inputs, layer(inputs))
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
