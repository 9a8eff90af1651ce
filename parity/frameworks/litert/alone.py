"""A model of one operator of another model, without its activation."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from parity.cases.arrays import Array


class Interpreters(Protocol):
    """Makes an interpreter of a model."""

    def __call__(self, content: bytes, *, keeps_all: bool = False) -> Any:
        """Make it; one that keeps what it computes on the way, or not."""


@dataclass(frozen=True, eq=False)
class Alone:
    """Computes an operator on another input than that of its model: (N, C, *spatial) to (N, O, *spatial).

    Attributes:
        interpreters: makes what runs it.
        code: of the operator.
        operator: the operator, of its model.
        places: of its input, kernel and bias among its inputs; what stands elsewhere is the output's shape.
        arrays: its kernel and, if it has one, its bias, in the layout of the file.
        shape: of its input in its model, (N, C, *spatial).
        output: the shape of its output there.
    """

    interpreters: Interpreters
    code: Any
    operator: Any
    places: tuple[int, int, int]
    arrays: Sequence[Array]
    shape: tuple[int, ...]
    output: tuple[int, ...]

    def __call__(self, x: Array) -> Array:
        """Compute it on this input."""
        made = self._interpreter
        given, *shape = made.get_input_details()
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1), dtype=np.float32)
        made.resize_tensor_input(given["index"], x.shape)
        made.allocate_tensors()
        made.set_tensor(given["index"], x)
        for each in shape:
            made.set_tensor(each["index"], np.array(self._output_of(x.shape), np.int32))
        made.invoke()
        found: Array = made.get_tensor(made.get_output_details()[0]["index"])
        return np.moveaxis(found, -1, 1)

    def _output_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return a transposed operator's output's shape, which grows with the input by the strides."""
        options = self.operator.builtinOptions
        strides = [getattr(options, f"stride{axis}") for axis in "DHW"[-(len(shape) - 2) :]]
        sizes = zip(self.output[2:], shape[1:-1], self.shape[2:], strides, strict=True)
        return (
            shape[0],
            *(due + (size - before) * stride for due, size, before, stride in sizes),
            self.output[1],
        )

    @cached_property
    def _interpreter(self) -> Any:
        from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415 - imported when first used

        tensors: list[Any] = []
        buffers = [schema.BufferT()]

        def tensor(shape: Sequence[int], kind: int, array: Array | None = None) -> int:
            if array is not None:
                buffers.append(schema.BufferT(np.frombuffer(array.tobytes(), np.uint8)))
            buffer = 0 if array is None else len(buffers) - 1
            tensors.append(schema.TensorT(list(shape), kind, buffer, name=f"tensor{len(tensors)}"))
            return len(tensors) - 1

        real, whole = schema.TensorType.FLOAT32, schema.TensorType.INT32
        n, c, *sizes = self.shape
        given = [tensor((n, *sizes, c), real)]
        weights = [tensor(each.shape, real, each) for each in self.arrays]
        by_place = dict(zip(self.places, [*given, *weights], strict=False))
        for place in range(max(self.places[:2])):
            if place not in by_place:
                by_place[place] = tensor((len(self.shape),), whole)
                given.append(by_place[place])
        n, c, *sizes = self.output
        result = tensor((n, *sizes, c), real)
        operator = copy(self.operator)
        operator.opcodeIndex = 0
        operator.inputs = [by_place[place] for place in sorted(by_place)]
        operator.outputs = [result]
        operator.intermediates = operator.mutatingVariableInputs = None
        operator.builtinOptions = copy(operator.builtinOptions)
        operator.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.NONE
        graph = schema.SubGraphT(tensors, given, [result], [operator])
        model = schema.ModelT(3, [self.code], [graph], "one operator", buffers)
        builder = import_module("flatbuffers").Builder()  # which has no types
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return self.interpreters(bytes(builder.Output()))
