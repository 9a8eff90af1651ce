"""Whole LiteRT models: the convolutions of a ``.tflite`` file, with what LiteRT gives when it runs them.

The file is read by LiteRT's own generated classes. Sources: the schema (tensorflow/lite/schema/schema.fbs),
and runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from parity.cases.arrays import Array
from parity.frameworks.attempt import describe
from parity.frameworks.code.layer import Layer, Name, layer
from parity.frameworks.interface import Framework
from parity.frameworks.litert.alone import Alone, Interpreters
from parity.frameworks.litert.dilated import Around, Dilated, Links, find_dilated
from parity.frameworks.model import (
    LEAST_RANK,
    Again,
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
    written_shape,
)
from parity.frameworks.uses import use_of

SUFFIX = ".tflite"
"""How the names of files end that hold LiteRT's models."""

_DILATED_AROUND = (
    "the model dilates by SPACE_TO_BATCH_ND before a convolution and BATCH_TO_SPACE_ND behind it, as "
    "TensorFlow's converter leaves it of some of Keras's layers: it is listed as it runs between them, "
    "undilated"
)


@dataclass(frozen=True)
class _Kind:
    """An operator that is read.

    Attributes:
        function: of ``tf.nn``, which it means.
        sizes: the names of its strides and dilations, without "stride" and "dilation".
        places: of its input, kernel and bias among its inputs.
        order: of its kernel's axes in the layout of the function; none where they are so already.
    """

    function: str
    sizes: tuple[str, ...] = ("H", "W")
    places: tuple[int, int, int] = (0, 1, 2)
    order: tuple[int, ...] = ()


_KINDS = {
    "CONV_2D": _Kind("conv2d", order=(1, 2, 3, 0)),
    "DEPTHWISE_CONV_2D": _Kind("depthwise_conv2d"),
    "TRANSPOSE_CONV": _Kind("conv2d_transpose", places=(2, 1, 3), order=(1, 2, 0, 3)),
    "CONV_3D": _Kind("conv3d", ("D", "H", "W")),
    "CONV_3D_TRANSPOSE": _Kind("conv3d_transpose", ("D", "H", "W"), (2, 1, 3)),
}


class LiteRTModel(Model):
    """A model that LiteRT runs.

    Args:
        litert: the framework.
        interpreters: makes what runs it.
        content: the bytes of its file, which an interpreter has taken.
    """

    def __init__(self, litert: Framework, interpreters: Interpreters, content: bytes) -> None:
        from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415 - imported when first used

        self.framework = litert.name
        self._litert, self._interpreters, self._content = litert, interpreters, content
        self._model = schema.ModelT.InitFromPackedBuf(content, 0)
        self._graph = self._model.subgraphs[0]
        operators, self._types = _names(schema.BuiltinOperator), _names(schema.TensorType)
        self._codes = [
            _text(each.customCode) or operators.get(max(each.builtinCode, each.deprecatedBuiltinCode), "")
            for each in self._model.operatorCodes
        ]
        self._named = Counter(_text(each.name) for each in self._graph.tensors)
        made = [each for each in self._graph.operators if self._codes[each.opcodeIndex] in _KINDS]
        names = [self._name(each.outputs[0]) for each in made]
        self._parts = Counter(part for name in names for part in name.split(";"))
        self._maker = {place: each for each in self._graph.operators for place in each.outputs}
        readers: dict[int, list[Any]] = {}
        for each in self._graph.operators:
            for place in each.inputs:
                readers.setdefault(place, []).append(each)
        self._links = Links(self._maker, readers, self._code_of, list(self._graph.outputs))
        self._dilated = {
            id(each): self._find_dilated(each)
            for each in self._graph.operators
            if (kind := _KINDS.get(self._code_of(each))) and self._links.before(each.inputs[kind.places[0]])
        }
        if None in self._dilated.values():
            self.notes = (_DILATED_AROUND,)

    def _code_of(self, operator: Any) -> str:
        return str(self._codes[operator.opcodeIndex])

    @property
    def declared(self) -> tuple[tuple[int | None, ...], ...]:
        """The shapes of its inputs, channels first."""
        shapes = [(place, self._signature(place)) for place in self._graph.inputs]
        return tuple(
            first_of_last(shape) if self._is_last(place, len(shape)) else shape for place, shape in shapes
        )

    def state(self) -> Mapping[str, object]:
        """Return its constant arrays by their tensors' names, in the layout of the file."""
        found = {self._name(place): self._constant(place) for place in range(len(self._graph.tensors))}
        return {name: each for name, each in found.items() if each is not None}

    def run(self, inputs: Sequence[Array], seen: Seen) -> Ran:
        """Run the model once with all of its tensors kept."""
        given = self._given(inputs)
        try:
            made = self._interpreters(self._content, keeps_all=True)
            details = made.get_input_details()
            for each, array in zip(details, given, strict=True):
                made.resize_tensor_input(each["index"], array.shape)
            made.allocate_tensors()
            for each, array in zip(details, given, strict=True):
                made.set_tensor(each["index"], array)
            made.invoke()
            outputs = [self._output(made, place) for place in self._graph.outputs]
        except (RuntimeError, ValueError) as error:
            raise raised("the LiteRT model", error, inputs) from error
        unread = self._unread()
        for operator in self._graph.operators:
            kind = _KINDS.get(self._codes[operator.opcodeIndex])
            if kind is None:
                continue
            x = self._computed(made, operator.inputs[kind.places[0]])
            y = self._computed(made, operator.outputs[0])
            inside, dilated = (x.shape, y.shape), self._dilated.get(id(operator))
            if dilated is not None:
                x, y = (_of_two_axes(self._computed(made, each)) for each in (dilated.x, dilated.y))
            use = self._use(operator, kind, x.shape, inside, dilated)
            if isinstance(use, Unread):
                unread[use.name] = use
            elif operator.builtinOptions.fusedActivationFunction:
                # the operator itself applies the activation: what was before it is nowhere in the run
                seen(use, x, use.again(x))
            else:
                seen(use, x, y)
        return Ran(tuple(outputs), tuple(unread.values()))

    def _given(self, inputs: Sequence[Array]) -> list[Array]:
        """Return the inputs in the layouts and dtypes that the file declares.

        Raises:
            ModelError: another number of inputs than it has, or of other shapes or dtypes.
        """
        places = self._graph.inputs
        if len(inputs) != len(places):
            named = ", ".join(self._name(place) for place in places)
            raise ModelError(f"{len(inputs)} inputs are given, and allowed are the LiteRT model's: {named}")
        given = []
        for place, array in zip(places, inputs, strict=True):
            name, signature = self._name(place), self._signature(place)
            moved = np.moveaxis(array, 1, -1) if self._is_last(place, array.ndim) else array
            if not same_shape(signature, moved.shape):
                index = list(places).index(place)
                written = written_shape(self.declared[index])
                shown = ",".join(map(str, array.shape))
                raise ModelError(f"input {shown}: the LiteRT model takes {name} of {written}")
            kind = self._types[self._graph.tensors[place].type].lower()
            if not hasattr(np, kind) or not np.can_cast(array.dtype, kind, "same_kind"):
                raise ModelError(f"input of dtype {array.dtype}: the LiteRT model takes {name} of {kind}")
            given.append(np.ascontiguousarray(moved, dtype=kind))
        return given

    def _computed(self, made: Any, place: int) -> Array:
        """Return an array of the run, channels first."""
        try:
            return np.moveaxis(made.get_tensor(place), -1, 1)
        except ValueError as error:
            raise ModelError(f"LiteRT has not kept {self._name(place)}: {describe(error)}") from error

    def _find_dilated(self, operator: Any) -> Dilated | None:
        """Return an operator with the dilation that is made around it, where it is one."""
        if self._codes[operator.opcodeIndex] not in {"CONV_2D", "DEPTHWISE_CONV_2D"}:
            return None
        kernel, *bias = (self._constant(self._source(place)) for place in operator.inputs[1:] if place >= 0)
        if kernel is None:
            return None
        filters = kernel if self._codes[operator.opcodeIndex] == "CONV_2D" else np.moveaxis(kernel, -1, 0)
        return find_dilated(operator, filters, bias[0] if bias else None, self._links, self._constant)

    def _use(
        self,
        operator: Any,
        kind: _Kind,
        shape: tuple[int, ...],
        inside: tuple[tuple[int, ...], tuple[int, ...]],
        dilated: Dilated | None,
    ) -> Use | Unread:
        """Make the call of an operator on an input of this shape, (N, C, *spatial).

        Args:
            operator: the operator.
            kind: what it is.
            shape: of the input; of one with a dilation around it, of what is before that.
            inside: the shapes of the operator's own input and output.
            dilated: the dilation around it, or None.
        """
        name = self._called(operator.outputs[0])
        places = [operator.inputs[place] for place in kind.places[1:] if place < len(operator.inputs)]
        arrays, codes = [], []
        for place in [place for place in places if place >= 0]:
            dtype = self._types[self._graph.tensors[place].type]
            if dtype != "FLOAT32":
                return Unread(name, f"its kernel or bias is of {dtype}: allowed is FLOAT32")
            source = self._source(place)
            array = self._constant(source)
            if array is None:
                return Unread(name, "its kernel or bias is computed while the model runs")
            arrays.append(array.astype(np.float32))
            codes.append(self._code(source))
        kernel, code, function = _function(operator.builtinOptions, kind, arrays[0], *inside, dilated)
        code_of_operator = self._model.operatorCodes[operator.opcodeIndex]
        again: Again = Alone(self._interpreters, code_of_operator, operator, kind.places, [*arrays], *inside)
        if dilated is not None:
            again = self._around(again, dilated, kernel, arrays, codes)
        text = function if len(arrays) == 1 else layer("tf.nn.bias_add", function, Name("b"))
        state = [f"{codes[0]}{code}", *codes[1:]]
        return use_of(
            self._litert,
            name,
            repr(text),
            [kernel, *arrays[1:]],
            shape,
            state=state if all(codes) else [],
            again=again,
            kernel_shape=kernel.shape,
        )

    def _around(
        self, alone: Again, dilated: Dilated, kernel: Array, arrays: list[Array], codes: list[str]
    ) -> Around:
        """Return what computes an operator with the dilation around it; its arrays get the bias behind."""
        bias = None if dilated.bias is None else self._constant(dilated.bias)
        if bias is not None and dilated.bias is not None:
            arrays[1:], codes[1:] = [bias], [self._code(dilated.bias)]
        taps = zip(kernel.shape[:2], dilated.block, strict=True)
        extent = tuple((count - 1) * block + 1 for count, block in taps)
        return Around(alone, dilated, extent, bias)

    def _source(self, place: int) -> int:
        """Return the tensor of float16 that a tensor is widened from; of all others itself."""
        maker = self._maker.get(place)
        if maker is None or self._codes[maker.opcodeIndex] != "DEQUANTIZE":
            return place
        source: int = maker.inputs[0]
        return source if self._types[self._graph.tensors[source].type] == "FLOAT16" else place

    def _code(self, place: int) -> str:
        """Return the code of a constant array; nothing where another one has its name, too."""
        name = self._name(place)
        if self._named[name] > 1:
            return ""
        is_half = self._types[self._graph.tensors[place].type] == "FLOAT16"
        return f"state[{name!r}]" + ('.astype("float32")' if is_half else "")

    def _constant(self, place: int) -> Array | None:
        """Return the array that a tensor has in the file, or None."""
        tensor = self._graph.tensors[place]
        buffer = self._model.buffers[tensor.buffer]
        kind = self._types[tensor.type].lower()
        data = buffer.data
        if buffer.offset > 1:  # of files that are too large: behind what the schema describes
            data = np.frombuffer(self._content, np.uint8, buffer.size, buffer.offset)
        if data is None or isinstance(data, int) or not hasattr(np, kind):
            return None
        shape = () if tensor.shape is None else tuple(tensor.shape)
        array = np.frombuffer(bytes(data), kind)
        return array.reshape(shape) if array.size == np.prod(shape, dtype=int) else None

    def _unread(self) -> dict[str, Unread]:
        """Return what looks like a convolution and is not read."""
        found = {}
        for number, graph in enumerate(self._model.subgraphs):
            for each in graph.operators:
                code = self._codes[each.opcodeIndex]
                if "conv" not in code.lower() or code == "STABLEHLO_CONVERT":
                    continue
                name = _text(graph.tensors[each.outputs[0]].name)
                if code not in _KINDS:
                    found[name] = Unread(name, f"{code} is not read")
                elif number:
                    found[name] = Unread(name, f"it stands within {_text(graph.name) or 'a subgraph'}")
        return found

    def _output(self, made: Any, place: int) -> Array:
        """Return an output, channels first; one that is so, because it is moved at the end, as it is."""
        found: Array = np.array(made.get_tensor(place))
        is_moved = found.ndim >= LEAST_RANK and not self._is_moved(self._maker.get(place), to_first=True)
        return np.moveaxis(found, -1, 1) if is_moved else found

    def _is_last(self, place: int, rank: int) -> bool:
        """Return whether an input has its channels last: where something reads it that does not move them."""
        readers = [each for each in self._graph.operators if place in each.inputs]
        moved = bool(readers) and all(self._is_moved(each, to_first=False) for each in readers)
        return rank >= LEAST_RANK and not moved

    def _is_moved(self, operator: Any, *, to_first: bool) -> bool:
        """Return whether an operator moves channels, from the last axis or to it."""
        if operator is None or self._codes[operator.opcodeIndex] != "TRANSPOSE":
            return False
        order = self._constant(operator.inputs[1])
        if order is None or order.size < LEAST_RANK:
            return False
        axes = list(range(order.size))
        return bool(order.tolist() == ([0, axes[-1], *axes[1:-1]] if to_first else [0, *axes[2:], 1]))

    def _signature(self, place: int) -> tuple[int | None, ...]:
        """Return a tensor's shape as it is in the file, with None for what is free."""
        tensor = self._graph.tensors[place]
        found = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
        return () if found is None else tuple(None if size < 0 else int(size) for size in found)

    def _called(self, place: int) -> str:
        """Return what an operator is called by its output, whose name lists all that was fused into it."""
        whole = self._name(place)
        parts = [each for each in whole.split(";") if "conv" in each.lower()]
        return parts[0] if parts and self._parts[parts[0]] == 1 else whole

    def _name(self, place: int) -> str:
        return _text(self._graph.tensors[place].name)


def open_model(litert: Framework, interpreters: Interpreters, path: Path) -> LiteRTModel:
    """Open a file.

    Raises:
        ModelError: it holds no model that LiteRT runs.
    """
    content = path.read_bytes()
    if not content:
        raise file_error(path, "it is empty")
    try:
        interpreters(content)  # which checks the file: the classes that read it go astray in a damaged one
    except Exception as error:
        raise file_error(path, f"it cannot be read as a LiteRT model: {describe(error)}") from error
    return LiteRTModel(litert, interpreters, content)


def _function(
    options: Any,
    kind: _Kind,
    kernel: Array,
    shape: tuple[int, ...],
    output: tuple[int, ...],
    dilated: Dilated | None,
) -> tuple[Array, str, Layer]:
    """Return a kernel in its function's layout, the code that brings it there, and the function."""
    name = kind.function
    strides = tuple(getattr(options, f"stride{axis}") for axis in kind.sizes)
    dilations = tuple(getattr(options, f"dilation{axis}Factor", 1) for axis in kind.sizes)
    if kind.order:
        kernel, code = kernel.transpose(kind.order), f".transpose{kind.order}"
    elif name == "depthwise_conv2d":
        channels = shape[1]
        if len(set(strides)) > 1:  # which the function refuses
            name, channels = "conv2d", 1
        made = (*kernel.shape[1:3], channels, kernel.shape[-1] // channels)
        kernel, code = kernel.reshape(made), f".reshape{made}"
    else:
        code = ""
    written: dict[str, Any] = {}
    if name.endswith("transpose"):
        written["output_shape"] = (output[0], *output[2:], output[1])
    written["strides"] = strides if name.startswith("conv2d") else (1, *strides, 1)
    written["padding"] = "VALID" if options.padding else "SAME"
    if dilated is not None:
        dilations, written["padding"] = dilated.block, ((0, 0), *dilated.pads, (0, 0))
    if set(dilations) != {1}:
        written["dilations"] = (1, *dilations, 1) if name.startswith("conv3d") else dilations
    return kernel, code, layer(f"tf.nn.{name}", Name("x"), Name("w"), **written)


def _of_two_axes(array: Array) -> Array:
    """Return (N, C, 1, size) of (N, C, size): the convolution is of two axes."""
    return array[:, :, None] if array.ndim == LEAST_RANK else array


def _names(enumeration: Any) -> dict[int, str]:
    return {number: name for name, number in vars(enumeration).items() if isinstance(number, int)}


def _text(given: bytes | str | None) -> str:
    return given.decode() if isinstance(given, bytes) else given or ""
