"""The model of the nodes that a layer's text is of, one or one behind others, with its weights in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from parity.cases.arrays import Array
from parity.frameworks.code.script import Script, numpy_name

OPSET, OLDEST = 22, 10
"""The version of the operators, and that of the route to their oldest: Conv-1 and ConvTranspose-1."""

IR_VERSION = 10
"""Of the file's form: the oldest that has opset 22, and one that every engine reads."""


def model_of(layer: Any, weights: Sequence[Array], x: Array, opset: int) -> bytes:
    """Make the model, of this input's dtype and fixed shape, and have ONNX's checker look at it.

    Args:
        layer: a node, or several of which the last one has the weights, and the first that has any the input.
        weights: of the layer.
        x: its input.
        opset: the version of the operators.

    Raises:
        onnx.checker.ValidationError: it is none by the rules of ONNX.
    """
    import onnx.checker  # noqa: PLC0415 - imported when first used
    import onnx.helper  # noqa: PLC0415
    import onnx.numpy_helper  # noqa: PLC0415

    helper = onnx.helper
    kind = helper.np_dtype_to_tensor_dtype(x.dtype)
    nodes = layer if isinstance(layer, list) else [layer]
    given = next(node.input[0] for node in nodes if node.input)
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info(given, kind, x.shape)],
        [helper.make_tensor_value_info(nodes[-1].output[0], kind, [None] * x.ndim)],
        [
            onnx.numpy_helper.from_array(each, name)
            for each, name in zip(weights, nodes[-1].input[1:], strict=True)
        ],
    )
    versions = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=versions, ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def calling(dtype: str, opset: int, imports: Sequence[str], statements: str) -> Script:
    """Write what makes the model, and what an engine does with ``model`` and ``x`` to leave ``y``."""
    name, modules = numpy_name(dtype)
    return Script(
        ("onnx.checker", "onnx.helper", "onnx.numpy_helper", *modules, *imports),
        f"""\
x, *converted = (np.ascontiguousarray(array.astype({name})) for array in (x, *converted))
kind = onnx.helper.np_dtype_to_tensor_dtype(x.dtype)
nodes = layer if isinstance(layer, list) else [layer]
given = next(node.input[0] for node in nodes if node.input)
graph = onnx.helper.make_graph(
    nodes,
    "layer",
    [onnx.helper.make_tensor_value_info(given, kind, x.shape)],
    [onnx.helper.make_tensor_value_info(nodes[-1].output[0], kind, [None] * x.ndim)],
    [onnx.numpy_helper.from_array(each, name) for each, name in zip(converted, nodes[-1].input[1:])],
)
versions = [onnx.helper.make_opsetid("", {opset})]
model = onnx.helper.make_model(graph, opset_imports=versions, ir_version={IR_VERSION})
onnx.checker.check_model(model)
model = model.SerializeToString()
{statements}
x, y = x.astype("float64"), y.astype("float64")""",
    )
