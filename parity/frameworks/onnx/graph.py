"""Whole ONNX models: the convolutions of the graph, with sizes by shape inference, or by a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from parity.cases.arrays import Array
from parity.frameworks.attempt import describe
from parity.frameworks.code.layer import layer
from parity.frameworks.interface import Framework
from parity.frameworks.model import (
    LEAST_RANK,
    Model,
    ModelError,
    Ran,
    Seen,
    Unread,
    Use,
    file_error,
    first_of_last,
    raised,
    same_shape,
)
from parity.frameworks.onnx.model import OPSET, model_of
from parity.frameworks.uses import use_of

SUFFIX = ".onnx"
"""How the names of files end that hold ONNX's models."""

_OPERATORS = ("Conv", "ConvTranspose")
_STANDARD = ("", "ai.onnx")


class Runner(Protocol):
    """An engine that runs whole models."""

    @property
    def plain(self) -> str:
        """Its name."""

    def run(self, model: bytes, x: Array) -> Array:
        """Run a model of one input and one output."""

    def run_graph(self, model: bytes, inputs: Mapping[str, Array]) -> list[Array]:
        """Run a model; its outputs in order."""


class OnnxModel(Model):
    """A model's graph, in the hands of an engine.

    Args:
        engine: who runs it.
        framework: the same, as whose its layers are read.
        proto: the model.
    """

    def __init__(self, engine: Runner, framework: Framework, proto: Any) -> None:
        import onnx.numpy_helper  # noqa: PLC0415 - imported when first used

        self.framework = engine.plain
        self._engine, self._reads = engine, framework
        self._proto = _inlined(proto)
        graph = self._proto.graph
        to_array = onnx.numpy_helper.to_array
        try:
            self._held = {each.name: to_array(each) for each in graph.initializer}
        except Exception as error:
            raise ModelError(f"the ONNX model's weights are not to be had: {describe(error)}") from error
        self._sources = {name: name for name in self._held}
        for node in graph.node:
            constant = next((each.t for each in node.attribute if each.name == "value"), None)
            if node.op_type == "Constant" and constant is not None:
                self._held[node.output[0]] = to_array(constant)
                self._sources[node.output[0]] = node.output[0]
            elif node.op_type == "Identity" and node.input[0] in self._held:  # of weights that are shared
                self._held[node.output[0]] = self._held[node.input[0]]
                self._sources[node.output[0]] = self._sources[node.input[0]]
        self._inputs = [each for each in graph.input if each.name not in self._held]
        self._convolutions = [node for node in graph.node if _is_convolution(node)]

    @property
    def declared(self) -> tuple[tuple[int | None, ...], ...] | None:
        """The shapes of its inputs; channels first, too, of those that the graph itself moves there first."""
        shapes = [(each.name, _shape(each)) for each in self._inputs]
        if any(shape is None for _, shape in shapes):
            return None
        return tuple(
            first_of_last(shape) if self._has_channels_last(name) else shape
            for name, shape in shapes
            if shape is not None
        )

    def state(self) -> Mapping[str, object]:
        """Return its weights: the graph's initializers and constants, by name."""
        return {name: self._held[name] for name in dict.fromkeys(self._sources.values())}

    def calls(self, inputs: Sequence[Array]) -> tuple[list[Use], tuple[Unread, ...]]:
        """Return the graph's convolutions by shape inference; where that says too little, by a run."""
        given = self._given(inputs)
        shapes = self._inferred(given)
        if any(node.input[0] not in shapes for node in self._convolutions):
            return super().calls(inputs)
        uses: list[Use] = []
        unread = self._unread()
        for node in self._convolutions:
            found = self._use(node, shapes[node.input[0]])
            if isinstance(found, Unread):
                unread[found.name] = found
            else:
                uses.append(found)
        return uses, tuple(unread.values())

    def run(self, inputs: Sequence[Array], seen: Seen) -> Ran:
        """Run the model once, with what its convolutions are given and give as outputs beside its own."""
        import onnx  # noqa: PLC0415 - imported when first used

        given = self._given(inputs)
        own = [each.name for each in self._proto.graph.output]
        wanted = [name for node in self._convolutions for name in (node.input[0], node.output[0])]
        added = [name for name in dict.fromkeys(wanted) if name not in given and name not in own]
        model = onnx.ModelProto()
        model.CopyFrom(self._proto)
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in added)
        try:
            found = self._engine.run_graph(model.SerializeToString(), given)
        except Exception as error:
            raise raised(f"the ONNX model, run by {self.framework},", error, inputs) from error
        values = {**self._held, **given, **dict(zip([*own, *added], found, strict=True))}
        unread = self._unread()
        for node in self._convolutions:
            x, y = values[node.input[0]], values[node.output[0]]
            use = self._use(node, x.shape)
            if isinstance(use, Unread):
                unread[use.name] = use
            else:
                seen(use, x, y)
        outputs = [
            np.moveaxis(each, -1, 1) if self._gives_channels_last(name) else each
            for name, each in zip(own, found, strict=False)
        ]
        return Ran(tuple(outputs), tuple(unread.values()))

    def _given(self, inputs: Sequence[Array]) -> dict[str, Array]:
        """Return the inputs by name, each in the layout that the graph declares.

        Raises:
            ModelError: another number of inputs than it has, or of other shapes.
        """
        if len(inputs) != len(self._inputs):
            named = ", ".join(each.name for each in self._inputs)
            raise ModelError(f"{len(inputs)} inputs are given, and allowed are the ONNX model's: {named}")
        given = {}
        for number, (each, array) in enumerate(zip(self._inputs, inputs, strict=True)):
            shape = _shape(each)
            last = np.moveaxis(array, 1, -1) if array.ndim >= LEAST_RANK else array
            fits = shape is None or same_shape(shape, array.shape)
            moved = last if self._has_channels_last(each.name) or not fits else array
            if shape is not None and not same_shape(shape, moved.shape):
                due = (self.declared or ())[number : number + 1] or (shape,)
                written = ",".join("?" if size is None else str(size) for size in due[0])
                shown = ",".join(map(str, array.shape))
                raise ModelError(f"input {shown}: the ONNX model takes {each.name} of {written}")
            given[each.name] = np.ascontiguousarray(moved, dtype=_dtype(each, array))
        return given

    def _has_channels_last(self, name: str) -> bool:
        """Return whether all that reads an input moves its channels from the last axis to the first."""
        readers = [node for node in self._proto.graph.node if name in node.input]
        return bool(readers) and all(_moves(node, to_first=True) for node in readers)

    def _gives_channels_last(self, name: str) -> bool:
        """Return whether an output is what moves the channels from the first axis to the last."""
        return any(_moves(node, to_first=False) for node in self._proto.graph.node if name in node.output)

    def _inferred(self, given: Mapping[str, Array]) -> dict[str, tuple[int, ...]]:
        """Return the shapes that follow from the inputs', by name."""
        import onnx  # noqa: PLC0415 - imported when first used
        import onnx.shape_inference  # noqa: PLC0415

        model = onnx.ModelProto()
        model.CopyFrom(self._proto)
        for each in model.graph.input:
            if each.name in given:
                dims = each.type.tensor_type.shape.dim
                for dim, size in zip(dims, given[each.name].shape, strict=False):
                    dim.dim_value = size
        del model.graph.value_info[:]
        try:
            inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
        except Exception as error:
            raise ModelError(f"the ONNX model has no shapes for these inputs: {describe(error)}") from error
        every = (*inferred.input, *inferred.value_info, *inferred.output)
        found = {each.name: _shape(each) for each in every}
        return {
            name: tuple(size for size in shape if size is not None)
            for name, shape in found.items()
            if shape is not None and None not in shape
        }

    def _use(self, node: Any, shape: Sequence[int]) -> Use | Unread:
        import onnx.helper  # noqa: PLC0415 - imported when first used

        name = _name(node)
        weights = [self._held.get(each) for each in node.input[1:] if each]
        if any(each is None for each in weights):
            return Unread(name, "its kernel or bias is computed while the model runs, and is no array of it")
        arrays = [each for each in weights if each is not None]
        given = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        written = {key: value.decode() if isinstance(value, bytes) else value for key, value in given.items()}
        names = ["x", "w", "b"][: 1 + len(arrays)]
        text = repr(layer("onnx.helper.make_node", node.op_type, names, ["y"], **written))
        one = onnx.helper.make_node(node.op_type, names, ["y"], **written)
        return use_of(
            self._reads,
            name,
            text,
            arrays,
            shape,
            state=[f"state[{self._sources[each]!r}]" for each in node.input[1:] if each],
            again=partial(_again, self._engine, one, arrays),
            kernel_shape=arrays[0].shape,
        )

    def _unread(self) -> dict[str, Unread]:
        """Return what looks like a convolution and is none of the two operators, within other nodes too."""
        found: dict[str, Unread] = {}
        for node, inside in _nodes(self._proto.graph):
            if "conv" not in node.op_type.lower() or (_is_convolution(node) and not inside):
                continue
            name = _name(node)
            kind = f"{node.domain}.{node.op_type}" if node.domain not in _STANDARD else node.op_type
            within = _is_convolution(node)
            found[name] = Unread(name, f"it stands within {inside}" if within else f"{kind} is not read")
        return found


def open_model(engine: Runner, framework: Framework, thing: Any) -> OnnxModel:
    """Open a model in memory, or the file of one.

    Raises:
        ModelError: a file that holds none, or whose weights are missing.
    """
    import onnx  # noqa: PLC0415 - imported when first used

    if not isinstance(thing, Path):
        return OnnxModel(engine, framework, thing)
    try:
        proto = onnx.load(thing)
    except Exception as error:
        raise file_error(thing, f"it cannot be read as an ONNX model: {describe(error)}") from error
    if not proto.graph.node:
        raise file_error(thing, "it holds no ONNX model with a node")
    return OnnxModel(engine, framework, proto)


def _is_convolution(node: Any) -> bool:
    return node.op_type in _OPERATORS and node.domain in _STANDARD


def _name(node: Any) -> str:
    return str(node.name or node.output[0])


def _nodes(graph: Any, inside: str = "") -> Any:
    """Yield the nodes of a graph and of those within its nodes, with the name of what is around these."""
    for node in graph.node:
        yield node, inside
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _nodes(inner, inside or f"{node.op_type} {_name(node)}")


def _shape(value: Any) -> tuple[int | None, ...] | None:
    """Return a shape with None for what is free; None where not even its length is known."""
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return None
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in kind.shape.dim)


def _dtype(value: Any, array: Array) -> Any:
    """Return the dtype of an input, if the array's numbers have one in it.

    Raises:
        ModelError: they have none, as those with fractions among integers.
    """
    import onnx.helper  # noqa: PLC0415 - imported when first used

    kind = value.type.tensor_type.elem_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind) if kind else array.dtype
    if dtype != array.dtype and not np.can_cast(array.dtype, dtype, "same_kind"):
        raise ModelError(f"input of dtype {array.dtype}: the ONNX model takes {value.name} of {dtype}")
    return dtype


def _inlined(proto: Any) -> Any:
    """Return a model with the nodes of its own functions in the places of their calls."""
    import onnx.inliner  # noqa: PLC0415 - imported when first used

    if not proto.functions:
        return proto
    try:
        return onnx.inliner.inline_local_functions(proto)
    except Exception as error:
        raise ModelError(f"the ONNX model's functions cannot be read: {describe(error)}") from error


def _moves(node: Any, *, to_first: bool) -> bool:
    """Return whether a node moves the channels from the last axis to the first, or back."""
    order = next((list(each.ints) for each in node.attribute if each.name == "perm"), [])
    if node.op_type != "Transpose" or len(order) < LEAST_RANK:
        return False
    axes = list(range(len(order)))
    return order == ([0, axes[-1], *axes[1:-1]] if to_first else [0, *axes[2:], 1])


def _again(engine: Runner, node: Any, weights: Sequence[Array], x: Array) -> Array:
    return engine.run(model_of(node, weights, x, OPSET), x)
